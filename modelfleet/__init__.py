"""From a trained model and some Linux hosts to a model service that clients rely on."""

__version__ = "0.1.0"
