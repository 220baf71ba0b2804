"""Dask: upload with a cluster that adds and removes workers while the job runs."""

import os

import dask.dataframe as dd
from dask.distributed import Client, LocalCluster

import ikpipe.dask

SHOP = os.environ.get("SHOP", "/data/shop")  # a folder that all workers share, or a URL such as s3://shop

if __name__ == "__main__":  # workers are processes that import this file
    with LocalCluster(n_workers=1, threads_per_worker=1, host="127.0.0.1", dashboard_address=None) as cluster:
        # Dask counts the time of few waiting tasks, so a short target is needed for it to add workers.
        cluster.adapt(minimum=1, maximum=3, target_duration="200ms")
        with Client(cluster):
            results = ikpipe.dask.upload(
                dd.read_parquet(f"{SHOP}/products", dtype_backend="pyarrow"),  # keeps bytes, dates and lists
                ikpipe.Account.from_env(),
                key="sku",
                path="/dask/{sku}.gif",
                run="autumn",
                journal=f"{SHOP}/journal",
                slots=3,  # the maximum of workers, since their number changes
            )
            results.to_parquet(f"{SHOP}/results")  # this uploads, once
    print(ikpipe.summary(dd.read_parquet(f"{SHOP}/results")))
