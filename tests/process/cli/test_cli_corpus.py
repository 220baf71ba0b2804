"""Files as programs write them, read by `check`, `upload` and `retry` alike."""

from __future__ import annotations

from datetime import date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from excel_files import CASES
from table_files import TABLE_FILES, cells

import ikpipe
from ikpipe.frames.io.options import ReadOptions
from ikpipe.frames.io.results import results_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Ikp


class CorpusFile(NamedTuple):
    """A file: how it is written, the options to read it, and the columns and rows that must come out of it."""

    name: str
    write: Callable[[Path], object]
    options: dict[str, Any]
    columns: list[str]
    rows: list[list[Any]]


CORPUS = [
    *(CorpusFile(*one) for one in TABLE_FILES),
    *(
        CorpusFile(
            one.name,
            one.write,
            one.options,
            list(one.expected),
            list(map(list, zip(*one.expected.values(), strict=True))),
        )
        for one in CASES
    ),
]
PICTURE = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"


def reading(file: CorpusFile) -> list[str]:
    """Return the options to read a file."""
    named = {f"--{name.replace('_', '-')}": value for name, value in file.options.items()}
    return [name if value is True else f"{name}={value}" for name, value in named.items()]


def mapping(file: CorpusFile) -> list[str]:
    """Return options that upload a picture for each row, whatever is in the columns."""
    ignored = [word for name in file.columns if name.lower() == "file" for word in ("--ignore", name)]
    return [*ignored, "--set", f"file={PICTURE}", "--set", "file_name=a.gif"]


def shown(rows: list[list[Any]]) -> list[list[Any]]:
    """Return rows as JSON lines have them; `retry` reads more digits of a float in a workbook than Excel shows."""
    return [[_shown(cell) for cell in row] for row in rows]


def _shown(cell: Any) -> Any:
    if isinstance(cell, float):
        return float(f"{cell:.15g}")
    return str(cell) if isinstance(cell, date | datetime | time) else cell


def test_the_corpus_is_large() -> None:
    """It has files of many programs."""
    assert len({file.name for file in CORPUS}) == len(CORPUS) >= 60


@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize("file", CORPUS, ids=lambda file: file.name)
def test_a_file_is_read_alike_by_all_commands(ikp: Ikp, file: CorpusFile) -> None:
    """All rows are checked and uploaded, and the results have its cells, also after a retry; `retry` reads it, too."""
    file.write(Path(file.name))
    options = [*reading(file), *mapping(file)]
    done = ikp("check", file.name, *options)
    assert (done.status, f"No problems in {len(file.rows)} row" in done.err) == (0, True), done.err
    assert ikp("upload", file.name, "-o", "r.jsonl", *options).status == 0
    refused = ikp("retry", file.name, "-o", "r.csv", *options)
    assert (refused.status, "so it is not a table of results" in refused.err) == (2, True), refused.err
    assert shown(cells(results_table(file.name, ReadOptions(**file.options)))) == shown(file.rows)
    assert ikp("retry", "r.jsonl", "-o", "again.jsonl").status == 0
    for name in ("r.jsonl", "again.jsonl"):
        found = ikpipe.read_results(name)
        assert shown(cells(found[found.columns[: len(file.columns)]])) == shown(file.rows)
        assert found["ik_status"].tolist() == ["uploaded"] * len(file.rows)
