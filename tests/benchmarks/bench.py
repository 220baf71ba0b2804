"""Contests of programs that do the same work: CPU and wall time per row, side by side, from the same run.

``python tests/benchmarks/bench.py [NAME …] [--rows N] [--rounds N] [--json FOLDER]`` runs the benchmarks beside it:
each ``bench_NAME.py`` gives its contests as ``CONTESTS``. Nothing here passes or fails: a shared machine has no
time that could be promised. What can be compared are the contestants of one contest, since their rounds take turns.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import sqlite3
import sys
import time
from dataclasses import asdict, dataclass, field
from importlib import import_module, metadata
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    Contestant = Callable[[int], AbstractContextManager[Callable[[], object]]]

HERE = Path(__file__).parent


def processor_seconds() -> float:
    """Give the seconds of this process, and of those that it has waited for."""
    times = os.times()
    return time.process_time() + times.children_user + times.children_system


@dataclass(frozen=True)
class Contest:
    """Programs that do the same work with as many rows; the others are measured against the first.

    A contestant takes the number of rows, and is a context that gives what is timed: what comes before and after it
    is not. `times` are the contestants with more or fewer rows than the others, and how many times as many.
    `processors` gives the seconds of processors' time so far: of this process, and of those that it has waited for.
    """

    name: str
    rows: int
    contestants: Mapping[str, Contestant]
    times: Mapping[str, float] = field(default_factory=dict)
    processors: Callable[[], float] = processor_seconds


class Timing(NamedTuple):
    """Milliseconds per row: of the processors, in all threads of this process and in its children, and on the wall."""

    cpu: float
    wall: float


@dataclass(frozen=True)
class Score:
    """A contestant's medians in ms per row, and, round by round, its ratio to the first and what it takes more."""

    name: str
    cpu: float
    wall: float
    cpu_ratio: float
    wall_ratio: float
    cpu_more: float
    wall_more: float
    rounds: Sequence[Timing]


def time_once(contestant: Contestant, rows: int, processors: Callable[[], float] = processor_seconds) -> Timing:
    """Run a contestant once."""
    with contestant(rows) as run:
        gc.collect()
        cpu, wall = processors(), time.perf_counter()
        run()
        cpu, wall = processors() - cpu, time.perf_counter() - wall
    return Timing(cpu * 1000 / rows, wall * 1000 / rows)


def measure(contest: Contest, rows: int, rounds: int) -> list[Score]:
    """Let the contestants take turns, after one turn each that does not count."""
    took: dict[str, list[Timing]] = {name: [] for name in contest.contestants}
    for turn in range(rounds + 1):
        for name, contestant in contest.contestants.items():
            one = time_once(contestant, max(1, round(rows * contest.times.get(name, 1))), contest.processors)
            if turn:
                took[name].append(one)
    first = next(iter(took.values()))
    return [_score(name, ours, first) for name, ours in took.items()]


def _score(name: str, ours: Sequence[Timing], first: Sequence[Timing]) -> Score:
    pairs = list(zip(ours, first, strict=True))
    return Score(
        name,
        median(one.cpu for one in ours),
        median(one.wall for one in ours),
        median(one.cpu / other.cpu for one, other in pairs),
        median(one.wall / other.wall for one, other in pairs),
        median(one.cpu - other.cpu for one, other in pairs),
        median(one.wall - other.wall for one, other in pairs),
        ours,
    )


def machine() -> dict[str, Any]:
    """Say where the figures come from."""
    packages = ("aiohttp", "httpx", "ikpipe", "imagekitio", "pandas", "pyarrow", "pyspark")
    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} processors, {platform.system()} {platform.release()}",
        "load": [round(one, 2) for one in os.getloadavg()],
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        **{name: metadata.version(name) for name in packages},
    }


def table(contest: Contest, scores: Sequence[Score], rows: int) -> str:
    """Draw a contest's scores."""
    rounds = len(scores[0].rounds)
    head = f"{contest.name} ({rows:,} rows, medians of {rounds} rounds)"
    width = max(len(score.name) for score in scores) + 2
    names = f"{'':{width}}{'CPU ms/row':>16}{'wall ms/row':>16}{'ratio (CPU, wall)':>20}{'more (CPU, wall)':>20}"
    lines = [
        f"{one.name:{width}}{one.cpu:16.4f}{one.wall:16.4f}"
        f"{f'{one.cpu_ratio:.2f}  {one.wall_ratio:.2f}':>20}{f'{one.cpu_more:+.4f}  {one.wall_more:+.4f}':>20}"
        for one in scores
    ]
    return "\n".join(("", head, names, *lines))


def main(words: Sequence[str] | None = None) -> None:
    """Run the benchmarks that are named, or all of them."""
    known = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
    parser = argparse.ArgumentParser(description="Measure CPU and wall time per row.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(known)}; all by default")
    parser.add_argument("--rows", type=int, help="instead of each contest's own number")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path, metavar="FOLDER", help="write NAME.json into it, too")
    options = parser.parse_args(words)
    if unknown := set(options.names) - set(known):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    sys.stdout.write("\n".join(f"{name:8} {value}" for name, value in machine().items()) + "\n")
    for name in options.names or known:
        _run(name, options)


def _run(name: str, options: argparse.Namespace) -> None:
    """Run one benchmark, show its tables, and write them down."""
    kept = []
    for contest in import_module(f"bench_{name}").CONTESTS:
        rows = options.rows or contest.rows
        scores = measure(contest, rows, options.rounds)
        sys.stdout.write(table(contest, scores, rows) + "\n")
        sys.stdout.flush()
        kept.append({"name": contest.name, "rows": rows, "scores": [asdict(score) for score in scores]})
    if options.json is not None:
        options.json.mkdir(parents=True, exist_ok=True)
        words = json.dumps({**machine(), "contests": kept}, indent=1)
        (options.json / f"{name}.json").write_text(words, encoding="utf-8")


if __name__ == "__main__":
    main()
