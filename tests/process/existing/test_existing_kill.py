"""SIGKILL at every step of a night, then the same command again: the library is the table, nothing twice."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING, Any

import httpx
import nights
import pytest
from crashing import NIGHT_STEPS, OFTEN, killed
from doubles import uploads_of
from emulator_client import Client
from rows import sha

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ikpipe.emulator import Emulator

ROWS, NEW = 40, 20
FAULTS = dict.fromkeys(("store-then-cut", "reset-after", "5xx", "429", "index-delay"), 0.05)
OPTIONS: dict[str, Any] = {**nights.OPTIONS, "concurrency": 8, "retries": 30}
JOURNALS = pytest.mark.parametrize("journal", [False, True], ids=["without a journal", "with its journal"])


def second_night(rows: int = ROWS) -> Any:
    """Return the table of a night with new files, changed contents and changed details, beside files as they were."""
    return nights.table(rows + NEW, 2, range(0, rows, 4), range(2, rows, 4))


def of_step(step: str) -> int:
    """Return how often a run comes to a step before it dies there."""
    return 1 if "listing" in step or "look-up" in step or "state" in step or step not in OFTEN else 3


def begin(emulate: Callable[..., Emulator], **rules: Any) -> tuple[Emulator, int]:
    """Have a first night; return the emulator, and the length of its log."""
    emulator = nights.open_library(emulate(**rules))
    first = nights.night(nights.table(ROWS), emulator, **{**OPTIONS, "concurrency": 32})
    assert set(first["ik_status"]) <= nights.SETTLED
    return emulator, len(emulator.log())


def again(frame: Any, emulator: Emulator, **options: Any) -> None:
    """Give the same command again, and check what the library has once it lists everything."""
    results = ikpipe.upload(frame, emulator.account, **OPTIONS, **options)
    assert set(results["ik_status"]) <= nights.SETTLED
    nights.wait_for_lists(emulator)
    assert nights.missing(emulator, frame) == []


@JOURNALS
@pytest.mark.parametrize("step", NIGHT_STEPS)
def test_a_night_dies_at_a_step(step: str, *, journal: bool, emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """Whatever the step, the same command again brings the library to the table; the state says what was sent."""
    emulator, _ = begin(emulate)
    frame, options = second_night(), {"journal": tmp_path / "run.ikjournal"} if journal else {}
    assert killed(ikpipe.upload, step, of_step(step), frame, emulator.account, **OPTIONS, **options)
    again(frame, emulator, **options)
    assert nights.second_copies(emulator) == []


@pytest.mark.parametrize("mode", ["skip", "error"])
@pytest.mark.parametrize("step", ["before a request", "after a body", "after a reply", "as a row ends"])
def test_a_night_that_only_adds_dies(mode: str, step: str, emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """With its journal, the same command again finishes it: no row finds its own file in its way."""
    emulator = nights.open_library(emulate())
    frame, options = nights.table(ROWS), {**OPTIONS, "journal": tmp_path / "run.ikjournal", "on_existing": mode}
    assert killed(ikpipe.upload, step, 5, frame, emulator.account, **options)
    results = ikpipe.upload(frame, emulator.account, **options)
    assert set(results["ik_status"]) <= {"uploaded", "exists"}
    assert nights.missing(emulator, frame) == nights.second_copies(emulator) == []


@pytest.mark.parametrize("step", ["before a request", "in the middle of a body"])
def test_what_others_set_survives_a_run_that_died(step: str, emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """A replacement that is repeated publishes no private file, and keeps the details that the table does not give."""
    emulator, _ = begin(emulate)
    with httpx.Client(timeout=60) as http:
        client = Client(emulator, http)
        for row in range(0, ROWS, 4):
            name, fields = f"{row:06}.gif", {"isPrivateFile": "true", "description": "Theirs."}
            client.fixed(name, nights.gif(row), folder=nights.FOLDER, **fields).raise_for_status()
    frame, options = second_night(), {**OPTIONS, "journal": tmp_path / "run.ikjournal"}
    assert killed(ikpipe.upload, step, 1, frame, emulator.account, **options)
    again(frame, emulator, journal=options["journal"])
    files = nights.library(emulator)
    theirs = [files[f"{nights.FOLDER}{row:06}.gif"].details for row in range(0, ROWS, 4)]
    assert {(file["isPrivateFile"], file.get("description")) for file in theirs} == {(True, "Theirs.")}


@pytest.mark.parametrize(("mode", "status"), [("skip", "skipped"), ("error", "failed")])
@pytest.mark.parametrize("step", ["before a request", "in the middle of a body"])
def test_a_file_that_appears_after_a_run_died_stays(
    step: str, mode: str, status: str, emulate: Callable[..., Emulator], tmp_path: Path
) -> None:
    """A row that may have been sent does not replace what somebody else put there meanwhile."""
    emulator, frame = nights.open_library(emulate()), nights.table(8)
    options = {**OPTIONS, "journal": tmp_path / "run.ikjournal", "on_existing": mode}
    assert killed(ikpipe.upload, step, 1, frame, emulator.account, **options)
    with httpx.Client(timeout=60) as http:
        client = Client(emulator, http)
        for sku in frame["sku"]:
            client.fixed(f"{sku}.gif", b"GIF89a, somebody else's", folder=nights.FOLDER).raise_for_status()
    results = ikpipe.upload(frame, emulator.account, **options)
    assert set(results["ik_status"]) == {status}
    assert {file.versions for file in nights.library(emulator).values()} == {1}


RANDOM = [*range(6), *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(6, 150))]


@pytest.mark.parametrize("seed", RANDOM)
def test_nights_die_at_random(seed: int, emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """A night is killed anywhere, three times, on a bad day of the service; then it ends as it should."""
    chance = random.Random(seed)  # noqa: S311 - to repeat a run
    faults = {"faults": FAULTS, "fault_wait": 5, "fault_index_delay": 0.3} if seed % 2 else {}
    emulator, _ = begin(emulate, seed=seed, **faults)
    frame = second_night()
    options: dict[str, Any] = chance.choice([{}, {"journal": tmp_path / "run.ikjournal"}, {"run": "night-2"}])
    for _ in range(3):
        step, nth = chance.choice(NIGHT_STEPS), 1 + int(chance.random() ** 2 * 30)
        killed(ikpipe.upload, step, nth, frame, emulator.account, **OPTIONS, **options)
    again(frame, emulator, **options)
    assert nights.second_copies(emulator) == []


def test_resume_has_the_state_of_the_run(
    emulate: Callable[..., Emulator], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal says where it is, in whatever folder the run is resumed: contents of one size are told apart."""
    emulator = nights.open_library(emulate())
    monkeypatch.chdir(tmp_path)
    options = {**OPTIONS, "state": "nights.ikstate"}
    nights.night(nights.table(ROWS), emulator, **options)
    frame, journal = second_night(), tmp_path / "run.ikjournal"
    folder = str(tmp_path)
    assert killed(_in_folder, "as a row ends", 1, folder, frame, emulator.account, journal=journal, **options)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    results = ikpipe.resume(journal, emulator.account, progress=False)
    assert set(results["ik_status"]) <= nights.SETTLED
    assert nights.missing(emulator, frame) == nights.second_copies(emulator) == []


def _in_folder(where: str, *args: Any, **options: Any) -> None:
    os.chdir(where)
    ikpipe.upload(*args, **options)


class Unreadable(httpx.AsyncHTTPTransport):
    """A transport to a service that lists no files."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, unless it is for a list."""
        if request.url.path == "/v1/files":
            return httpx.Response(500, json={"message": "Sorry."}, request=request)
        return await super().handle_async_request(request)


def test_an_unknown_row_stays_unknown_if_the_library_cannot_be_read(
    emulate: Callable[..., Emulator], tmp_path: Path
) -> None:
    """Failed means that nothing is stored, which nobody knows of what the killed run was sending."""
    emulator, since = begin(emulate)
    frame, options = second_night(), {"journal": tmp_path / "run.ikjournal"}
    assert killed(ikpipe.upload, "after a body", 3, frame, emulator.account, **OPTIONS, **options)
    stored = {entry["file"]["sha256"] for entry in uploads_of(emulator, since) if entry["stored"]}
    assert stored
    results = ikpipe.upload(frame, emulator.account, transport=Unreadable(), **OPTIONS, **options)
    failed = results.loc[results["ik_status"].isin(["failed", "cancelled", "invalid"]), "file"]
    assert not stored & set(map(sha, failed))
    again(frame, emulator, **options)
    assert nights.second_copies(emulator) == []
