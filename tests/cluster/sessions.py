"""Spark sessions on this machine, for tests."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LOCAL = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}


def session(master: str, **conf: Any) -> SparkSession:
    """Start Spark with loopback addresses only, and workers of this Python unless `PYSPARK_PYTHON` is set."""
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # otherwise workers run the python3 of PATH
    builder = SparkSession.Builder().master(master)
    for name, value in {**LOCAL, **conf}.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()
