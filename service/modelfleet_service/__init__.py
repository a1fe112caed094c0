"""What runs on a host: read, verify and score a saved model, and serve it."""

import os

# Read when onnxruntime is imported: it would report its use to its maker, from a thread that a forked worker lacks and
# waits for at its exit.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
