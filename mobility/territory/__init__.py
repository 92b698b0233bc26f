"""The territory: its project file, shifts and rosters, factors."""
