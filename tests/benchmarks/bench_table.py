"""Long tables on the command line: time per row, memory of the process, and time to its first request.

The process is `ikpipe upload`; its memory and the time to its first request, including Python's imports, are printed
for each contestant.
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
    from collections.abc import Callable, Iterator

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
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, row(0))
        writer.writeheader()
        writer.writerows(row(number) for number in range(rows))


@contextmanager
def uploading(rows: int, *, ending: str, fixed: bool) -> Iterator[Callable[[], None]]:
    """Upload a table, and write the results in the same format."""
    with TemporaryDirectory() as folder, fake_service() as url:
        table, out = Path(folder) / f"in.{ending}", Path(folder) / f"out.{ending}"
        # In another process, since a child process inherits the peak memory of this one.
        writing = get_context("spawn").Process(target=write, args=(table, rows))
        writing.start()
        writing.join()
        urls = {"UPLOAD_URL": f"{url}/api/v2/files/upload", "API_URL": url, "URL_ENDPOINT": url}
        keys = {"PUBLIC_KEY": "public_bench", "PRIVATE_KEY": "private_bench_long_enough_for_its_hash"}
        settings = {f"IMAGEKIT_{name}": value for name, value in (urls | keys).items()}
        names = ("--set", "use_unique_file_name=false") if fixed else ()
        command = [sys.executable, "-m", "ikpipe", "upload", str(table), "-o", str(out), *MAPPING, *names]
        started, peak = 0.0, 0

        def run() -> None:
            nonlocal started, peak
            started = time.time()
            child = subprocess.Popen(  # noqa: S603 - ours
                [*command, "--quiet", "--concurrency", "64"], env=os.environ | settings | {"XDG_STATE_HOME": folder}
            )
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            assert child.returncode == 0
            peak = usage.ru_maxrss

        yield run
        with build_opener(ProxyHandler({})).open(f"{url}/first") as reply:
            first = json.load(reply) - started
        sys.stderr.write(f"  {rows:,} rows: {peak / 1024:,.0f} MB at most, first request after {first:.2f} s\n")


CONTESTS = [
    Contest(
        f"ikpipe upload in.{ending}{', fixed names' if fixed else ''}",
        10_000,
        {name: partial(uploading, ending=ending, fixed=fixed) for name in ("as many", "100 times as many")},
        scales={"100 times as many": 100},
    )
    for ending, fixed in (("csv", False), ("parquet", False), ("csv", True))
]
