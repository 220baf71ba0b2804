"""Large files from this disk, beside ``curl -F`` to the same server; the growth of this process stands below."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
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
    """Give the megabytes of this process that are in memory; 0 where the system does not say."""
    with suppress(OSError):
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / MB
    return 0.0


@contextmanager
def report_memory_growth(name: str) -> Iterator[None]:
    """Say by how much this process grows meanwhile."""
    before, most, over = resident(), 0.0, threading.Event()

    def watch() -> None:
        nonlocal most
        while not over.wait(0.02):
            most = max(most, resident())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        sys.stderr.write(f"  {name}: this process grew by {max(0.0, most - before):.0f} MB\n")


def files(folder: str, count: int, size: int) -> list[Path]:
    """Make files whose blocks are on the disk, and in the system's memory."""
    paths = [Path(folder) / f"{number:03}.mp4" for number in range(count)]
    for path in paths:
        path.write_bytes(os.urandom(min(size, MB)) * (size // min(size, MB)))
    return paths


@contextmanager
def upload_files(rows: int, *, count: int) -> Iterator[Callable[[], None]]:
    """Upload so many files at once, of so many thousand bytes in all."""
    with TemporaryDirectory() as folder, fake_service() as url:
        paths = files(folder, count, max(1, rows // count) * 1024)
        account = ikpipe.Account("public_bench", "private_bench_long_enough", upload_url=url + PATH, api_url=url)
        frame = pd.DataFrame({"file": paths})

        def run() -> None:
            with report_memory_growth(f"ikpipe, {count} at once"):
                results = ikpipe.upload(
                    frame, account, concurrency=count, progress=False, journal=f"{folder}/run", on_error="raise"
                )
            assert set(results["ik_status"]) == {"uploaded"}

        yield run


@contextmanager
def curl(rows: int, *, count: int) -> Iterator[Callable[[], None]]:
    """Let curl send them, a process each."""
    with TemporaryDirectory() as folder, fake_service() as url:
        paths = files(folder, count, max(1, rows // count) * 1024)
        program = shutil.which("curl") or "curl"
        words = [program, "--silent", "--show-error", "--noproxy", "*", "--output", os.devnull, "-F", "fileName=a.mp4"]

        def run() -> None:
            sent = [subprocess.Popen([*words, "-F", f"file=@{path}", url + PATH]) for path in paths]  # noqa: S603
            while any(process.poll() is None for process in sent):
                time.sleep(0.002)
            assert not any(process.returncode for process in sent)

        yield run


CONTESTS = [
    Contest(
        f"{count} file{'s' if count > 1 else ''} of {size} MB, a row being 1 kB",
        count * size * 1024,
        {"curl -F": partial(curl, count=count), "ikpipe": partial(upload_files, count=count)},
    )
    for count, size in ((1, 300), (64, 20))
]
