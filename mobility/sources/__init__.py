"""From the outside world to checked tables."""
