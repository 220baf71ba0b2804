"""Dagster: upload each day's table as a partition of an asset."""

import json
import os
from pathlib import Path

import dagster as dg
import pandas as pd

import ikpipe

CATALOG = Path(os.environ.get("CATALOG", "/data/catalog"))  # has tables, the folder pictures, and the folder results
RETRY_SECONDS = int(os.environ.get("RETRY_SECONDS", "300"))


class ImageKit(dg.ConfigurableResource):
    """The keys of an account, as JSON: {"public_key": "…", "private_key": "…", "url_endpoint": "…"}."""

    secret: str

    def account(self):
        """Return the account."""
        return ikpipe.Account(**json.loads(self.secret))


@dg.asset(
    partitions_def=dg.DailyPartitionsDefinition(start_date="2026-11-01", end_offset=1),  # today is the last partition
    retry_policy=dg.RetryPolicy(max_retries=3, delay=RETRY_SECONDS),
)
def uploaded_products(context: dg.AssetExecutionContext, imagekit: ImageKit) -> dg.MaterializeResult:
    """Pictures of a day's products in the media library."""
    day, summaries = context.partition_key, []
    try:
        results = ikpipe.upload(
            pd.read_csv(CATALOG / f"products-{day}.csv", dtype=str),
            imagekit.account(),
            root=CATALOG / "pictures",
            columns={"file": "picture"},
            path="/products/{sku}{file.ext}",
            run=f"products-{day}",  # the same in each attempt
            progress=False,
            on_summary=summaries.append,
        )
    except ikpipe.MappingError as error:
        raise dg.Failure(str(error), metadata={"summary": summaries[-1]}, allow_retries=False) from None
    ikpipe.write_results(results, CATALOG / "results" / f"products-{day}.parquet")
    counts = summaries[-1]["counts"]
    again = bool(counts.keys() & {"failed", "unknown", "cancelled"})
    if again or "invalid" in counts:
        raise dg.Failure(f"not uploaded: {counts}", metadata={"summary": summaries[-1]}, allow_retries=again)
    return dg.MaterializeResult(metadata={"rows": len(results), "summary": summaries[-1]})


upload_job = dg.define_asset_job("upload_job", [uploaded_products])

defs = dg.Definitions(
    assets=[uploaded_products],
    jobs=[upload_job],
    schedules=[dg.build_schedule_from_partitioned_job(upload_job, hour_of_day=1)],
    resources={"imagekit": ImageKit(secret=dg.EnvVar("IMAGEKIT_KEYS"))},
)
