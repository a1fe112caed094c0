"""The places that can hold copies: a host, on which an agent runs while it is asked, or a URL."""
