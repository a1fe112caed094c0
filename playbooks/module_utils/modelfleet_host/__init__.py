"""The host's half of a release; standard library only, for it runs on the host's own Python."""
