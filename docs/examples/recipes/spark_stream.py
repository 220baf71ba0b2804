"""Spark Structured Streaming: upload each batch of new files. A stream that died continues from its checkpoint."""

import os

from pyspark.sql import SparkSession

import ikpipe.spark

SHOP = os.environ.get("SHOP", "/data/shop")  # a folder that all executors share, or a URL such as s3a://shop
STREAM = "products-1"  # a name for this checkpoint: a new one starts to count its batches from 0 again

account = ikpipe.Account.from_env()
spark = SparkSession.builder.appName(STREAM).getOrCreate()


def upload(batch, number):
    """Upload a batch. Spark calls this again with the same number if the batch was not finished."""
    results = ikpipe.spark.upload(
        batch,
        account,
        key="sku",
        path="/stream/{sku}.gif",
        run=f"{STREAM}-{number}",  # the same names if the batch runs again
        journal=f"{SHOP}/journals/{STREAM}/{number}",  # and what is uploaded is not sent again
    )
    results.write.mode("overwrite").parquet(f"{SHOP}/results/{STREAM}/batch={number}")


(
    spark.readStream.schema("sku STRING, file BINARY")
    .option("maxFilesPerTrigger", 1)
    .parquet(f"{SHOP}/incoming")
    .writeStream.foreachBatch(upload)
    .option("checkpointLocation", f"{SHOP}/checkpoints/{STREAM}")
    .trigger(availableNow=True)  # all that is there; processingTime="1 minute" waits for more
    .start()
    .awaitTermination()
)
spark.stop()
