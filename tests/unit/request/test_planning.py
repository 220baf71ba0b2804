"""Rows are planned column by column, and no row shows it: fields, files and problems are those of the plain way."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plainly import Plainly
from rows import jobs_of

from ikpipe.errors import InvalidValue
from ikpipe.frames.chunks import InMemoryTable
from ikpipe.frames.mapping import ColumnMapping
from ikpipe.request.columns import map_distinct
from ikpipe.request.metadata import fields_of
from ikpipe.request.planner import RequestBuilder, UploadRequest
from ikpipe.request.sources import FileResolver
from ikpipe.request.suffixes import SuffixByPosition

if TYPE_CHECKING:
    from pathlib import Path

FIELDS = fields_of(
    [
        {"name": "brand", "schema": {"type": "Text", "maxLength": 4}},
        {"name": "price", "schema": {"type": "Number", "minValue": -5}},
        {"name": "sale", "schema": {"type": "Boolean"}},
    ]
)

# Columns of one sort, and columns of anything at all; few different values, so that rows are alike.
texts = st.sampled_from(["a", "b", "007", "é", "a b", "50%", "x,y", " s ", '["p","q"]', '{"brand":"z"}', "yes", "1"])
missing = st.sampled_from([None, float("nan"), pd.NA, "", "\ufeff"])
numbers = st.sampled_from([1, 0, 12, True, False, 1.0, 12.0, 12.5, -0.0, 0.0, Decimal(1), Decimal("1.0")])
others = st.sampled_from(
    [["x", "y"], {"brand": "n"}, {"price": "3", "x": 1}, {1: 2}, b"b", "\ud83d", {"\ud83d": 1}, "\ufeffm", "a" * 501]
)
dates = st.sampled_from([datetime.date(2026, 1, 2), pd.Timestamp("2026-01-02"), pd.Timestamp("2026-01-02 03:04")])
sorts = [
    *(texts, texts, texts | missing, st.integers(0, 2), st.booleans(), st.sampled_from([1.0, 2.0, float("nan")])),
    texts | missing | numbers | dates | others,
]
files = [
    st.sampled_from(["https://a.example/b.png", "https://a.example/c%20d.jpg?v=1", "http://a.example/e/f.gif"]),
    st.sampled_from(["https://A.example/ü.png", "https://a.example/", "ftp://a/b", "data:;base64,YWJj", "a.jpg", None]),
    st.sampled_from(["a.jpg", "sub/b.png", "sub/../a.jpg", "link/b.png", "in.jpg", "out.jpg", "away/secret", "sub"]),
    st.sampled_from([b"abc", b"", 7, "a.jpg", None]),
]
NAMES = ["sku", "brand", "price", "tags", "folder", "file_name", "use_unique_file_name", "custom_metadata"]
NAMES += ["custom_metadata.brand", "custom_metadata.price", "custom_metadata.sale", "description", "is_private_file"]


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    """Draw a table."""
    rows = draw(st.integers(1, 7))
    names = draw(st.lists(st.sampled_from(NAMES), max_size=6, unique=True))
    cells = {name: draw(st.lists(draw(st.sampled_from(sorts)), min_size=rows, max_size=rows)) for name in names}
    cells["file"] = draw(st.lists(draw(st.sampled_from(files)), min_size=rows, max_size=rows))
    index = draw(st.sampled_from([range(rows), [f"r{row}" for row in range(rows)]]))
    return pd.DataFrame({name: pd.Series(column, dtype=object) for name, column in cells.items()}).set_axis(index)


@st.composite
def mappings(draw: st.DrawFn, names: list[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Draw a mapping: columns, and keywords."""
    column = st.sampled_from(names)
    several = st.lists(column, min_size=1, max_size=3, unique=True)
    columns = {"tags": column | several, "custom_metadata": column | several, "description": column}
    keywords = {
        "file_name": st.just("x.gif")
        | column.map("{{{}}}.jpg".format)
        | st.builds("{{{}}}-{{{}}}".format, column, column),
        "folder": st.just("/p/") | column.map("/{{{}}}/".format),
        "use_unique_file_name": st.booleans(),
        "tags": st.just(["k", "l"]),
        "custom_metadata": st.just({"brand": "k", "new": 1}),
        "description": column.map("about {{{}}}".format),
    }
    return draw(st.fixed_dictionaries({}, optional=columns)), draw(st.fixed_dictionaries({}, optional=keywords))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder with files and links."""
    folder = tmp_path_factory.mktemp("planning") / "files"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.jpg").write_bytes(b"abc")
    (folder / "sub" / "b.png").write_bytes(b"de")
    (folder.parent / "secret").write_bytes(b"secret")
    for link, target in {"link": "sub", "in.jpg": "a.jpg", "out.jpg": "../secret", "away": ".."}.items():
        (folder / link).symlink_to(target)
    return folder


def told(jobs: list[Any]) -> list[str]:
    """Write jobs and problems down to the last type, the order of the fields too."""
    return [repr(job) for job in jobs]


@given(st.data(), frames(), st.sampled_from([1, 3, 500]))
def test_rows_are_planned_as_if_one_by_one(root: Path, data: st.DataObject, frame: pd.DataFrame, part: int) -> None:
    """Whatever the cells: in parts of any size, with and without known fields and names made here."""
    columns, keywords = data.draw(mappings(list(frame)))
    intake = FileResolver(data.draw(st.sampled_from([None, root])), max_size=data.draw(st.sampled_from([None, 2])))
    fields, run = data.draw(st.sampled_from([None, FIELDS])), data.draw(st.sampled_from([None, "run"]))
    feed, plan = InMemoryTable(frame), ColumnMapping(frame.columns, columns, keywords)
    parts = [
        plan.rows(chunk.part(first, first + part)) for chunk in feed.chunks() for first in range(0, len(frame), part)
    ]
    suffixes = None if run is None else SuffixByPosition(run)
    found = jobs_of(RequestBuilder(intake, fields, suffixes, feed.label), parts)
    assert told(found) == told(Plainly(intake, fields, run).jobs(frame, columns, keywords))


def test_a_row_that_took_its_target_before_has_no_twin() -> None:
    """A row that is up, and is planned once more as its run goes on, is not its own twin; another row is."""
    frame = pd.DataFrame({"file": ["https://a.example/a.png"] * 3, "n": ["a", "b", "b"]}, index=["x", "y", "z"])
    feed, plan = (
        InMemoryTable(frame),
        ColumnMapping(frame.columns, None, {"file_name": "{n}", "use_unique_file_name": False}),
    )
    planner = RequestBuilder(FileResolver(), label=feed.label)
    planner.claim_all(["/a", "//b/"], [0, 2])
    (chunk,) = feed.chunks()
    first, second, third = planner.build(plan.rows(chunk))
    assert isinstance(first, UploadRequest)
    assert isinstance(third, UploadRequest)
    assert not isinstance(second, UploadRequest)
    assert second[0].message == 'Row "z" already has the path "/b".'


def test_a_row_of_an_earlier_chunk_is_named_by_its_label() -> None:
    """Rows that are long gone are named as the frame names them."""
    frame = pd.DataFrame({"file": ["https://a.example/a.png"] * 2}, index=[7, 9])
    feed, plan = InMemoryTable(frame), ColumnMapping(frame.columns, None, {"use_unique_file_name": False})
    planner = RequestBuilder(FileResolver(), label=feed.label)
    (chunk,) = feed.chunks()
    _, second = jobs_of(planner, [plan.rows(chunk.part(0, 1)), plan.rows(chunk.part(1, 2))])
    assert not isinstance(second, UploadRequest)
    assert "Row 7 already has" in second[0].message


def test_a_function_is_called_once_for_cells_that_are_the_same() -> None:
    """Equal cells of other types are not the same, and what is refused is the result."""
    asked = []

    def ask(*cells: object) -> str:
        asked.append(cells)
        if cells[0] == "b":
            raise InvalidValue("code", "message", "fix")
        return repr(cells)

    found = map_distinct(ask, ["a", "a", "b", "b", None], [1, 1, 2, 2, 3])
    assert (len(asked), found[0], type(found[2]), found[2]) == (3, "('a', 1)", InvalidValue, found[3])
    assert map_distinct(repr, [1, True, 1.0, Decimal(1), Decimal("1.0")]) == [
        "1",
        "True",
        "1.0",
        "Decimal('1')",
        "Decimal('1.0')",
    ]
    assert map_distinct(repr, [0.0, -0.0]) == ["0.0", "-0.0"]


@pytest.mark.parametrize("name", ["\ud83d", [1], b"x"])
def test_the_problems_of_a_row_do_not_depend_on_its_neighbors(name: object) -> None:
    """Their order neither: the first one is the row's code."""
    frame = pd.DataFrame({"file": ["https://a.example/b.png"] * 2, "file_name": [name, None]}, dtype=object)
    keywords = {"custom_metadata": {"unknown": 1}}

    def problems(frame: pd.DataFrame) -> list[str]:
        feed, plan = InMemoryTable(frame), ColumnMapping(frame.columns, None, keywords)
        (row, *_) = jobs_of(RequestBuilder(FileResolver(), FIELDS, None, feed.label), map(plan.rows, feed.chunks()))
        assert isinstance(row, list)
        return [problem.parameter for problem in row]

    assert problems(frame) == problems(frame[:1])
    assert len(problems(frame)) > 1
