"""What every room stands on: errors, language, files, cache, clock; and the version told by all."""

__version__ = "0.1.0"
