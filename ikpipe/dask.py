"""Dask: each partition of a DataFrame is uploaded where it is."""
