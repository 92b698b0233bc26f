"""Shift-aware commute accessibility of industrial sites."""

__version__ = "0.1.0"
