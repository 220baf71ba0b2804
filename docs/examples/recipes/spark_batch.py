"""Spark: upload a table, and write the results."""

import os

from pyspark.sql import SparkSession

import ikpipe.spark

SHOP = os.environ.get("SHOP", "/data/shop")  # a folder that all executors share, or a URL such as s3a://shop

spark = SparkSession.builder.appName("products").getOrCreate()
results = ikpipe.spark.upload(
    spark.read.parquet(f"{SHOP}/products"),
    ikpipe.Account.from_env(),
    key="sku",
    path="/spark/{sku}.gif",
    run="autumn",
    journal=f"{SHOP}/journal",  # fsspec's URL, so s3:// and not s3a://
)
results.write.mode("overwrite").parquet(f"{SHOP}/results")  # this uploads, once
print(ikpipe.summary(spark.read.parquet(f"{SHOP}/results")))
spark.stop()
