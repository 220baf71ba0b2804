"""Random libraries and runs: after `undo` the library is as it was, or each difference is named."""

from __future__ import annotations

import random
from contextlib import suppress
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import nights
import pandas as pd
import pytest
from emulator_client import LOOPBACK, Client
from examples import plays
from hypothesis import given
from hypothesis import strategies as st

import ikpipe
from ikpipe.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator

SWIFT = ikpipe.Policy(first_wait=0.001, index_lag=0.05, changes=0, look_ups=0, clock_skew=0)
FOLDERS = count()
FAULTS = dict.fromkeys(("store-then-cut", "reset-after", "5xx", "429"), 0.05)


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """Give one emulator for all examples, each of which has a folder of its own."""
    with Emulator(**LOOPBACK) as emulator, httpx.Client(timeout=60) as http:
        yield Client(nights.open_library(emulator), http)


@pytest.fixture(scope="module")
def faulty() -> Iterator[Client]:
    """Give an emulator that answers one upload in five badly, for all examples."""
    with Emulator(**LOOPBACK, faults=FAULTS, seed=7, fault_wait=5) as emulator, httpx.Client(timeout=60) as http:
        yield Client(nights.open_library(emulator), http)


class File(NamedTuple):
    """A file of the library, or of a row."""

    content: str
    tags: str
    brand: str
    description: str
    private: bool
    published: bool

    def store(self, client: Client, name: str, folder: str) -> None:
        """Store the file as somebody else, as often as faults need it."""
        fields = {"folder": folder, "customMetadata": f'{{"brand": "{self.brand}"}}' if self.brand else "{}"}
        flags = {"isPrivateFile": str(self.private).lower(), "isPublished": str(self.published).lower()}
        fields |= {"tags": self.tags, "description": self.description, **flags}
        given = {key: value for key, value in fields.items() if value not in ("", "{}")}
        client.fixed(f"{name}.gif", nights.gif(self.content) + self.content.encode(), **given).raise_for_status()


CONTENTS, TAGS = st.sampled_from(["a", "b", "longer"]), st.sampled_from(["", "x", "x,y", "z"])
FILES = st.builds(
    File, CONTENTS, TAGS, st.sampled_from(["", "A", "B"]), st.sampled_from(["", "one"]), st.booleans(), st.booleans()
)
NAMES = st.sampled_from("abcd")
TAGS_AT = 1  # the position of the tags in what `library` returns
MODES = st.sampled_from([None, "replace", "skip", "error", "sync"])


def library(client: Client, folder: str) -> dict[str, Any]:
    """Return the current bytes and details of a folder's files."""
    kept = ("tags", "description", "isPrivateFile", "isPublished", "customMetadata")
    return {
        path: (stored.sha256, *(stored.details[name] or None for name in kept))
        for path, stored in nights.library(client.emulator).items()
        if path.startswith(folder)
    }


class Lossy(httpx.AsyncHTTPTransport):
    """Loses requests before or after they arrive, or answers 500, one in five."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._random = random.Random(seed)  # noqa: S311 - no secret

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, or lose it."""
        fate = self._random.random()
        if fate < 0.05:
            raise httpx.ConnectError("lost")
        response = await super().handle_async_request(request)
        if fate < 0.15:
            await response.aread()
            raise httpx.ReadError("lost")
        return httpx.Response(500) if fate < 0.2 else response


def run(client: Client, folder: str, place: Path, rows: dict[str, File], mode: str | None) -> pd.DataFrame:
    """Upload a table; return its results."""
    frame = pd.DataFrame(
        [
            {
                "file": nights.gif(row.content) + row.content.encode(),
                "sku": name,
                "tags": row.tags,
                "brand": row.brand,
                "description": row.description,
                "is_private_file": row.private,
                "is_published": row.published,
            }
            for name, row in rows.items()
        ]
    )
    options: dict[str, Any] = {**nights.OPTIONS, "policy": SWIFT, "folder": folder, "on_existing": mode, "retries": 30}
    if mode == "sync":
        options |= {"changed_by": "size", "state": place / "state"}
    if mode is None:
        options["use_unique_file_name"] = False
    return ikpipe.upload(frame, client.emulator.account, journal=place / "run.ikjournal", **options)


def undo(client: Client, place: Path, seed: int) -> pd.DataFrame:
    """Undo a run over a bad connection, until no row is left to be done."""
    for attempt in range(20):
        options = {"dry_run": False, "policy": SWIFT, "transport": Lossy(seed + attempt)}
        undone = ikpipe.undo(place / "run.ikjournal", client.emulator.account, **options)
        if "failed" not in set(undone["ik_change"]):
            return undone
    raise AssertionError(undone["ik_change_message"].tolist())


@plays(30)
@given(
    st.dictionaries(NAMES, FILES, max_size=3),
    st.dictionaries(NAMES, FILES, min_size=1),
    MODES,
    st.sets(NAMES, max_size=2),
    st.integers(0, 99),
)
def test_undo_restores_the_library(
    client: Client,
    there: dict[str, File],
    rows: dict[str, File],
    mode: str | None,
    others: set[str],
    seed: int,
) -> None:
    """Whatever the run did, and whichever requests of the undo are lost; what others changed since is left."""
    folder = f"/random/{next(FOLDERS)}/"
    for name, file in there.items():
        file.store(client, name, folder)
    before = library(client, folder)
    with TemporaryDirectory() as place:
        results = run(client, folder, Path(place), rows, mode)
        assert set(results["ik_status"]) <= {"uploaded", "exists", "skipped", "updated", "unchanged", "failed"}
        changed = changed_by_others(client, folder, others)
        undone = undo(client, Path(place), seed)
    assert set(undone.loc[undone["ik_change"] == "left", "sku"]) <= others, undone["ik_change_message"].tolist()
    after = library(client, folder)
    assert [after[path][TAGS_AT] for path in changed] == [["by others"]] * len(changed)
    assert {path for path in before | after if before.get(path) != after.get(path)} <= set(changed)


def changed_by_others(client: Client, folder: str, names: set[str]) -> list[str]:
    """Change the tags of some files, as far as they exist; return their paths."""
    paths = {f"{folder}{name}.gif" for name in names}
    for path, stored in nights.library(client.emulator).items():
        if path in paths:
            at = f"/v1/files/{stored.details['fileId']}/details"
            client.api("PATCH", at, json={"tags": ["by others"]}).raise_for_status()
    return sorted(paths & library(client, folder).keys())


@plays(10)
@given(st.dictionaries(NAMES, FILES, max_size=3), st.dictionaries(NAMES, FILES, min_size=1), MODES, st.integers(0, 99))
def test_undo_of_a_run_with_faults(
    faulty: Client, there: dict[str, File], rows: dict[str, File], mode: str | None, seed: int
) -> None:
    """The library is as it was, or the row whose file is not is `left`."""
    folder = f"/random/{next(FOLDERS)}/"
    for name, file in there.items():
        _stored(faulty, name, folder, file)
    before = library(faulty, folder)
    with TemporaryDirectory() as place:
        run(faulty, folder, Path(place), rows, mode)
        undone = undo(faulty, Path(place), seed)
    after = library(faulty, folder)
    left = {f"{folder}{name}.gif" for name in undone.loc[undone["ik_change"] == "left", "sku"]}
    assert {path for path in before | after if before.get(path) != after.get(path)} <= left


def _stored(client: Client, name: str, folder: str, file: File) -> None:
    """Store a file in spite of faults; a request that was carried out is not repeated."""
    for _ in range(50):
        with suppress(httpx.HTTPError):
            file.store(client, name, folder)
        if f"{folder}{name}.gif" in library(client, folder):
            return
