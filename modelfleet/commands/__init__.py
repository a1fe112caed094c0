"""One module per verb of the command line; each has a click command named `command`."""
