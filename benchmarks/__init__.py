"""Measurements: the engine against peers, against limits, and as territories grow."""
