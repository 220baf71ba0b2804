"""The automatic number of uploads in flight compared with the best fixed number, with a real emulator.

The ratio of wall times is the inverse ratio of throughputs. The shares of rejected requests are figures.
"""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from functools import partial
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.request import ProxyHandler, build_opener

import pandas as pd
from bench import Contest

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def emulator_process(*rules: str) -> Iterator[ikpipe.Account]:
    """Run an emulator in its own process, so that it does not share an interpreter lock with the client."""
    words = [word for rule in rules for word in ("--set", rule)]
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "ikpipe", "emulator", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        lines = [process.stdout.readline().strip() for _ in range(6)] if process.stdout else []
        exports = dict(line.removeprefix("export ").split("=", 1) for line in lines[1:])
        try:
            yield ikpipe.Account(
                exports["IMAGEKIT_PUBLIC_KEY"].strip("'"),
                exports["IMAGEKIT_PRIVATE_KEY"].strip("'"),
                upload_url=exports["IMAGEKIT_UPLOAD_URL"],
                api_url=exports["IMAGEKIT_API_URL"],
            )
        finally:
            process.terminate()


def rejected_share(account: ikpipe.Account) -> float:
    """Return the share of requests that the service rejected as too many."""
    with build_opener(ProxyHandler({})).open(f"{account.api_url}/emulator/log") as answer:
        uploads = [entry for entry in json.load(answer) if entry["path"] == "/api/v2/files/upload"]
    return sum(entry["status"] == 429 for entry in uploads) / len(uploads)


@contextmanager
def uploading(rows: int, *, concurrency: int | None, rules: tuple[str, ...]) -> Iterator[Callable[[], object]]:
    """Upload small files with a number of uploads in flight; None: automatic."""
    frame = pd.DataFrame({"file": [b"GIF89a%d" % row for row in range(rows)]})
    with TemporaryDirectory() as folder, emulator_process(*rules) as account:

        def run() -> dict[str, float]:
            ikpipe.upload(
                frame, account, file_name="a.gif", concurrency=concurrency, progress=False, journal=f"{folder}/run"
            )
            return {"rejected %": rejected_share(account) * 100}

        yield run


def contest(name: str, rows: int, numbers: tuple[int, ...], *rules: str) -> Contest:
    """Return a contest of fixed numbers, the best one first, and the automatic one."""
    contestants = {f"{number} at once": number for number in numbers} | {"automatic": None}
    return Contest(
        name, rows, {name: partial(uploading, concurrency=number, rules=rules) for name, number in contestants.items()}
    )


CONTESTS = [
    *(
        contest(f"a service that takes {size} at once, {latency} s each", rows, (size, 2 * size, size // 2), *rules)
        for size, latency, rows in ((4, 0.1, 600), (12, 0.2, 1200), (24, 0.4, 1500))
        for rules in [(f"capacity={size}", f"latency={latency}")]
    ),
    *(
        contest(
            f"a service that takes {rate} a second, and {'states' if stated else 'does not state'} its limit",
            1500,
            (int(rate * latency), 2 * int(rate * latency)),
            *(f"latency={latency}", f"upload_rate={rate}", f"rate_headers={str(stated).lower()}"),
        )
        for rate, latency in ((40, 0.2), (60, 0.3))
        for stated in (True, False)
    ),
]
