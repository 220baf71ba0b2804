"""The recipes of the documentation: each runs as a program, twice, and is killed where it can go on."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from doubles import uploads_of
from history import ledger
from shell import variables

if TYPE_CHECKING:
    from collections.abc import Callable

    from ikpipe.emulator import Emulator

RECIPES = Path(__file__).parents[2] / "docs" / "examples" / "recipes"
SUBMIT = (
    "--master local[2] --conf spark.ui.enabled=false --conf spark.driver.host=127.0.0.1 "
    "--conf spark.driver.bindAddress=127.0.0.1 pyspark-shell"
)
PATIENCE = 240
"""Seconds for a recipe, on a machine that does other things too."""


class Shop:
    """A folder with tables, and how recipes run in it."""

    def __init__(self, emulator: Emulator, folder: Path, **more: str) -> None:
        self.emulator, self.folder = emulator, folder
        self.environment = {
            **os.environ,
            **variables(emulator),
            "SHOP": str(folder),
            "PYSPARK_PYTHON": sys.executable,
            "PYSPARK_SUBMIT_ARGS": SUBMIT,
            "RAY_USAGE_STATS_ENABLED": "0",
            **more,
        }

    def write(self, name: str, rows: int, files: int) -> None:
        """Write a table of so many rows in so many files of Parquet."""
        (self.folder / name).mkdir()
        for number in range(files):
            mine = range(number, rows, files)
            columns = {"sku": [f"s{row}" for row in mine], "file": [b"GIF89a%d" % row for row in mine]}
            pq.write_table(pa.table(columns), self.folder / name / f"{number}.parquet")

    def start(self, recipe: str) -> psutil.Popen:
        """Start a recipe."""
        command = [sys.executable, "-W", "ignore", str(RECIPES / recipe)]
        with (self.folder / "out.txt").open("a") as out:
            return psutil.Popen(command, env=self.environment, cwd=self.folder, stdout=out, stderr=out)

    def run(self, recipe: str) -> str:
        """Run a recipe to its end, and return what it printed."""
        before = len(self.out())
        with self.start(recipe) as running:
            assert running.wait(PATIENCE) == 0, self.out()[-3000:]
        return self.out()[before:]

    def out(self) -> str:
        """Return what the recipes have printed so far."""
        path = self.folder / "out.txt"
        return path.read_text() if path.exists() else ""

    def stored(self) -> Counter[int]:
        """Return how many files were stored once, twice, …."""
        return Counter(ledger(self.emulator).values())

    def sent(self) -> int:
        """Return the number of uploads that arrived."""
        return len(uploads_of(self.emulator))

    def wait_for(self, rows: int, running: psutil.Popen) -> None:
        """Wait until a recipe has stored so many files."""
        while sum(bool(entry.get("stored")) for entry in self.emulator.log()) < rows:
            assert running.poll() is None, self.out()[-3000:]
            time.sleep(0.02)


def kill(processes: list[psutil.Process]) -> None:
    """Kill processes at once, before one of them restarts another."""
    for act in ("suspend", "kill"):
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                getattr(process, act)()
    psutil.wait_procs(processes, timeout=30)


@pytest.fixture
def shop(emulate: Callable[..., Emulator], tmp_path: Path) -> Callable[..., Shop]:
    """Return a function that opens a shop with an emulator."""
    return lambda latency=0.0, **more: Shop(emulate(latency=latency), tmp_path, **more)


@pytest.mark.parametrize("recipe", ["spark_batch.py", "ray_data.py", "duckdb_query.py", "polars_lazy.py"])
def test_a_recipe_stores_each_row_once(recipe: str, shop: Callable[..., Shop]) -> None:
    """A second start of the program finds the same files."""
    open_shop = shop()
    open_shop.write("products", 30, 3)
    open_shop.run(recipe)
    assert open_shop.stored() == {1: 30}
    open_shop.run(recipe)
    assert open_shop.stored() == {1: 30}


def _senders(running: psutil.Process, emulator: Emulator) -> set[int]:
    """Return the processes of a program that are connected to an emulator."""
    port, found = int(emulator.url.rpartition(":")[2]), set()
    for process in running.children(recursive=True):
        with suppress(psutil.Error):
            if any(one.raddr and one.raddr.port == port for one in process.net_connections("tcp")):
                found.add(process.pid)
    return found


def test_dask_adds_and_loses_workers(shop: Callable[..., Shop]) -> None:
    """Workers are added for the work, and one is killed; each row is stored once, and another start sends nothing."""
    open_shop = shop(latency=0.5)
    open_shop.write("products", 240, 24)
    with open_shop.start("dask_adaptive.py") as running:
        open_shop.wait_for(20, running)
        seen: set[int] = set()
        killed = 0
        while running.poll() is None:
            senders = _senders(running, open_shop.emulator)
            seen |= senders
            if len(seen) > 1 and not killed and senders:
                killed = min(senders)
                kill([psutil.Process(killed)])
            time.sleep(0.1)
        assert running.returncode == 0, open_shop.out()[-3000:]
    assert len(seen) >= 2
    assert killed
    assert open_shop.stored() == {1: 240}
    sent = open_shop.sent()
    open_shop.run("dask_adaptive.py")
    assert open_shop.sent() == sent


def test_a_stream_that_is_killed_continues_with_its_batch(shop: Callable[..., Shop]) -> None:
    """Driver and tasks are killed in the middle of the second batch; the same program runs that batch again."""
    open_shop = shop(latency=0.2)
    open_shop.write("incoming", 120, 3)
    with open_shop.start("spark_stream.py") as running:
        open_shop.wait_for(50, running)
        kill([running, *running.children(recursive=True)])
    open_shop.run("spark_stream.py")
    assert open_shop.stored() == {1: 120}
    results = pd.read_parquet(open_shop.folder / "results" / "products-1")
    assert len(results) == 120
    assert set(results["ik_status"]) <= {"uploaded", "exists"}


def test_a_client_of_spark_connect(shop: Callable[..., Shop]) -> None:
    """The program talks to a server; a second start stores nothing."""
    pytest.importorskip("grpc")
    open_shop = shop(SPARK_SERVER="local[2]", PYSPARK_SUBMIT_ARGS="pyspark-shell")
    open_shop.write("products", 30, 3)
    open_shop.run("spark_connect.py")
    open_shop.run("spark_connect.py")
    assert open_shop.stored() == {1: 30}
