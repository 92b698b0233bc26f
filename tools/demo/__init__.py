"""The fictional basin of Valbrune: plan, streets, timetables, homes."""
