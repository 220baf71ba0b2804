"""A cluster of two hosts that are this machine, where Spark starts a copy of a slow task: it does so on another host.

``python speculating.py FOLDER`` uploads 40 rows, of which the first task's first attempt never ends, and prints as JSON
what became of the rows, and how often each file was stored. FOLDER is for the cluster's logs.
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
PATIENCE = 120  # s that a part of the cluster may take to start
EAGER = {
    "spark.speculation": "true",
    "spark.speculation.interval": "100ms",
    "spark.speculation.quantile": "0.5",
    "spark.speculation.multiplier": "1.1",
    "spark.cores.max": 2,
    "spark.executor.memory": "512m",
}


@contextmanager
def cluster_process(name: str, host: str, folder: Path, *words: str) -> Iterator[Path]:
    """Run a part of the cluster, and give the file with what it says."""
    import pyspark

    said = folder / f"{name}-{host}.log"
    home = Path(pyspark.__file__).parent
    command = [home / "bin" / "spark-class", f"org.apache.spark.deploy.{name}", "--host", host, "--webui-port", "0"]
    environment = {**os.environ, "SPARK_HOME": str(home), "SPARK_LOCAL_IP": host}
    with said.open("w") as log:
        process = subprocess.Popen([*command, *words], env=environment, stdout=log, stderr=log)  # noqa: S603 - Spark
        with process:
            try:
                yield said
            finally:
                process.terminate()


@contextmanager
def cluster(folder: Path) -> Iterator[str]:
    """Run a master, and a worker on each host; gives the master's address."""
    with ExitStack() as stack:
        said = stack.enter_context(cluster_process("master.Master", HOSTS[0], folder, "--port", "0"))
        last = time.monotonic() + PATIENCE
        while not (found := re.search(r"Starting Spark master at (spark://\S+)", said.read_text())):
            if time.monotonic() > last:
                raise TimeoutError(said.read_text())
            time.sleep(0.1)
        for host in HOSTS:
            words = ("--cores", "1", "--memory", "1g", "--work-dir", str(folder / host), found[1])
            stack.enter_context(cluster_process("worker.Worker", host, folder, *words))
        yield found[1]


def with_hanging_task(results: Any) -> Any:
    """Have the first attempt of the first task hang, when its rows are up."""

    def hang(batches: Iterator[Any]) -> Iterator[Any]:
        from pyspark import TaskContext

        for batch in batches:
            yield batch
            task = TaskContext.get()
            if task is not None and (task.partitionId(), task.attemptNumber()) == (0, 0):
                time.sleep(3600)

    return results.mapInArrow(hang, results.schema)


def main(folder: Path) -> None:
    """Upload, and print what became of it."""
    warnings.simplefilter("ignore")  # PySpark's, of its own
    with Emulator() as emulator, ExitStack() as stack:
        os.environ["IMAGEKIT_PRIVATE_KEY"] = emulator.private_key
        spark = session(stack.enter_context(cluster(folder)), **EAGER)
        stack.callback(spark.stop)
        frame = spark.range(0, 40, 1, 4).selectExpr(
            "concat('s', id) AS sku", "encode(concat('GIF89a', id), 'UTF-8') AS file"
        )
        results = ikpipe.spark.upload(frame, emulator.account, file_name="{sku}.gif")
        found = Counter(row["ik_status"] for row in with_hanging_task(results).select("ik_status").collect())
        stored = Counter(one["file"]["sha256"] for one in emulator.log() if one.get("stored"))
        sys.stdout.write(json.dumps({"found": found, "stored": Counter(stored.values())}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
