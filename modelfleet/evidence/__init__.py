"""What a live fleet says of itself, gathered in one SSH session a host, and the claims that are judged by it."""
