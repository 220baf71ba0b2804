"""Large local files, compared with ``curl -F`` to the same server; and the growth of this process's memory in MB."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pandas as pd
from bench import Contest
from fake_service import fake_service

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MB = 1 << 20
PATH = "/api/v2/files/upload"


def resident() -> float:
    """Return the resident memory of this process in MB, or 0 if the system does not report it."""
    with suppress(OSError):
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / MB
    return 0.0


def memory_growth(run: Callable[[], object]) -> float:
    """Call a function, and return the memory in MB by which this process grew."""
    before, peak, finished = resident(), 0.0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not finished.wait(0.02):
            peak = max(peak, resident())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        run()
    finally:
        finished.set()
        thread.join()
    return max(0.0, peak - before)


def files(folder: str, count: int, size: int) -> list[Path]:
    """Create files, which are in the page cache."""
    paths = [Path(folder) / f"{number:03}.mp4" for number in range(count)]
    for path in paths:
        path.write_bytes(os.urandom(min(size, MB)) * (size // min(size, MB)))
    return paths


@contextmanager
def upload_files(rows: int, *, count: int) -> Iterator[Callable[[], object]]:
    """Upload `count` files at once, with one kilobyte per row in total."""
    with TemporaryDirectory() as folder, fake_service() as url:
        paths = files(folder, count, max(1, rows // count) * 1024)
        account = ikpipe.Account("public_bench", "private_bench_long_enough", upload_url=url + PATH, api_url=url)
        frame = pd.DataFrame({"file": paths})

        def run() -> None:
            results = ikpipe.upload(
                frame, account, concurrency=count, progress=False, journal=f"{folder}/run", on_error="raise"
            )
            assert set(results["ik_status"]) == {"uploaded"}

        yield lambda: {"MB more": memory_growth(run)}


@contextmanager
def curl(rows: int, *, count: int) -> Iterator[Callable[[], None]]:
    """Send the files with one curl process each."""
    with TemporaryDirectory() as folder, fake_service() as url:
        paths = files(folder, count, max(1, rows // count) * 1024)
        program = shutil.which("curl") or "curl"
        words = [program, "--silent", "--show-error", "--noproxy", "*", "--output", os.devnull, "-F", "fileName=a.mp4"]

        def run() -> None:
            processes = [subprocess.Popen([*words, "-F", f"file=@{path}", url + PATH]) for path in paths]  # noqa: S603
            while any(process.poll() is None for process in processes):
                time.sleep(0.002)
            assert not any(process.returncode for process in processes)

        yield run


CONTESTS = [
    Contest(
        f"{count} file{'s' if count > 1 else ''} of {size} MB, one row per kB",
        count * size * 1024,
        {"curl -F": partial(curl, count=count), "ikpipe": partial(upload_files, count=count)},
    )
    for count, size in ((1, 300), (64, 20))
]
