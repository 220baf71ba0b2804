"""Spark Connect: the same upload, from a client without Java. Only the server's executors need the private key."""

import os

from pyspark.sql import SparkSession

import ikpipe.spark

SHOP = os.environ.get("SHOP", "/data/shop")  # a folder that all executors share, or a URL such as s3a://shop
SERVER = os.environ.get("SPARK_SERVER", "sc://spark.example.com:15002")

spark = SparkSession.builder.remote(SERVER).getOrCreate()
results = ikpipe.spark.upload(
    spark.read.parquet(f"{SHOP}/products"),
    ikpipe.Account.from_env(),
    key="sku",
    path="/connect/{sku}.gif",
    run="autumn",
    slots=2,  # a client cannot ask how many tasks run at once
)
results.write.mode("overwrite").parquet(f"{SHOP}/results")  # this uploads, once
print(ikpipe.summary(spark.read.parquet(f"{SHOP}/results")))
spark.stop()
