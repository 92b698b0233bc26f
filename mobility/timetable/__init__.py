"""Timetables as flat arrays, and the one way to change them."""
