"""What planning costs: `check` of catalogues of several sorts, beside a loop that builds the fields and checks nothing.

A row of the catalogue has a URL, a name and a folder from templates, tags and custom metadata from two columns each.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pandas as pd
from bench import Contest

import ikpipe
from ikpipe.frames.chunks import InMemoryTable
from ikpipe.frames.mapping import ColumnMapping
from ikpipe.request.planner import RequestBuilder
from ikpipe.request.sources import FileResolver
from ikpipe.request.suffixes import SuffixByPosition
from ikpipe.run.session import AT_ONCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

COLUMNS = {"file": "image", "tags": ["category", "season"], "custom_metadata": ["brand", "color"]}
KEYWORDS = {"file_name": "{sku}.jpg", "folder": "/products/{brand}/"}
FIXED = {**KEYWORDS, "use_unique_file_name": False}


def column(cells: Iterable[Any], rows: int) -> list[Any]:
    """Repeat cells to a column."""
    return list(islice(cycle(cells), rows))


def uniform(rows: int) -> pd.DataFrame:
    """Make a catalogue whose columns hold what they should."""
    return pd.DataFrame(
        {
            "image": [f"https://shop.example.com/images/{row:07}.jpg" for row in range(rows)],
            "sku": [f"{row:07}" for row in range(rows)],
            "brand": column(["acme", "umbrella"], rows),
            "category": column(["shoe", "hat", "coat", "bag"], rows),
            "season": column(["summer"], rows),
            "color": column(["red", "blue"], rows),
        }
    )


def messy(rows: int) -> pd.DataFrame:
    """Make one with numbers among the texts, missing cells, letters of all scripts, and a problem in each 50 rows."""
    urls = [
        "https://shop.example.com/{}.jpg",
        "https://shop.example.com/grün {}.jpg",
        "http://a.example/%E7%8C%AB/{}?v=1",
    ]
    frame = uniform(rows)
    return frame.assign(
        image=[url.format(row) for row, url in enumerate(column(urls, rows))],
        sku=pd.Series([row if row % 3 else f"é-{row}" for row in range(rows)], dtype=object),
        brand=pd.Series(column(["acme", "bücher", *["x"] * 47, "a b"], rows), dtype=object),
        category=pd.Series(column(["shoe, boot", None, '["hat"]', 7], rows), dtype=object),
        season=pd.Series(column(["summer", None, float("nan")], rows), dtype=object),
        color=pd.Series(column(["red", 3, 1.5, None, True, Decimal("1.50")], rows), dtype=object),
    )


@contextmanager
def by_hand(rows: int, make: Callable[[int], pd.DataFrame] = uniform) -> Iterator[Callable[[], object]]:
    """Build the fields of each row, whatever they are."""
    frame = make(rows)

    def run() -> list[Any]:
        return [
            (
                row.image,
                {
                    "fileName": f"{row.sku}.jpg",
                    "useUniqueFileName": "false",
                    "tags": f"{row.category},{row.season}",
                    "folder": f"/products/{row.brand}/",
                    "customMetadata": json.dumps({"brand": row.brand, "color": str(row.color)}),
                },
            )
            for row in frame.itertuples()
        ]

    yield run


@contextmanager
def checked(rows: int, make: Callable[[int], pd.DataFrame] = uniform) -> Iterator[Callable[[], object]]:
    """Check a catalogue."""
    frame = make(rows)
    yield lambda: ikpipe.check(frame, columns=COLUMNS, **FIXED)


@contextmanager
def built(rows: int) -> Iterator[Callable[[], None]]:
    """Plan a catalogue as `upload` does: some rows at a time, with names made here."""
    frame = uniform(rows)

    def run() -> None:
        plan, planner = (
            ColumnMapping(frame.columns, COLUMNS, KEYWORDS),
            RequestBuilder(FileResolver(), None, SuffixByPosition("run")),
        )
        for chunk in InMemoryTable(frame).chunks():
            for first in range(0, len(chunk.frame), AT_ONCE):
                planner.build(plan.rows(chunk.part(first, first + AT_ONCE)))

    yield run


@contextmanager
def local(rows: int, *, check: bool) -> Iterator[Callable[[], object]]:
    """Check files of this machine, a hundred in a folder; or ask for their sizes, and nothing else."""
    with TemporaryDirectory() as root:
        paths = [f"{row // 100:05}/{row:07}.jpg" for row in range(rows)]
        for path in paths:
            (Path(root) / path).parent.mkdir(exist_ok=True)
            (Path(root) / path).write_bytes(b"GIF89a")
        frame = uniform(rows).assign(image=paths)
        if check:
            yield lambda: ikpipe.check(frame, root=root, columns=COLUMNS, **FIXED)
        else:
            yield lambda: [(Path(root) / path).stat().st_size for path in frame["image"]]


CONTESTS = [
    Contest("a catalogue", 50_000, {"by hand": by_hand, "check": checked}),
    Contest("a messy one", 50_000, {"by hand": partial(by_hand, make=messy), "check": partial(checked, make=messy)}),
    Contest("files here", 20_000, {"sizes": partial(local, check=False), "check": partial(local, check=True)}),
    Contest("an upload's plan, 500 rows at a time", 50_000, {"by hand": by_hand, "planned": built}),
]
