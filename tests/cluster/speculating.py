"""A Spark cluster of two hosts, both this machine: Spark starts the copy of a slow task on another host.

``python speculating.py FOLDER`` uploads 40 rows, where the first attempt of the first task never ends, and prints as
JSON the number of rows by status, and how often files were stored. The cluster's logs go to FOLDER.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import warnings
from collections import Counter
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sessions import session

import ikpipe.spark
from ikpipe.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator

HOSTS = ("127.0.0.1", "127.0.0.2")  # both are loopback
START_TIMEOUT = 120  # s, for each process of the cluster
SPECULATION = {
    "spark.speculation": "true",
    "spark.speculation.interval": "100ms",
    "spark.speculation.quantile": "0.5",
    "spark.speculation.multiplier": "1.1",
    "spark.cores.max": 2,
    "spark.executor.memory": "512m",
}


@contextmanager
def cluster_process(name: str, host: str, folder: Path, *words: str) -> Iterator[Path]:
    """Run a process of the cluster, and yield its log file."""
    import pyspark

    log_file = folder / f"{name}-{host}.log"
    home = Path(pyspark.__file__).parent
    command = [home / "bin" / "spark-class", f"org.apache.spark.deploy.{name}", "--host", host, "--webui-port", "0"]
    environment = {**os.environ, "SPARK_HOME": str(home), "SPARK_LOCAL_IP": host}
    with log_file.open("w") as log:
        process = subprocess.Popen([*command, *words], env=environment, stdout=log, stderr=log)  # noqa: S603 - Spark
        with process:
            try:
                yield log_file
            finally:
                process.terminate()


@contextmanager
def cluster(folder: Path) -> Iterator[str]:
    """Run a master, and a worker on each host; yield the URL of the master."""
    with ExitStack() as stack:
        log_file = stack.enter_context(cluster_process("master.Master", HOSTS[0], folder, "--port", "0"))
        deadline = time.monotonic() + START_TIMEOUT
        while not (match := re.search(r"Starting Spark master at (spark://\S+)", log_file.read_text())):
            if time.monotonic() > deadline:
                raise TimeoutError(log_file.read_text())
            time.sleep(0.1)
        for host in HOSTS:
            words = ("--cores", "1", "--memory", "1g", "--work-dir", str(folder / host), match[1])
            stack.enter_context(cluster_process("worker.Worker", host, folder, *words))
        yield match[1]


def with_hanging_task(results: Any) -> Any:
    """Return results whose first task hangs at its first attempt, after its rows were uploaded."""

    def hang(batches: Iterator[Any]) -> Iterator[Any]:
        from pyspark import TaskContext

        for batch in batches:
            yield batch
            task = TaskContext.get()
            if task is not None and (task.partitionId(), task.attemptNumber()) == (0, 0):
                time.sleep(3600)

    return results.mapInArrow(hang, results.schema)


def main(folder: Path) -> None:
    """Upload, and print the counts."""
    warnings.simplefilter("ignore")  # of PySpark itself
    with Emulator() as emulator, ExitStack() as stack:
        os.environ["IMAGEKIT_PRIVATE_KEY"] = emulator.private_key
        spark = session(stack.enter_context(cluster(folder)), **SPECULATION)
        stack.callback(spark.stop)
        frame = spark.range(0, 40, 1, 4).selectExpr(
            "concat('s', id) AS sku", "encode(concat('GIF89a', id), 'UTF-8') AS file"
        )
        results = ikpipe.spark.upload(frame, emulator.account, file_name="{sku}.gif")
        statuses = Counter(row["ik_status"] for row in with_hanging_task(results).select("ik_status").collect())
        stored = Counter(entry["file"]["sha256"] for entry in emulator.log() if entry.get("stored"))
        sys.stdout.write(json.dumps({"statuses": statuses, "stored": Counter(stored.values())}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
