"""What costs less than a shuttle: levers, searched and scored."""
