"""Run benchmarks: CPU and wall time per row of programs that do the same work, measured in turn in one run.

``python tests/benchmarks/bench.py [NAME …] [--only REGEX] [--rows N] [--rounds N] [--json FOLDER]`` runs the
benchmarks in its folder: each ``bench_NAME.py`` defines its contests as ``CONTESTS``. Nothing passes or fails, since
times on a shared machine vary. Only contestants of the same contest can be compared, because their rounds take turns.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import re
import shlex
import sqlite3
import subprocess
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
    """Return the processor seconds of this process and of the child processes it has waited for."""
    times = os.times()
    return time.process_time() + times.children_user + times.children_system


@dataclass(frozen=True)
class Contest:
    """Programs that do the same work with the same number of rows; the others are compared with the first.

    A contestant takes the number of rows and returns a context manager, which yields the function to time; setup and
    cleanup are not timed. A function that returns a dict measured other figures. `scales` has the factors for
    contestants with more or fewer rows than the others.
    `processors` returns the processor seconds so far.
    """

    name: str
    rows: int
    contestants: Mapping[str, Contestant]
    scales: Mapping[str, float] = field(default_factory=dict)
    processors: Callable[[], float] = processor_seconds


class Timing(NamedTuple):
    """Milliseconds per row: processor time of this process and its children, and wall time; other figures by name."""

    cpu: float
    wall: float
    figures: Mapping[str, float] = {}


@dataclass(frozen=True)
class Score:
    """A contestant's medians in ms per row, and the medians of its ratio and difference to the first one by round."""

    name: str
    cpu: float
    wall: float
    cpu_ratio: float
    wall_ratio: float
    cpu_more: float
    wall_more: float
    figures: Mapping[str, float]
    rounds: Sequence[Timing]


def time_once(contestant: Contestant, rows: int, processors: Callable[[], float] = processor_seconds) -> Timing:
    """Run a contestant once."""
    with contestant(rows) as run:
        gc.collect()
        cpu, wall = processors(), time.perf_counter()
        figures = run()
        cpu, wall = processors() - cpu, time.perf_counter() - wall
    return Timing(cpu * 1000 / rows, wall * 1000 / rows, figures if isinstance(figures, dict) else {})


def measure(contest: Contest, rows: int, rounds: int) -> list[Score]:
    """Run the contestants in turn, after one round that does not count."""
    timings: dict[str, list[Timing]] = {name: [] for name in contest.contestants}
    for turn in range(rounds + 1):
        for name, contestant in contest.contestants.items():
            timing = time_once(contestant, max(1, round(rows * contest.scales.get(name, 1))), contest.processors)
            if turn:
                timings[name].append(timing)
    first = next(iter(timings.values()))
    return [_score(name, rounds_of_one, first) for name, rounds_of_one in timings.items()]


def _score(name: str, rounds: Sequence[Timing], first: Sequence[Timing]) -> Score:
    pairs = list(zip(rounds, first, strict=True))
    return Score(
        name,
        median(one.cpu for one in rounds),
        median(one.wall for one in rounds),
        median(one.cpu / other.cpu for one, other in pairs),
        median(one.wall / other.wall for one, other in pairs),
        median(one.cpu - other.cpu for one, other in pairs),
        median(one.wall - other.wall for one, other in pairs),
        {name: median(one.figures[name] for one in rounds) for name in rounds[0].figures},
        rounds,
    )


def machine() -> dict[str, Any]:
    """Return the date, the commit, the hardware, load and versions."""
    packages = ("aiohttp", "httpx", "ikpipe", "imagekitio", "pandas", "pyarrow", "pyspark")
    commit = subprocess.run(
        ["git", "describe", "--always"],  # noqa: S607
        cwd=HERE,
        capture_output=True,
        text=True,
        check=False,
    )
    return {
        "date": time.strftime("%Y-%m-%d"),
        "commit": commit.stdout.strip(),
        "machine": f"{platform.machine()}, {os.cpu_count()} processors, {platform.system()}",
        "load": [round(load, 2) for load in os.getloadavg()],
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        **{name: metadata.version(name) for name in packages},
    }


def table(contest: Contest, scores: Sequence[Score], rows: int) -> str:
    """Return a contest's scores as a table."""
    rounds = len(scores[0].rounds)
    head = f"{contest.name} ({rows:,} rows, medians of {rounds} rounds)"
    width = max(len(score.name) for score in scores) + 2
    names = f"{'':{width}}{'CPU ms/row':>16}{'wall ms/row':>16}{'ratio (CPU, wall)':>20}{'more (CPU, wall)':>20}"
    lines = [
        f"{one.name:{width}}{one.cpu:16.4f}{one.wall:16.4f}"
        f"{f'{one.cpu_ratio:.2f}  {one.wall_ratio:.2f}':>20}{f'{one.cpu_more:+.4f}  {one.wall_more:+.4f}':>20}"
        f"{''.join(f'  {name} {figure:.4g}' for name, figure in one.figures.items())}"
        for one in scores
    ]
    return "\n".join(("", head, names, *lines))


def main(words: Sequence[str] | None = None) -> None:
    """Run the named benchmarks, or all of them."""
    names = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
    parser = argparse.ArgumentParser(description="Measure CPU and wall time per row.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(names)} (default: all)")
    parser.add_argument("--only", default="", metavar="REGEX", help="only contests with such names")
    parser.add_argument("--rows", type=int, help="number of rows (default: the number of each contest)")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path, metavar="FOLDER", help="also write NAME.json to this folder")
    options = parser.parse_args(words)
    if unknown := set(options.names) - set(names):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    sys.stdout.write("\n".join(f"{name:8} {value}" for name, value in machine().items()) + "\n")
    for name in options.names or names:
        _run(name, options)


def _run(name: str, options: argparse.Namespace) -> None:
    """Run one benchmark, print its tables, and write its file."""
    contests, before = [], machine()
    for contest in import_module(f"bench_{name}").CONTESTS:
        if not re.search(options.only, contest.name):
            continue
        rows = options.rows or contest.rows
        scores = measure(contest, rows, options.rounds)
        sys.stdout.write(table(contest, scores, rows) + "\n")
        sys.stdout.flush()
        contests.append({"name": contest.name, "rows": rows, "scores": [asdict(score) for score in scores]})
    if options.json is not None:
        options.json.mkdir(parents=True, exist_ok=True)
        after = {"load": [before["load"][0], machine()["load"][0]]}
        chosen = [f"--only {shlex.quote(options.only)}"] if options.only else []
        chosen += [f"--rows {options.rows}"] if options.rows else []
        words = " ".join([name, *chosen, f"--rounds {options.rounds}"])
        command = f"python tests/benchmarks/bench.py {words}"
        text = json.dumps({"command": command, **before, **after, "contests": contests}, indent=1)
        (options.json / f"{name}.json").write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
