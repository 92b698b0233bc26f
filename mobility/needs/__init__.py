"""Single needs of a basin: housing, apprentices, job seekers, paths in the zone."""
