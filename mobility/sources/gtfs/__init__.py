"""Timetables (GTFS), read and checked."""
