"""Airflow 3: upload each day's table, from Python."""

import os
from datetime import datetime, timedelta
from pathlib import Path

from airflow.sdk import Connection, dag, get_current_context, task
from airflow.sdk.exceptions import AirflowException, AirflowFailException

CATALOG = Path(os.environ.get("CATALOG", "/data/catalog"))  # has tables, the folder pictures, and the folder results
RETRY_SECONDS = int(os.environ.get("RETRY_SECONDS", "300"))


@dag(
    schedule="@daily",
    start_date=datetime(2026, 11, 1),
    catchup=False,
    default_args={"retries": 3, "retry_delay": timedelta(seconds=RETRY_SECONDS)},
)
def products():
    """Upload the pictures of each day's products."""

    @task
    def upload(ds):
        """Upload a day's table. A retry sends only what is not uploaded yet."""
        import pandas as pd  # here, so that the scheduler does not load it whenever it reads this file

        import ikpipe

        key = Connection.get("imagekit")
        account = ikpipe.Account(key.login, key.password, **key.extra_dejson)
        run = get_current_context()["ti"]
        try:
            results = ikpipe.upload(
                pd.read_csv(CATALOG / f"products-{ds}.csv", dtype=str),
                account,
                root=CATALOG / "pictures",
                columns={"file": "picture"},
                path="/products/{sku}{file.ext}",
                run=f"products-{ds}",  # the same in each attempt
                progress=False,
                on_summary=lambda summary: run.xcom_push("summary", summary),  # also if the upload fails
            )
        except ikpipe.MappingError as error:
            raise AirflowFailException(f"a retry does not change the table: {error}") from None
        ikpipe.write_results(results, CATALOG / "results" / f"products-{ds}.parquet")
        counts = results.attrs["ikpipe"]["counts"]
        if counts.keys() & {"failed", "unknown", "cancelled"}:
            raise AirflowException(f"to be retried: {counts}")
        if "invalid" in counts:
            raise AirflowFailException(f"rows have to be fixed, see the summary: {counts}")

    upload(ds="{{ ds }}")


products()
