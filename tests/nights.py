"""Nights of a job that uploads a table: the library beside the table, and the emulator's log as the ledger."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import pandas as pd
from doubles import uploads_of
from rows import sha

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ikpipe.emulator import Emulator

FOLDER = "/night/"
OPTIONS: dict[str, Any] = {
    "file_name": "{sku}.gif",
    "columns": {"custom_metadata": ["brand"]},
    "folder": FOLDER,
    "on_existing": "sync",
    "progress": False,
    "policy": ikpipe.Policy(first_wait=0.02, index_lag=0.5, changes=0),
}
SETTLED = {"uploaded", "exists", "unchanged", "updated"}
"""Statuses of rows whose file is in the library as the table has it."""
_CONTENT = "ikpipe_content"  # the metadata field of ``state="library"``
_PAGE = 1000


class Took(NamedTuple):
    """What a night in a process of its own took: statuses, seconds, processor seconds, megabytes at most."""

    counts: dict[str, int]
    seconds: float
    processor: float
    megabytes: int


class Stored(NamedTuple):
    """A file of the library: the hash of its bytes, the number of its versions, and its details."""

    sha256: str
    versions: int
    details: dict[str, Any]

    @property
    def metadata(self) -> dict[str, Any]:
        """Its custom metadata, without ikpipe's own."""
        return {key: one for key, one in (self.details.get("customMetadata") or {}).items() if key != _CONTENT}


def gif(text: object) -> bytes:
    """Return a file of its own for each text, all of one size."""
    return b"GIF89a" + str(text).encode().rjust(40, b".")


def open_library(emulator: Emulator) -> Emulator:
    """Create the custom metadata field that the tables use."""
    field = {"name": "brand", "label": "Brand", "schema": {"type": "Text"}}
    httpx.post(
        f"{emulator.url}/v1/customMetadataFields", auth=(emulator.private_key, ""), json=field
    ).raise_for_status()
    return emulator


def table(rows: int, night: int = 1, changed: Iterable[int] = (), tagged: Iterable[int] = ()) -> pd.DataFrame:
    """Return a night's table: `changed` rows have other contents than on the first one, `tagged` ones other details."""
    contents, tags, brands = [f"{row}" for row in range(rows)], ["a,b"] * rows, ["Acme"] * rows
    for row in changed:
        contents[row] += f" of night {night}"
    for row in tagged:
        tags[row], brands[row] = f"a,night-{night}", f"Acme {night}"
    files = pd.Series([gif(text) for text in contents], dtype=object)
    skus = [f"{row:06}" for row in range(rows)]
    return pd.DataFrame({"file": files, "sku": skus, "tags": tags, "brand": brands})


def listed(emulator: Emulator) -> Iterator[dict[str, Any]]:
    """Yield the details of all files, without ikpipe's client."""
    with httpx.Client(auth=(emulator.private_key, ""), timeout=60) as http:
        for skip in range(0, 10**9, _PAGE):
            page = http.get(f"{emulator.url}/v1/files", params={"limit": _PAGE, "skip": skip}).json()
            yield from page
            if len(page) < _PAGE:
                return


def wait_for_lists(emulator: Emulator) -> None:
    """Wait until lists show all files."""
    late = emulator.rules.fault_index_delay if emulator.fired["index-delay"] else 0
    time.sleep(late + emulator.rules.index_lag)


def library(emulator: Emulator) -> dict[str, Stored]:
    """Return the files of the library by path, with the bytes that it has on disk."""
    found = {}
    for details in listed(emulator):
        version = details["versionInfo"]
        content = (emulator.directory / "versions" / version["id"]).read_bytes()
        number = int(version["name"].removeprefix("Version "))
        found[details["filePath"]] = Stored(sha(content), number, details)
    return found


def second_copies(emulator: Emulator, since: int = 0) -> list[str]:
    """Return the uploads that stored what was stored already: the same bytes again, at whatever path.

    The files of all tables must differ in their bytes.
    """
    paths: dict[str, list[str]] = {}
    for entry in uploads_of(emulator, since):
        if entry["stored"]:
            paths.setdefault(entry["file"]["sha256"], []).append(entry["filePath"])
    return [f"stored {len(every)} times: {every}" for every in paths.values() if len(every) > 1]


def missing(emulator: Emulator, frame: pd.DataFrame, folder: str = FOLDER) -> list[str]:
    """Return how the library differs from a night's table; empty if it is equal."""
    files, found = library(emulator), []
    targets = {f"{folder}{row.sku}.gif": row for row in frame.itertuples()}
    for path, row in targets.items():
        file = files.pop(path, None)
        if file is None:
            found.append(f"{path}: not there")
        elif file.sha256 != sha(row.file):
            found.append(f"{path}: other bytes")
        elif set(file.details["tags"] or []) != set(row.tags.split(",")):
            found.append(f"{path}: the tags {file.details['tags']}, not {row.tags}")
        elif file.metadata != {"brand": row.brand}:
            found.append(f"{path}: the metadata {file.metadata}, not {row.brand}")
    return found + [f"{path}: in no row" for path in files if path.startswith(folder)]


def write_files(folder: Path, frame: pd.DataFrame) -> None:
    """Write the files of a table, each as the name that it has in the library."""
    for sku, content in zip(frame["sku"], frame["file"], strict=True):
        (folder / f"{sku}.gif").write_bytes(content)


def night(frame: pd.DataFrame, emulator: Emulator, **options: Any) -> pd.DataFrame:
    """Upload a table as every night."""
    return ikpipe.upload(frame, emulator.account, **OPTIONS | options)


def counts(results: pd.DataFrame) -> dict[str, int]:
    """Count the statuses of rows."""
    return dict(Counter(results["ik_status"]))


def requests(emulator: Emulator, since: int = 0) -> Counter[str]:
    """Count what arrived: uploads, updates, and requests that read the library."""
    kinds = {"POST": "upload", "PATCH": "update", "GET": "read"}
    return Counter(kinds.get(entry["method"], entry["method"]) for entry in emulator.log()[since:])


_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(["nights", "ikpipe.run.upload"])


class Elsewhere:
    """A night in a process of its own, which begins at once.

    `given` are the keywords of `table`. `environment` are further variables.
    """

    def __init__(
        self, account: ikpipe.Account, given: Mapping[str, Any], environment: Mapping[str, str], **options: Any
    ) -> None:
        self._answer, pipe = _SERVER.Pipe(duplex=False)
        everything = {**os.environ, **environment}
        self._process = _SERVER.Process(target=_work, args=(pipe, account, given, everything, options))
        self._process.start()
        pipe.close()

    def end(self) -> Took:
        """Return what the night took, as soon as it has ended."""
        took: Took = self._answer.recv()
        self._process.join()
        return took


def _work(
    pipe: Any, account: ikpipe.Account, given: dict[str, Any], environment: dict[str, str], options: dict[str, Any]
) -> None:
    from resource import RUSAGE_SELF, getrusage

    os.environ.update(environment)  # the server that forks has that of the first test that used it
    given = dict(given)
    if (root := given.pop("root", None)) is not None:
        options = {"root": root, **options}
    frame = table(**given)
    if root is not None:
        frame["file"] = frame["sku"] + ".gif"
    began, busy = time.monotonic(), time.process_time()
    results = ikpipe.upload(frame, account, **OPTIONS | options)
    took, busy = time.monotonic() - began, time.process_time() - busy
    pipe.send(Took(counts(results), round(took, 2), round(busy, 2), getrusage(RUSAGE_SELF).ru_maxrss // 1024))
