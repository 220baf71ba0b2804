"""Nights on which every fifth upload fails, and requests to the media API too; and tasks that are retried."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import httpx
import nights
import pandas as pd
import pytest
from rows import sha

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ikpipe.emulator import Emulator

ROWS = 120
KINDS = ("store-then-cut", "reset-before", "reset-middle", "reset-after", "5xx", "429", "truncated", "index-delay")
TOGETHER = dict.fromkeys(("store-then-cut", "reset-after", "5xx", "429", "index-delay"), 0.2 / 5)
RULES: dict[str, Any] = {"fault_wait": 5, "fault_index_delay": 0.3, "index_lag": 0.05}
OPTIONS: dict[str, Any] = {"retries": 30, "concurrency": 16}


class Unreliable(httpx.AsyncHTTPTransport):
    """A transport that loses one in five requests to the media API, before or after they are carried out."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._chance = random.Random(seed)  # noqa: S311 - to repeat it

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, perhaps."""
        drawn = 1.0 if request.url.path.endswith("/upload") else self._chance.random()
        if drawn < 0.06:
            raise httpx.ConnectError("The connection was lost.", request=request)
        response = await super().handle_async_request(request)
        if drawn < 0.12:
            await response.aread()
            raise httpx.ReadError("The connection was lost.", request=request)
        return httpx.Response(503, request=request) if drawn < 0.2 else response


def settled(results: pd.DataFrame) -> bool:
    """Whether all rows are in the library."""
    return set(results["ik_status"]) <= nights.SETTLED


def bad_nights(emulator: Emulator, seed: int, **options: Any) -> None:
    """Have a night with new files, one without changes, and one with changes; check the library after each."""
    changed = nights.table(ROWS + 30, 2, range(0, ROWS, 5), range(2, ROWS, 5))
    for frame in (nights.table(ROWS), nights.table(ROWS), changed):
        for _ in range(3):  # as an orchestrator does
            results = nights.night(frame, emulator, transport=Unreliable(seed), **OPTIONS, **options)
            if settled(results):
                break
        assert settled(results), nights.counts(results)
        nights.wait_for_lists(emulator)
        assert nights.missing(emulator, frame) == nights.second_copies(emulator) == []


@pytest.mark.parametrize("kind", KINDS)
def test_one_kind_of_fault(kind: str, emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """With one upload in five failing in one way, nothing is stored twice, and nothing is missing."""
    emulator = nights.open_library(emulate(faults={kind: 0.2}, seed=3, **RULES))
    bad_nights(emulator, 3, state=str(tmp_path / "nights.ikstate"))
    assert emulator.fired[kind]


STATES = ("file", "folder", "library", "lost")
SEEDS = [0, *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(1, 12))]


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("seed", SEEDS)
def test_all_kinds_together(seed: int, state: str, emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """The same with all kinds at once, for each kind of state."""
    emulator = nights.open_library(emulate(faults=TOGETHER, seed=seed, **RULES))
    places = {"file": str(tmp_path / "nights.ikstate"), "folder": f"{tmp_path}/shared/", "library": "library"}
    if state == "lost":
        return lost_states(emulator, seed, tmp_path)
    return bad_nights(emulator, seed, state=places[state])


def lost_states(emulator: Emulator, seed: int, tmp_path: Path) -> None:
    """Have nights without a memory: new files, and files of other sizes, are there once."""
    longer = nights.table(ROWS)
    longer["file"] = [content + b"." for content in longer["file"]]
    for night, frame in enumerate((nights.table(ROWS), longer)):
        for attempt in range(3):
            state = str(tmp_path / f"{night}-{attempt}.ikstate")
            results = nights.night(frame, emulator, transport=Unreliable(seed), state=state, **OPTIONS)
        assert settled(results), nights.counts(results)
        nights.wait_for_lists(emulator)
        assert nights.missing(emulator, frame) == nights.second_copies(emulator) == []


@pytest.mark.parametrize("kind", ["5xx", "reset-after"])
def test_a_version_from_before_is_not_the_one_that_was_lost(
    kind: str, emulate: Callable[..., Emulator], tmp_path: Path
) -> None:
    """It has the size of the new one, and a clock that is wrong by a minute would not tell them apart; its id does."""
    emulator = nights.open_library(emulate(faults={kind: 0.4}, spends={kind: "received"}, seed=2, **RULES))
    options = {"state": str(tmp_path / "nights.ikstate"), "policy": ikpipe.Policy(first_wait=0.02, index_lag=0.5)}
    for frame in (nights.table(40), nights.table(40, 2, range(40))):
        assert settled(nights.night(frame, emulator, **OPTIONS, **options))
        nights.wait_for_lists(emulator)
        assert nights.missing(emulator, frame) == nights.second_copies(emulator) == []


# A task that an orchestrator retries: the same table, without a journal, on any machine

TASK = 300


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Go to another machine, which has a state folder of its own."""
    return lambda name: monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / name))


class Crash(Exception):  # noqa: N818 - no error
    """The end of a task."""


def task(emulator: Emulator, *, ends_after: int | None = None, **options: Any) -> pd.DataFrame | None:
    """Run the task; return None if it crashes after some rows."""
    ended = 0

    def count(*_: object) -> None:
        nonlocal ended
        ended += 1
        if ended == ends_after:
            raise Crash

    names = {} if "on_existing" in options else {"use_unique_file_name": True}
    options = {**nights.OPTIONS, "on_existing": None, "retries": 30, **names, **options}
    try:
        return ikpipe.upload(nights.table(TASK), emulator.account, on_result=count, **options)
    except (Crash, ikpipe.UploadError):
        return None


NIGHT: list[dict[str, Any]] = [{"run": "night-1"}, {"on_existing": "sync"}, {"on_existing": "sync", "run": "night-1"}]


@pytest.mark.parametrize("faults", [{}, TOGETHER], ids=["on a good day", "on a bad day"])
@pytest.mark.parametrize("elsewhere", [False, True], ids=["on the same machine", "on others"])
@pytest.mark.parametrize("options", NIGHT, ids=["run", "sync", "both"])
def test_300_rows_stay_300_files(
    options: dict[str, Any],
    *,
    elsewhere: bool,
    faults: dict[str, float],
    emulate: Callable[..., Emulator],
    machine: Callable[[str], None],
) -> None:
    """A task that fails after 142 rows, is retried, fails after 200, and is retried: 300 files, none twice."""
    emulator = nights.open_library(emulate(faults=faults, seed=5, **RULES))
    for attempt, ends_after in enumerate((142, 200, None)):
        machine(f"machine-{attempt if elsewhere else 0}")
        results = task(emulator, ends_after=ends_after, **options)
    assert results is not None
    assert settled(results), results[["ik_status", "ik_error", "ik_message"]].value_counts().to_string()
    nights.wait_for_lists(emulator)
    assert len(nights.library(emulator)) == TASK
    assert nights.second_copies(emulator) == []
    details = {file.details["fileId"]: file.sha256 for file in nights.library(emulator).values()}
    assert [details[one] for one in results["ik_file_id"]] == [sha(one) for one in results["file"]]


def test_the_same_task_without_either_stores_them_again(
    emulate: Callable[..., Emulator], machine: Callable[[str], None]
) -> None:
    """Two runs that nothing connects are two runs, as the documentation says."""
    emulator = nights.open_library(emulate())
    for name in "ab":
        machine(name)
        task(emulator, ends_after=142 if name == "a" else None)
    assert len(nights.library(emulator)) > TASK
