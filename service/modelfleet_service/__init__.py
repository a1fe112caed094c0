"""What runs on a host: read, verify and score a saved model, and serve it."""
