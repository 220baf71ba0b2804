"""Damaged tables and random options: commands end with a table of results or one error, whatever they read."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from table_fuzz import Base, FuzzCase, corpus

if TYPE_CHECKING:
    from collections.abc import Iterable

FEW, LONG = 150, 600  # cases; seconds


@pytest.fixture(scope="module")
def bases() -> list[Base]:
    """Return the corpus."""
    return corpus()


def run_cases(seed: str, numbers: Iterable[int], bases: list[Base], folder: Path) -> None:
    """Run cases, each in a folder of its own; that of one that fails is kept."""
    for number in numbers:
        place = folder / f"{seed}-{number}"
        place.mkdir()
        os.chdir(place)
        Path("a.jpg").write_bytes(b"GIF89a")
        FuzzCase(seed, number, bases).run()
        os.chdir(folder)
        shutil.rmtree(place)


@pytest.mark.usefixtures("signed_in")
def test_a_damaged_table_ends_with_results_or_one_error(bases: list[Base], tmp_path: Path) -> None:
    """No exception, no control character, no loss of rows, and little time and memory."""
    run_cases("few", range(FEW), bases, tmp_path)


@pytest.mark.soak
@pytest.mark.usefixtures("signed_in")
def test_damaged_tables_end_with_results_or_one_error_for_ten_minutes(bases: list[Base], tmp_path: Path) -> None:
    """The same with other cases each time; FUZZ_SEED and FUZZ_CASE repeat a failure, which names them."""
    seed, end = os.environ.get("FUZZ_SEED", uuid4().hex[:8]), time.monotonic() + LONG
    print(f"FUZZ_SEED={seed}")  # noqa: T201 - pytest shows it after a failure
    only = os.environ.get("FUZZ_CASE")
    number = 0 if only is None else int(only)
    while time.monotonic() < end:
        run_cases(seed, [number], bases, tmp_path)
        number += 1
        if only is not None:
            break
    print(f"{number} cases")  # noqa: T201 - as above
