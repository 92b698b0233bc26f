"""Example territories drawn from real extracts."""
