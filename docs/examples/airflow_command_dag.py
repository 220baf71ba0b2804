"""Airflow 3: upload each day's table, with the command line."""

import os
from datetime import datetime, timedelta

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import dag

RETRY_SECONDS = int(os.environ.get("RETRY_SECONDS", "300"))


@dag(
    schedule="@daily",
    start_date=datetime(2026, 11, 1),
    catchup=False,
    default_args={"retries": 3, "retry_delay": timedelta(seconds=RETRY_SECONDS)},
)
def products_by_command():
    """Upload the pictures of each day's products."""
    BashOperator(
        task_id="upload",
        cwd=os.environ.get("CATALOG", "/data/catalog"),
        bash_command="""
            ikpipe upload products-{{ ds }}.csv -o results/command-{{ ds }}.csv --root pictures --map file=picture \
                --path '/command/{sku}{file.ext}' \
                --run 'command-{{ ds }}' --quiet --summary 'results/command-{{ ds }}.json'
            status=$?
            tr -d '\\n' < 'results/command-{{ ds }}.json'  # the last line of the output becomes the XCom
            exit $status
        """,
        append_env=True,
        env={  # rendered templates and logs show *** for the password of a connection
            "IMAGEKIT_PUBLIC_KEY": "{{ conn.imagekit.login }}",
            "IMAGEKIT_PRIVATE_KEY": "{{ conn.imagekit.password }}",
            "IMAGEKIT_URL_ENDPOINT": "{{ conn.imagekit.extra_dejson.url_endpoint }}",
        },
    )


products_by_command()
