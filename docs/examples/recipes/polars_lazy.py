"""Polars: upload what a lazy query returns, and write the results."""

import os

import polars as pl

import ikpipe

SHOP = os.environ.get("SHOP", "/data/shop")

products = pl.scan_parquet(f"{SHOP}/products/*.parquet").filter(pl.col("sku").is_not_null()).sort("sku")
results = ikpipe.upload(
    products.collect(engine="streaming"),  # the rows that are left have to fit in memory
    ikpipe.Account.from_env(),
    path="/polars/{sku}.gif",
    run="autumn",
    progress=False,
)
results.write_parquet(f"{SHOP}/results.parquet")  # a polars DataFrame
