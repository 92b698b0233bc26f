"""The version of the package, below all that tells it."""

__version__ = "0.1.0"
