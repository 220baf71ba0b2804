"""DuckDB: upload what a query returns, and query the results."""

import os

import duckdb

import ikpipe

SHOP = os.environ.get("SHOP", "/data/shop")

products = duckdb.read_parquet(f"{SHOP}/products/*.parquet").filter("sku IS NOT NULL").order("sku")
results = ikpipe.upload(
    products.to_arrow_table(),
    ikpipe.Account.from_env(),
    path="/duckdb/{sku}.gif",
    run="autumn",
    progress=False,
)
print(duckdb.sql("SELECT ik_status, count(*) AS files, sum(ik_size) AS bytes FROM results GROUP BY ik_status"))
