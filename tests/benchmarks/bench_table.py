"""Long tables on the command line: time per row, memory of the process, and time to its first request.

The process is `ikpipe upload` or `ikpipe check`; its memory and, of `upload`, the time to its first request, including
Python's imports, are figures of each contestant. `check` of 1,000,000 rows of CSV should take 8 s of processor time
and 200 MB at most, that of 100,000 rows of a workbook 10 s.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.request import ProxyHandler, build_opener

import pandas as pd
from bench import Contest
from fake_service import fake_service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

MAPPING = ("--map", "file=image_url", "--map", "tags=category,season", "--set", "file_name={sku}.jpg")


def row(number: int) -> dict[str, str]:
    """Return a row of an ordinary catalog."""
    return {
        "image_url": f"https://shop.example.com/images/{number:07}.jpg",
        "sku": f"{number:07}",
        "brand": ("acme", "umbrella")[number % 2],
        "title": f"Shoe number {number}",
        "category": ("shoe", "hat", "coat", "bag")[number % 4],
        "season": "summer",
        "color": ("red", "blue")[number % 2],
        "price": f"{number % 100}.50",
        "stock": f"{number % 13}",
        "note": "",
    }


def write(path: Path, rows: int) -> None:
    """Write a table in the format of the file's extension."""
    if path.suffix == ".parquet":
        pd.DataFrame(row(number) for number in range(rows)).to_parquet(path, row_group_size=100_000)
        return
    if path.suffix == ".xlsx":
        pd.DataFrame(row(number) for number in range(rows)).to_excel(path, index=False)
        return
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, row(0))
        writer.writeheader()
        writer.writerows(row(number) for number in range(rows))


@contextmanager
def written(rows: int, ending: str) -> Iterator[Path]:
    """Write a table into a temporary folder."""
    with TemporaryDirectory() as folder:
        table = Path(folder) / f"in.{ending}"
        # In another process, since a child process inherits the peak memory of this one.
        writing = get_context("spawn").Process(target=write, args=(table, rows))
        writing.start()
        writing.join()
        yield table


def run_command(words: Sequence[str], **environment: str) -> int:
    """Run a command with the mapping of the tables, and return the megabytes that it took at most."""
    command = [sys.executable, "-m", "ikpipe", *words, *MAPPING]
    child = subprocess.Popen(command, env=os.environ | environment)  # noqa: S603 - ours
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0
    return usage.ru_maxrss // 1024


@contextmanager
def checking(rows: int, *, ending: str) -> Iterator[Callable[[], object]]:
    """Check a table."""
    with written(rows, ending) as table:
        yield lambda: {"MB at most": run_command(["check", str(table)])}


@contextmanager
def uploading(rows: int, *, ending: str, fixed: bool) -> Iterator[Callable[[], object]]:
    """Upload a table, and write the results in the same format."""
    with written(rows, ending) as table, fake_service() as url:
        urls = {"UPLOAD_URL": f"{url}/api/v2/files/upload", "API_URL": url, "URL_ENDPOINT": url}
        keys = {"PUBLIC_KEY": "public_bench", "PRIVATE_KEY": "private_bench_long_enough_for_its_hash"}
        settings = {f"IMAGEKIT_{name}": value for name, value in (urls | keys).items()}
        names = ("--set", "use_unique_file_name=false") if fixed else ()
        out = str(table.with_name(f"out.{ending}"))

        def run() -> dict[str, float]:
            started = time.time()
            words = ["upload", str(table), "-o", out, *names, "--quiet", "--concurrency", "64"]
            peak = run_command(words, **settings, XDG_STATE_HOME=str(table.parent))
            with build_opener(ProxyHandler({})).open(f"{url}/first") as reply:
                first = json.load(reply) - started
            return {"MB at most": peak, "s to the first request": first}

        yield run


CONTESTS = [
    Contest(
        "ikpipe check",
        100_000,
        {name: partial(checking, ending=name.split(",")[0]) for name in ("csv", "csv, 10 times as many", "xlsx")},
        scales={"csv, 10 times as many": 10},
    ),
    *(
        Contest(
            f"ikpipe upload in.{ending}{', fixed names' if fixed else ''}",
            10_000,
            {name: partial(uploading, ending=ending, fixed=fixed) for name in ("as many", "100 times as many")},
            scales={"100 times as many": 100},
        )
        for ending, fixed in (("csv", False), ("parquet", False), ("csv", True))
    ),
]
