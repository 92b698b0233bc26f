"""Streets as arrays: modes, paths, safety, isochrones."""
