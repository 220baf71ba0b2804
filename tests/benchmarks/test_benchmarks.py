"""The benchmarks run; no test checks how fast anything is."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

import bench
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NAMES = sorted(path.stem.removeprefix("bench_") for path in bench.HERE.glob("bench_*.py"))
LONG = {"cluster", "limit", "parts", "table"}  # they start dozens of processes


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.soak] if name in LONG else []) for name in NAMES]
)
def test_it_runs(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The output and the file have each contest with all contestants."""
    bench.main([name, "--rows", "8", "--rounds", "1", "--json", str(tmp_path)])
    shown = capsys.readouterr().out
    for contest in json.loads((tmp_path / f"{name}.json").read_text(encoding="utf-8"))["contests"]:
        assert contest["name"] in shown
        assert contest["scores"][0]["cpu_ratio"] == 1
        assert all(score["name"] in shown and len(score["rounds"]) == 1 for score in contest["scores"])


def test_contestants_take_turns() -> None:
    """So a machine that becomes slower does so for all; the first round does not count."""
    turns = []

    def contestant(name: str) -> bench.Contestant:
        @contextmanager
        def context(_rows: int) -> Iterator[Callable[[], None]]:
            yield lambda: turns.append(name)

        return context

    contest = bench.Contest("c", 1, {name: contestant(name) for name in "ab"})
    assert [len(score.rounds) for score in bench.measure(contest, 1, 2)] == [2, 2]
    assert turns == ["a", "b"] * 3


def test_an_unknown_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """The message has the name."""
    with pytest.raises(SystemExit):
        bench.main(["nonesuch"])
    assert "no such benchmark: nonesuch" in capsys.readouterr().err
