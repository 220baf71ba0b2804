"""`path=` sets folder and file name together, and templates take parts of the file's own name and the row's number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rows import jobs_of

from ikpipe import MappingError, check
from ikpipe.cli.wording import in_options
from ikpipe.frames.chunks import InMemoryTable
from ikpipe.frames.mapping import ColumnMapping
from ikpipe.request.locations import FileLocator
from ikpipe.request.planner import RequestBuilder, UploadRequest
from ikpipe.request.sources import FileResolver

URL = "https://a.example/img/2026/p%20q.JPG?v=1"


def mapping(frame: pd.DataFrame, columns: Any = None, root: Path | None = None, **keywords: Any) -> ColumnMapping:
    """Return the mapping of a frame."""
    locator = FileLocator(None if root is None else str(root))
    return ColumnMapping(frame.columns, columns, keywords, locator=locator)


def plan(cells: dict[str, list[Any]], columns: Any = None, root: Path | None = None, **keywords: Any) -> list[Any]:
    """Return what each row sends as `(folder, name)`, or the parameters, codes and columns of its problems."""
    frame = pd.DataFrame({"file": [URL] * len(next(iter(cells.values()))), **cells})
    column_mapping = mapping(frame, columns, root, **keywords)
    chunks = [column_mapping.rows(chunk) for chunk in InMemoryTable(frame).chunks()]
    return [
        (outcome.fields.get("folder"), outcome.fields["fileName"])
        if isinstance(outcome, UploadRequest)
        else [(problem.parameter, problem.code, problem.column) for problem in outcome if problem.severity == "error"]
        for outcome in jobs_of(RequestBuilder(FileResolver(root)), chunks)
    ]


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/products/{sku}.jpg", ("/products/", "7.jpg")),
        ("{sku:03d}.jpg", (None, "007.jpg")),
        ("/{sku}.jpg", ("/", "7.jpg")),
        ("/{public_id}.jpg", ("/a/b/", "c.jpg")),
        ("/{file.dir}/{file.name}", ("/img/2026/", "p_q.JPG")),
        ("/x/{file.stem|slug}-{row:05d}{file.ext|lower}", ("/x/", "p-q-00001.jpg")),
        ("/x.y/{sku}.jpg", ("/x_y/", "7.jpg")),
        ("/same.jpg", ("/", "same.jpg")),
    ],
)
def test_a_path_is_a_folder_and_a_name(path: str, sent: tuple[str | None, str]) -> None:
    """The last slash separates them, also one that a value has; both are sent as names are."""
    assert plan({"sku": ["7"], "public_id": ["a/b/c"]}, path=path) == [sent]


def test_a_path_can_come_from_a_column() -> None:
    """A mapped column comes first, the keyword where its cell is empty, and numbers are text."""
    found = plan({"target": ["/a/b.jpg", None, 7]}, {"path": "target"}, path="/new/{row}.jpg")
    assert found == [("/a/", "b.jpg"), ("/new/", "2.jpg"), (None, "7")]


def test_without_a_path_a_row_has_the_name_of_its_file() -> None:
    """A path that is not given leaves the folder to the service and the name to the file."""
    assert plan({"target": [None]}, {"path": "target"}) == [(None, "p_q.JPG")]


def test_a_file_without_a_name_needs_its_path() -> None:
    """The fix is not `file_name=`, which cannot be combined with paths."""
    frame = pd.DataFrame({"file": [b"GIF89a"], "target": [None]})
    fixes = check(frame, columns={"path": "target"})["fix"].tolist()
    assert fixes == ["Pass a file name, such as path='/{sku}.jpg'."]


def test_a_column_named_path_is_not_a_path() -> None:
    """It is in most tables the path of the local file: it would decide where files are stored."""
    assert plan({"path": ["/home/me/a.jpg"]}) == [(None, "p_q.JPG")]


@pytest.mark.parametrize(
    ("cells", "columns", "path", "problem"),
    [
        ({"sku": [None]}, None, "/{sku}/x.jpg", ("path", "missing_cell", "sku")),
        ({"sku": [None], "file": [b"GIF89a"]}, None, "/{sku}/x.jpg", ("path", "missing_cell", "sku")),
        ({"t": ["/a/"]}, {"path": "t"}, None, ("path", "missing_name", "t")),
        ({"t": ["/a/"], "file": [b"GIF89a"]}, {"path": "t"}, None, ("path", "missing_name", "t")),
        ({"sku": ["a"]}, None, "/p/{sku:05d}.jpg", ("path", "wrong_type", "sku")),
        ({"t": [["a"]]}, {"path": "t"}, None, ("path", "wrong_type", "t")),
        ({"t": ["a/" * 51 + "b"]}, {"path": "t"}, None, ("folder", "too_deep", "t")),
    ],
)
def test_a_path_that_a_row_cannot_have_is_one_problem(
    cells: dict[str, list[Any]], columns: Any, path: str | None, problem: tuple[str, str, str]
) -> None:
    """It is reported once, with the column that it comes from."""
    assert plan(cells, columns, **({} if path is None else {"path": path})) == [[problem]]


@pytest.mark.parametrize(
    ("columns", "keywords"),
    [
        (None, {"path": "/a/b", "folder": "/a"}),
        (None, {"path": "/a/b", "fileName": "c"}),
        ({"path": "x"}, {"folder": "/a"}),
        ({"folder": "x"}, {"path": "/a/{x}"}),
        ({"path": "x", "file_name": "x"}, {}),
        (None, {"path": "/a/"}),
        (None, {"path": "/a/{{b}}/"}),
        (None, {"path": "a/" * 51 + "b"}),
        (None, {"path": "/a/{nothing}"}),
    ],
)
def test_a_path_is_the_only_one_to_set_folder_and_name(columns: Any, keywords: dict[str, Any]) -> None:
    """Beside `folder` or `file_name`, and without a name, it is an error before any row."""
    with pytest.raises(MappingError) as caught:
        mapping(pd.DataFrame({"file": [URL], "x": ["y"]}), columns, **keywords)
    assert "path" in str(caught.value)


def test_a_column_of_the_folder_is_used_in_the_path_or_is_an_error() -> None:
    """A column that would set the folder too is never ignored silently."""
    assert plan({"folder": ["Red Shoes"]}, path="/p/{folder|slug}/{row}.jpg") == [("/p/red-shoes/", "1.jpg")]
    with pytest.raises(MappingError, match=r"'fileName', which would .*\{fileName\}.*\['fileName'\]"):
        plan({"fileName": ["x"]}, path="/p/{row}.jpg")
    frame = pd.DataFrame({"file": [URL], "fileName": ["x"]})
    ignoring = ColumnMapping(frame.columns, None, {"path": "/p/{row}.jpg"}, ignore=["fileName"])
    assert not ignoring.provides("file_name")


@pytest.mark.parametrize("keywords", [{"file_name": "{sku}/b.jpg"}, {"file_name": "a/b.jpg"}])
def test_a_slash_in_a_file_name_for_every_row_suggests_the_path(keywords: dict[str, Any]) -> None:
    """Where every row would have the problem, it is one error, before any row."""
    with pytest.raises(MappingError, match=r"cannot contain.*Use path=") as caught:
        plan({"sku": ["7"]}, **keywords)
    assert "Use --path, which" in in_options(caught.value.text)


def test_a_slash_in_a_value_of_a_file_name_is_a_problem_of_the_row() -> None:
    """The other rows are sent."""
    found = plan({"public_id": ["a/b", "c"]}, file_name="{public_id}.jpg")
    assert found == [[("file_name", "bad_character", "public_id")], (None, "c.jpg")]


# Special names


def test_rows_are_numbered_from_1_through_all_chunks() -> None:
    """`{row}` is the position in the table, whatever the chunks; a column `row` is that column."""
    frame = pd.DataFrame({"file": [URL] * 7})
    column_mapping = mapping(frame, file_name="{row:03d}.jpg")
    rows = [column_mapping.rows(chunk) for chunk in InMemoryTable(frame, rows=3).chunks()]
    names = [
        job.fields["fileName"]
        for job in jobs_of(RequestBuilder(FileResolver()), rows)
        if isinstance(job, UploadRequest)
    ]
    assert names == [f"{number:03d}.jpg" for number in range(1, 8)]
    assert plan({"row": ["x"]}, file_name="{row}.jpg") == [(None, "x.jpg")]


def test_rows_without_numbers_are_an_error() -> None:
    """The rows of a part of a table have no position in it."""
    frame = pd.DataFrame({"file": [URL]})
    with pytest.raises(MappingError, match=r"file_name='\{row:03d\}': The rows of this table have no numbers"):
        ColumnMapping(frame.columns, None, {"file_name": "{row:03d}"}, numbered=False)
    ColumnMapping(pd.Index(["file", "row"]), None, {"file_name": "{row}"}, numbered=False)


def test_a_file_is_not_named_after_itself() -> None:
    """`file=` has nothing of the file to take a name from."""
    with pytest.raises(MappingError, match="cannot be named after itself"):
        ColumnMapping(pd.Index(["x"]), None, {"file": "https://a.example/{file.name}"})


@pytest.mark.parametrize(("name", "likely"), [("file.stm", "file.stem"), ("roww", "row"), ("skuu", "sku")])
def test_a_misspelt_name_suggests_special_names_too(name: str, likely: str) -> None:
    """Beside the columns."""
    with pytest.raises(MappingError, match=rf"no column '{name}' \(did you mean '{likely}'\?\)"):
        ColumnMapping(pd.Index(["file", "sku"]), None, {"path": f"/{{{name}}}"})


def test_templates_of_all_text_parameters_take_special_names() -> None:
    """Tags, descriptions and others too."""
    frame = pd.DataFrame({"file": [URL]})
    column_mapping = mapping(frame, tags=["{file.ext|lower}", "n{row}"], description="{file.stem}, {row}")
    (job,) = jobs_of(RequestBuilder(FileResolver()), [column_mapping.rows(next(InMemoryTable(frame).chunks()))])
    assert isinstance(job, UploadRequest)
    assert (job.fields["tags"], job.fields["description"]) == (".jpg,n1", "p q, 1")


def test_a_file_without_a_name_has_nothing_to_take() -> None:
    """Bytes and data URIs need a column or a default; a row without a file has only that problem."""
    cells = {"file": ["data:image/gif;base64,R0lG", b"abc", None, "ftp://a/b"]}
    found = plan(cells, file_name="{file.stem}.jpg")
    assert found[:2] == [[("file_name", "missing_cell", None)]] * 2
    assert [problems[0][:2] for problems in found[2:]] == [("file", "missing_file"), ("file", "bad_url")]
    assert [len(problems) for problems in found] == [1] * 4
    assert plan({"file": [b"abc"]}, file_name="{file.stem|default:x}{file.ext|default:.bin}") == [(None, "x.bin")]


@pytest.mark.parametrize(
    ("value", "location"),
    [
        ("https://a.example/b/c.d.jpg?x=/y#z", "b/c.d.jpg"),
        (" https://a.example//b//c.jpg", "b//c.jpg"),
        ("https://a.example/b%2Fc/d%20e.jpg", "b_c/d e.jpg"),
        ("https://a.example/", None),
        ("https://a.example", None),
        ("img\\b.jpg", "img/b.jpg"),
        ("./img/../b.jpg", "b.jpg"),
        ("{root}/sub/b.jpg", "sub/b.jpg"),
        ("browser://session/r1/my photo#1?.jpg", "my photo#1?.jpg"),
        ("data:image/png;base64,aGk=", None),
        (b"abc", None),
        (12, None),
        (Path("img/b.jpg"), "img/b.jpg"),
    ],
)
def test_the_location_of_a_file(tmp_path: Path, value: Any, location: str | None) -> None:
    """The path of a URL, decoded, or the path below the root; nothing is read from the disk."""
    value = value.format(root=tmp_path) if isinstance(value, str) else value
    found = FileLocator(str(tmp_path)).locate(value)
    assert found == location if location is None else found is not None and found.strip("/") == location


def test_base64_has_no_location() -> None:
    """Text that is content is not a path."""
    assert FileLocator(None, base64=True).locate("aGVsbG8=") is None


@given(st.text() | st.binary() | st.integers() | st.none())
def test_any_value_has_a_location_or_none(value: object) -> None:
    """Nothing raises, whatever stands in the cell."""
    location = FileLocator("/data").locate(value)
    assert location is None or isinstance(location, str)
