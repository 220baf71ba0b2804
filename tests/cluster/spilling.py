"""Spark with too little memory for its sorts and shuffles, and with its user interface.

``python spilling.py FOLDER`` sorts and uploads 600 rows, sorts the results, and writes them to FOLDER. It prints as
JSON the number of rows by status, how often files were stored, the bytes that each stage spilled, and where the private
key or a token was found: in plans, the event log, or the pages of the user interface.
"""

from __future__ import annotations

import json
import os
import re
import sys
import warnings
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

from sessions import session

import ikpipe.spark
from ikpipe.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession

ROWS = 600
FEW = 20  # rows that a sort keeps in memory
PAGES = 500  # of the user interface that are read, at most
LITTLE = {
    "spark.memory.fraction": "0.01",
    "spark.shuffle.spill.numElementsForceSpillThreshold": FEW,
    "spark.shuffle.sort.bypassMergeThreshold": 1,  # so that shuffles sort, too
    "spark.sql.shuffle.partitions": 4,
    "spark.sql.adaptive.enabled": "false",
    "spark.ui.enabled": "true",
    "spark.ui.port": 0,
    "spark.eventLog.enabled": "true",
    "spark.eventLog.compress": "false",
}


def pages(spark: SparkSession) -> Iterator[tuple[str, bytes]]:
    """Yield the addresses and contents of the pages of Spark's user interface, and of its API."""
    context = spark.sparkContext
    base = re.sub("//[^:/]+", "//127.0.0.1", context.uiWebUrl)
    api = f"{base}/api/v1/applications/{context.applicationId}"
    names = ("jobs", "stages?withSummaries=true&details=true", "environment", "sql?details=true&planDescription=true")
    waiting, seen = [f"{base}/", *(f"{api}/{name}" for name in names)], set[str]()
    while waiting and len(seen) < PAGES:
        if (address := waiting.pop(0)) in seen:
            continue
        seen.add(address)
        with urlopen(address) as response:  # noqa: S310 - of this process
            content = response.read()
        yield address, content
        if b"<html" in content:
            links = re.findall(r'href="(/[^"#]*)"', content.decode())
            waiting += [
                base + link.replace("&amp;", "&") for link in links if "/static/" not in link and "kill" not in link
            ]


def event_logs(folder: Path) -> list[Path]:
    """Return the files of Spark's event log."""
    return [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]


def spilled(events: Path) -> list[int]:
    """Return the bytes that each stage has written to the disk because its memory was full."""
    stages: Counter[int] = Counter()
    for path in event_logs(events):
        for line in path.read_text().splitlines():
            if (event := json.loads(line))["Event"] == "SparkListenerTaskEnd":
                stages[event["Stage ID"]] += event["Task Metrics"]["Disk Bytes Spilled"]
    return [count for _, count in sorted(stages.items())]


def main(folder: Path) -> None:
    """Upload, and print the figures."""
    warnings.simplefilter("ignore")  # of PySpark itself
    (folder / "events").mkdir()
    with Emulator() as emulator:
        os.environ["IMAGEKIT_PRIVATE_KEY"] = emulator.private_key
        spark = session("local[2]", **LITTLE, **{"spark.eventLog.dir": (folder / "events").as_uri()})
        frame = spark.range(0, ROWS, 1, 4).selectExpr(
            "concat('s', id) AS sku", "encode(concat('GIF89a', id, repeat('x', 2000)), 'UTF-8') AS file"
        )
        sorted_rows = frame.repartition(5).sortWithinPartitions("sku")
        results = ikpipe.spark.upload(sorted_rows, emulator.account, file_name="{sku}.gif", rate=1_000.0)
        again: Any = results.repartition(3).sortWithinPartitions("ik_file_id")
        again.write.parquet(str(folder / "results"))
        rows = spark.read.parquet(str(folder / "results")).select("ik_status", "ik_file_id").collect()
        texts = [("plan", again._jdf.queryExecution().toString().encode()), *pages(spark)]  # noqa: SLF001 - what explain() prints
        spark.stop()
        texts += [(str(path), path.read_bytes()) for path in event_logs(folder / "events")]
        secrets = (emulator.private_key.encode(), b"eyJ")
        stored = Counter(entry["file"]["sha256"] for entry in emulator.log() if entry.get("stored"))
        found = {
            "statuses": Counter(row["ik_status"] for row in rows),
            "files": len({row["ik_file_id"] for row in rows}),
            "stored": Counter(stored.values()),
            "spilled": spilled(folder / "events"),
            "texts": len(texts),
            "with_uploads": sum(b"MapInArrow" in text for _, text in texts),
            "with_secrets": [name for name, text in texts if any(secret in text for secret in secrets)],
        }
        sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
