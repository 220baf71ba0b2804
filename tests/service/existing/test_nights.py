"""A job that uploads a table every night: what the second night sends, and what the library has after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import nights
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ikpipe.emulator import Emulator


ROWS = 1_200  # more than a page
CHANGED, TAGGED = range(0, ROWS, 100), range(50, ROWS, 100)  # 1 % each


@pytest.fixture
def emulator(emulate: Callable[..., Emulator]) -> Emulator:
    """Have an emulator of its own."""
    return nights.open_library(emulate())


def test_three_nights(emulator: Emulator, tmp_path: Path) -> None:
    """A night without changes sends nothing; one with changes sends these, and nothing else."""
    state = str(tmp_path / "nights.ikstate")
    first = nights.night(nights.table(ROWS), emulator, state=state)
    assert nights.counts(first) == {"uploaded": ROWS}
    before = len(emulator.log())
    second = nights.night(nights.table(ROWS), emulator, state=state)
    assert nights.counts(second) == {"unchanged": ROWS}
    assert nights.requests(emulator, before).keys() == {"read"}
    assert nights.requests(emulator, before)["read"] <= ROWS // 1000 + 3
    before, frame = len(emulator.log()), nights.table(ROWS, 2, CHANGED, TAGGED)
    third = nights.night(frame, emulator, state=state)
    assert nights.counts(third) == {"unchanged": ROWS - 24, "uploaded": 12, "updated": 12}
    arrived = nights.requests(emulator, before)
    assert (arrived["upload"], arrived["update"]) == (12, 12)
    assert nights.missing(emulator, frame) == nights.second_copies(emulator) == []
