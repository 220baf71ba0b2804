"""Nights that overlap: two processes with one state, two machines with theirs, and a shared one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import nights
import pytest

from ikpipe.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ROWS = 120
TABLE = {"rows": ROWS}
CHANGED = {"rows": ROWS, "night": 2, "changed": [*range(0, ROWS, 10)], "tagged": [*range(5, ROWS, 10)]}
OPTIONS: dict[str, Any] = {"concurrency": 16}


@pytest.fixture
def emulator(emulate: Callable[..., Emulator]) -> Emulator:
    """Have an emulator that takes a moment for each upload, so that two runs meet in it."""
    return nights.open_library(emulate(latency=0.01))


class Machine:
    """A machine with a state folder of its own."""

    def __init__(self, emulator: Emulator, folder: Path, **options: Any) -> None:
        self._emulator, self._options = emulator, {**OPTIONS, **options}
        self._environment = {"XDG_STATE_HOME": str(folder)}

    def begin(self, table: dict[str, Any]) -> nights.Elsewhere:
        """Begin a night."""
        return nights.Elsewhere(self._emulator.account, table, self._environment, **self._options)

    def night(self, table: dict[str, Any]) -> dict[str, int]:
        """Have a night; return the counts of its statuses."""
        return self.begin(table).end().counts


def at_once(machines: list[Machine], table: dict[str, Any]) -> list[dict[str, int]]:
    """Have a night on all machines at once; return the counts of each."""
    return [begun.end().counts for begun in [machine.begin(table) for machine in machines]]


STATES = ["one file", "default", "shared", "library"]


def machines(kind: str, emulator: Emulator, tmp_path: Path) -> list[Machine]:
    """Return two processes of one machine, or two machines, with the state of this kind."""
    folders = [tmp_path / "a", tmp_path / ("a" if kind in ("one file", "default") else "b")]
    states: dict[str, dict[str, Any]] = {
        "one file": {"state": str(tmp_path / "nights.ikstate")},
        "default": {},
        "shared": {"state": f"{tmp_path}/shared/"},
        "library": {"state": "library"},
    }
    return [Machine(emulator, folder, **states[kind]) for folder in folders]


@pytest.fixture(params=STATES)
def pair(request: pytest.FixtureRequest, emulator: Emulator, tmp_path: Path) -> Iterator[list[Machine]]:
    """Have two machines or processes for each kind of state."""
    return machines(request.param, emulator, tmp_path)


def test_two_at_once_store_each_new_file_once(pair: list[Machine], emulator: Emulator) -> None:
    """Whoever comes second finds the file of the other, and does not send it again."""
    for counts in at_once(pair, TABLE):
        assert counts.keys() <= nights.SETTLED
    frame = nights.table(ROWS)
    assert nights.missing(emulator, frame) == nights.second_copies(emulator) == []


def test_two_at_once_change_a_library(pair: list[Machine], emulator: Emulator) -> None:
    """The library is the table; a file that both replace has a version more at worst, and no file is there twice."""
    pair[0].night(TABLE)
    for counts in at_once(pair, CHANGED):
        assert counts.keys() <= nights.SETTLED
    frame = nights.table(ROWS, 2, CHANGED["changed"], CHANGED["tagged"])
    assert nights.missing(emulator, frame) == []
    files = nights.library(emulator)
    assert len(files) == ROWS
    assert {file.versions for file in files.values()} <= {1, 2, 3}


def test_the_other_knows_what_one_has_stored(pair: list[Machine], emulator: Emulator) -> None:
    """After a night of one, the other sends nothing; after changes by one, the same."""
    first, second = pair
    first.night(TABLE)
    assert second.night(TABLE) == {"unchanged": ROWS}
    assert first.night(CHANGED) == {"uploaded": 12, "updated": 12, "unchanged": ROWS - 24}
    before = len(emulator.log())
    assert second.night(CHANGED) == {"unchanged": ROWS}
    assert nights.requests(emulator, before).keys() <= {"read"}


def test_two_machines_without_a_common_state(emulator: Emulator, tmp_path: Path) -> None:
    """A machine that knows nothing of the other's files compares sizes; another content is not taken for its own."""
    first, second = (Machine(emulator, tmp_path / name) for name in "ab")
    assert first.night(TABLE) == {"uploaded": ROWS}
    assert second.night(TABLE) == {"unchanged": ROWS}  # of equal size
    assert second.night(CHANGED)["updated"] == 12
    assert first.night(CHANGED) == {"uploaded": 12, "unchanged": ROWS - 12}
    frame = nights.table(ROWS, 2, CHANGED["changed"], CHANGED["tagged"])
    assert nights.missing(emulator, frame) == nights.second_copies(emulator) == []
