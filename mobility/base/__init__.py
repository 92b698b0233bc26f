"""What every room stands on: errors, language, files, cache, clock."""
