"""How near the adaptive number of uploads in flight comes to the best fixed one, from nothing, at a real emulator.

The ratio on the wall is that of throughputs, upside down. The shares of refused requests stand below each contest.
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
    """Run an emulator in a process of its own: it must not share a lock with who is measured."""
    words = [word for rule in rules for word in ("--set", rule)]
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "ikpipe", "emulator", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        lines = [process.stdout.readline().strip() for _ in range(6)] if process.stdout else []
        said = dict(line.removeprefix("export ").split("=", 1) for line in lines[1:])
        try:
            yield ikpipe.Account(
                said["IMAGEKIT_PUBLIC_KEY"].strip("'"),
                said["IMAGEKIT_PRIVATE_KEY"].strip("'"),
                upload_url=said["IMAGEKIT_UPLOAD_URL"],
                api_url=said["IMAGEKIT_API_URL"],
            )
        finally:
            process.terminate()


def rejected_share(account: ikpipe.Account) -> float:
    """Give the share of requests that the service refused as too many."""
    with build_opener(ProxyHandler({})).open(f"{account.api_url}/emulator/log") as answer:
        uploads = [entry for entry in json.load(answer) if entry["path"] == "/api/v2/files/upload"]
    return sum(entry["status"] == 429 for entry in uploads) / len(uploads)


@contextmanager
def uploading(rows: int, *, concurrency: int | None, rules: tuple[str, ...]) -> Iterator[Callable[[], object]]:
    """Upload small files, so many at once; None finds out how many."""
    frame = pd.DataFrame({"file": [b"GIF89a%d" % row for row in range(rows)]})
    with TemporaryDirectory() as folder, emulator_process(*rules) as account:
        yield lambda: ikpipe.upload(
            frame, account, file_name="a.gif", concurrency=concurrency, progress=False, journal=f"{folder}/run"
        )
        if share := rejected_share(account):
            sys.stderr.write(f"  {concurrency or 'found out'}: {share:.1%} of the requests were refused\n")


def contest(name: str, rows: int, numbers: tuple[int, ...], *rules: str) -> Contest:
    """Let fixed numbers, the best one first, stand beside the one that is found out."""
    every = {f"{number} at once": number for number in numbers} | {"found out": None}
    return Contest(
        name, rows, {name: partial(uploading, concurrency=number, rules=rules) for name, number in every.items()}
    )


CONTESTS = [
    *(
        contest(f"a service that takes {size} at once, {latency} s each", rows, (size, 2 * size, size // 2), *rules)
        for size, latency, rows in ((4, 0.1, 600), (12, 0.2, 1200), (24, 0.4, 1500))
        for rules in [(f"capacity={size}", f"latency={latency}")]
    ),
    *(
        contest(
            f"a service that takes {rate} a second, and {'names' if named else 'does not name'} its limit",
            1500,
            (int(rate * latency), 2 * int(rate * latency)),
            *(f"latency={latency}", f"upload_rate={rate}", f"rate_headers={str(named).lower()}"),
        )
        for rate, latency in ((40, 0.2), (60, 0.3))
        for named in (True, False)
    ),
]
