"""Where workers live, read and checked."""
