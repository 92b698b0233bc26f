"""Many territories in one run: prepared, computed on Dask, merged into national tables."""
