"""From tables to arrays: streets, timetable, footpaths."""
