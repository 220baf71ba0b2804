"""Prefect 3: upload each day's table."""

import json
import os
from pathlib import Path

import pandas as pd
from prefect import flow, runtime, task
from prefect.artifacts import create_markdown_artifact
from prefect.blocks.system import Secret

import ikpipe

CATALOG = Path(os.environ.get("CATALOG", "/data/catalog"))  # has tables, the folder pictures, and the folder results
RETRY_SECONDS = int(os.environ.get("RETRY_SECONDS", "300"))


class RowsToFixError(Exception):
    """Rows break a rule, which a retry does not change."""


def worth_a_retry(_task, _run, state):
    """Whether another attempt may upload what this one did not."""
    return not isinstance(state.result(raise_on_failure=False), ikpipe.MappingError | RowsToFixError)


def show(summary):
    """Store the summary of an upload as an artifact of the task's run."""
    text = f"```json\n{json.dumps(summary, indent=2, ensure_ascii=False)}\n```"
    create_markdown_artifact(text, key="ikpipe-summary", description=f"{summary['status']}: {summary['counts']}")


@task(retries=3, retry_delay_seconds=RETRY_SECONDS, retry_condition_fn=worth_a_retry)
def upload(day):
    """Upload a day's table. A retry sends only what is not uploaded yet."""
    results = ikpipe.upload(
        pd.read_csv(CATALOG / f"products-{day}.csv", dtype=str),
        ikpipe.Account(**Secret.load("imagekit").get()),
        root=CATALOG / "pictures",
        columns={"file": "picture"},
        path="/products/{sku}{file.ext}",
        run=f"products-{day}",  # the same in each attempt
        progress=False,
        on_summary=show,  # also if the upload fails
    )
    ikpipe.write_results(results, CATALOG / "results" / f"products-{day}.parquet")
    counts = results.attrs["ikpipe"]["counts"]
    if counts.keys() & {"failed", "unknown", "cancelled"}:
        raise RuntimeError(f"to be retried: {counts}")
    if "invalid" in counts:
        raise RowsToFixError(f"see the artifact: {counts}")
    return counts


@flow
def products():
    """Upload the pictures of the day for which this run was scheduled, which a retried run keeps."""
    return upload(f"{runtime.flow_run.scheduled_start_time:%Y-%m-%d}")


if __name__ == "__main__":
    products.serve(name="nightly", cron="0 1 * * *")
