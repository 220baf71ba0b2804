"""A second night of a table of local files, compared with a client that lists the library and compares sizes.

That is what rclone does by default. ikpipe compares contents, by the hashes of local files that have not changed since
they were read, and tags, and returns a frame with the details of all files. An emulator in a process of its own has the
library.
"""

from __future__ import annotations

import atexit
import sys
from contextlib import ExitStack, contextmanager
from functools import cache, partial
from itertools import count
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from subprocess import PIPE, Popen
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

import httpx
import pandas as pd
from bench import Contest

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEYS = {"public_key": "public_nights", "private_key": "private_nights_long_enough"}
MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own in it
FOLDER, PAGE = "/night/", 1000
_STACK, _TIMES = ExitStack(), count()
atexit.register(_STACK.close)


class Night(NamedTuple):
    """A table whose files are in the library."""

    account: ikpipe.Account
    files: Path
    frame: pd.DataFrame
    state: str

    def upload(self) -> pd.DataFrame:
        """Upload the table."""
        results = ikpipe.upload(
            self.frame,
            self.account,
            folder=FOLDER,
            tags="a,b",
            on_existing="sync",
            state=self.state,
            journal=f"{self.state}.{next(_TIMES)}.ikjournal",
            progress=False,
            policy=ikpipe.Policy(look_ups=0, changes=0),
        )
        assert isinstance(results, pd.DataFrame)
        return results


@cache
def first_night(rows: int) -> Night:
    """Upload a table to an emulator that runs until the end of the process."""
    folder = Path(_STACK.enter_context(TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None)))
    for name in ("library", "files"):
        (folder / name).mkdir()
    words = [sys.executable, "-m", "ikpipe", "emulator", "--directory", str(folder / "library")]
    words += [word for name, key in KEYS.items() for word in (f"--{name.replace('_', '-')}", key)]
    process = _STACK.enter_context(Popen(words, stdout=PIPE, stderr=PIPE, text=True))  # noqa: S603 - ours
    _STACK.callback(process.terminate)
    assert process.stdout is not None
    url = process.stdout.readline().split()[-1]
    account = ikpipe.Account(**KEYS, upload_url=f"{url}/api/v2/files/upload", api_url=url)
    files = [folder / "files" / f"{row:07}.gif" for row in range(rows)]
    for row, file in enumerate(files):
        file.write_bytes(b"GIF89a" + b"%030d" % row)
    night = Night(account, folder / "files", pd.DataFrame({"file": files}), str(folder / "nights.ikstate"))
    assert set(night.upload()["ik_status"]) == {"uploaded"}
    return night


@contextmanager
def sizes(rows: int) -> Iterator[Callable[[], object]]:
    """List the folder page by page, and compare the sizes of files."""
    night = first_night(rows)

    def compare() -> None:
        there: dict[str, int] = {}
        with httpx.Client(auth=(KEYS["private_key"], ""), base_url=str(night.account.api_url), timeout=60) as http:
            while len(page := http.get("/v1/files", params=_query(len(there))).json()) > 0:
                there |= {file["name"]: file["size"] for file in page}
        assert all(there[file.name] == file.stat().st_size for file in night.frame["file"])

    yield compare


def _query(skip: int) -> dict[str, str | int]:
    return {"path": FOLDER, "limit": PAGE, "skip": skip, "sort": "ASC_CREATED"}


@contextmanager
def again(rows: int, *, changed: int = 0) -> Iterator[Callable[[], object]]:
    """Upload the table again; each of `changed` parts of it has one file with another content."""
    night = first_night(rows)
    before = getrusage(RUSAGE_SELF).ru_maxrss
    for file in night.frame["file"].iloc[:: rows // changed] if changed and rows >= changed else ():
        file.write_bytes(file.read_bytes() + b".")
    yield night.upload
    grown = (getrusage(RUSAGE_SELF).ru_maxrss - before) / 1024
    if grown > 1:
        sys.stderr.write(f"  {rows:,} rows: the process grew by {grown:,.0f} MB\n")


CONTESTS = [
    Contest(
        "a second night",
        10_000,
        {
            "listing, comparing sizes": sizes,
            "ikpipe, nothing changed": again,
            "ikpipe, 100 files changed": partial(again, changed=100),
        },
    )
]
