"""Ray Data: upload the blocks of a dataset. Any engine that maps a function over parts of a table works like this."""

import os

import ray

import ikpipe

SHOP = os.environ.get("SHOP", "/data/shop")  # a folder that all nodes share, or a URL such as s3://shop

ray.init(num_cpus=2, include_dashboard=False, _node_ip_address="127.0.0.1")
upload = ikpipe.cluster.prepare(
    ikpipe.Account.from_env(),
    slots=2,  # how many blocks are uploaded at once
    key="sku",
    path="/ray/{sku}.gif",
    run="autumn",
    journal=f"{SHOP}/journal",
)
results = ray.data.read_parquet(f"{SHOP}/products").map_batches(upload, batch_format="pyarrow", batch_size=None)
results.write_parquet(f"{SHOP}/results")  # this uploads, once
ray.shutdown()
