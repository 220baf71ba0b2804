"""What building requests costs: `check` of several kinds of catalogs, and a loop that builds the fields unchecked.

A row of a catalog has a URL, a name and a folder from templates, and tags and custom metadata from two columns each.
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
    """Return a column that repeats the cells."""
    return list(islice(cycle(cells), rows))


def uniform(rows: int) -> pd.DataFrame:
    """Return a catalog without problems."""
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
    """Return a catalog with numbers in text columns, missing cells, several scripts, and a problem in every 50 rows."""
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
    """Build the fields of each row without checks."""
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
    """Check a catalog."""
    frame = make(rows)
    yield lambda: ikpipe.check(frame, columns=COLUMNS, **FIXED)


@contextmanager
def built(rows: int) -> Iterator[Callable[[], None]]:
    """Build the requests of a catalog as `upload` does: some rows at a time, with unique names."""
    frame = uniform(rows)

    def run() -> None:
        mapping = ColumnMapping(frame.columns, COLUMNS, KEYWORDS)
        builder = RequestBuilder(FileResolver(), None, SuffixByPosition("run"))
        for chunk in InMemoryTable(frame).chunks():
            for first in range(0, len(chunk.frame), AT_ONCE):
                builder.build(mapping.rows(chunk.part(first, first + AT_ONCE)))

    yield run


@contextmanager
def local(rows: int, *, check: bool) -> Iterator[Callable[[], object]]:
    """Check local files, 100 per folder; without `check`, only read their sizes."""
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
    Contest("a catalog", 50_000, {"by hand": by_hand, "check": checked}),
    Contest(
        "a messy catalog", 50_000, {"by hand": partial(by_hand, make=messy), "check": partial(checked, make=messy)}
    ),
    Contest("local files", 20_000, {"sizes": partial(local, check=False), "check": partial(local, check=True)}),
    Contest("requests of an upload, 500 rows at a time", 50_000, {"by hand": by_hand, "built": built}),
]
