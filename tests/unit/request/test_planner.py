"""One row becomes a job, or all of its problems."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rows import chunks, jobs_of

from ikpipe.errors import Problem
from ikpipe.frames.chunks import InMemoryTable
from ikpipe.frames.mapping import ColumnMapping
from ikpipe.request.formats import CellFormats
from ikpipe.request.metadata import fields_of
from ikpipe.request.planner import RequestBuilder, UploadRequest
from ikpipe.request.sources import FileResolver, FileSource
from ikpipe.request.suffixes import SuffixByPosition

if TYPE_CHECKING:
    from pathlib import Path

FIELDS = fields_of(
    [
        {"name": "price", "schema": {"type": "Number"}},
        {"name": "sale", "schema": {"type": "Boolean"}},
        {"name": "brand", "schema": {"type": "Text"}},
    ]
)
FIELDS_OF_X = fields_of([{"name": "x", "schema": {"type": "Date", "minValue": "2000-01-01"}}])
CELLS = (
    st.text(max_size=6)
    | st.sampled_from(["#N/A", "nan", "{a,b}", "['a']", "a;b", "2026-11-30", "20261130", "yes", "1.0", "1e20"])
    | st.floats()
    | st.integers()
    | st.booleans()
    | st.dates()
    | st.datetimes(timezones=st.none() | st.timezones())
    | st.lists(st.none() | st.floats() | st.text(max_size=3) | st.just(pd.NA), max_size=3)
)


def plan(frame: dict[str, Any], fields: Any = None, **keywords: Any) -> list[UploadRequest | list[Problem]]:
    """Plan all rows of a frame."""
    planner = RequestBuilder(FileResolver(), fields)
    return jobs_of(planner, chunks(pd.DataFrame(frame), **keywords))


def job(frame: dict[str, Any], **keywords: Any) -> UploadRequest:
    """Plan a frame's only row."""
    (only,) = plan(frame, **keywords)
    assert isinstance(only, UploadRequest)
    return only


def problems(frame: dict[str, Any], fields: Any = None, **keywords: Any) -> list[tuple[str, str, object]]:
    """Give the parameter, code and column of each problem of a frame's rows."""
    found = [one for one in plan(frame, fields, **keywords) if not isinstance(one, UploadRequest)]
    return [(problem.parameter, problem.code, problem.column) for row in found for problem in row]


URL = "https://a.example/p%20q.png"


def test_fields_are_texts_under_their_wire_names() -> None:
    """What is signed is what is sent: every value is written once, all but the file."""
    frame = {"file": [URL], "tags": ["a, b"], "isPrivateFile": ["yes"], "custom_metadata.size": [42]}
    fields = job(frame, file_name="x.png", use_unique_file_name=False).fields
    assert fields == {
        "fileName": "x.png",
        "useUniqueFileName": "false",
        "tags": "a,b",
        "isPrivateFile": "true",
        "customMetadata": '{"size":42}',
    }


def test_a_job_knows_its_row() -> None:
    """Label and position go with it, to the answer."""
    planner = RequestBuilder(FileResolver())
    frame = pd.DataFrame({"file": [URL, URL]}, index=["a", "b"])
    found = jobs_of(planner, chunks(frame))
    assert [(one.label, one.position) for one in found if isinstance(one, UploadRequest)] == [("a", 0), ("b", 1)]


def test_the_name_is_the_files_own_at_last() -> None:
    """Without any other, the last segment of the URL, percent-decoded, as it is sent."""
    assert job({"file": [URL]}).fields == {"fileName": "p_q.png"}


def test_a_given_name_wins_over_the_files() -> None:
    """A column or keyword that has a value comes first; where its cell is empty, the file's own name."""
    found = plan({"file": [URL, URL], "file_name": ["x.png", None]})
    assert [one.fields["fileName"] for one in found if isinstance(one, UploadRequest)] == ["x.png", "p_q.png"]


@pytest.mark.parametrize("file", ["https://a.example/", b"abc", "data:;base64,YWJj"])
def test_a_file_without_a_name_is_a_problem(file: object) -> None:
    """A name is required (seed), and nothing is made up."""
    assert problems({"file": [file]}) == [("file_name", "missing_name", None)]
    assert job({"file": [file]}, file_name="a").fields == {"fileName": "a"}


@pytest.mark.parametrize("frame", [{"file": [None]}, {"file": [""]}, {"sku": [1]}])
def test_a_row_without_a_file_is_a_problem(frame: dict[str, Any]) -> None:
    """Each row names a file."""
    assert problems(frame) == [("file", "missing_file", None)]


def test_all_problems_of_a_row_are_found() -> None:
    """Not just the first: each parameter's own, with its column."""
    frame = {"file": ["/etc/passwd"], "tags": ["%"], "isPublished": ["maybe"], "folder": ["/a" * 51]}
    assert sorted(problems(frame)) == [
        ("file", "file_not_allowed", "file"),
        ("folder", "too_deep", "folder"),
        ("is_published", "not_boolean", "isPublished"),
        ("tags", "bad_character", "tags"),
    ]


def test_a_missing_name_is_found_beside_other_problems() -> None:
    """A row that is mended once should not break again."""
    assert {code for _, code, _ in problems({"file": [b"a"], "tags": ["%"]})} == {"bad_character", "missing_name"}


def test_a_template_with_a_hole_is_the_only_trouble_with_the_name() -> None:
    """The file's own name does not fill in for a name that was asked for."""
    assert problems({"file": [URL], "sku": [None]}, file_name="{sku}.png") == [("file_name", "missing_cell", "sku")]


def test_a_template_for_the_file_with_a_hole_is_its_only_trouble() -> None:
    """The row is not told that it names no file as well."""
    assert problems({"sku": [None]}, file="https://a.example/{sku}.png") == [("file", "missing_cell", "sku")]


# Custom metadata


def test_text_takes_its_fields_type() -> None:
    """Where the account's fields are known, "12" becomes a number and "yes" a boolean; a text field's stay text."""
    frame = {"file": [URL], "custom_metadata.price": ["12.50"], "custom_metadata.sale": ["yes"]}
    (one,) = plan({**frame, "custom_metadata.brand": ["7"]}, FIELDS)
    assert isinstance(one, UploadRequest)
    assert one.fields["customMetadata"] == '{"price":12.5,"sale":true,"brand":"7"}'


def test_without_known_fields_values_keep_their_type() -> None:
    """Nothing is guessed: text stays text, numbers numbers."""
    fields = job({"file": [URL], "custom_metadata.a": ["12"], "custom_metadata.b": [12]}).fields
    assert fields["customMetadata"] == '{"a":"12","b":12}'


def test_every_key_that_does_not_fit_is_a_problem() -> None:
    """Each names its own column."""
    frame = {"file": [URL], "custom_metadata.price": ["cheap"], "customMetadata.colour": ["red"]}
    assert problems(frame, FIELDS) == [
        ("custom_metadata.price", "wrong_type", "custom_metadata.price"),
        ("custom_metadata.colour", "unknown_name", "customMetadata.colour"),
        ("file_name", "name_adjusted", None),
    ]


# Targets


def targets(names: list[str], folders: list[str | None] | None = None, **keywords: Any) -> list[bool]:
    """Tell of each row whether its target is free."""
    frame = {"file": [URL] * len(names), "file_name": names, "folder": folders or [None] * len(names)}
    return [isinstance(one, UploadRequest) for one in plan(frame, **{"use_unique_file_name": False, **keywords})]


def test_two_rows_with_one_fixed_name_are_a_problem() -> None:
    """The later row's: it would replace the earlier one."""
    frame = {"file": [URL, URL], "file_name": ["a.png", "a.png"]}
    first, second = plan(frame, use_unique_file_name=False)
    assert isinstance(first, UploadRequest)
    assert [(one.code, one.position, one.column) for one in second] == [("same_target", 1, "file_name")]


@pytest.mark.parametrize(
    ("names", "folders"),
    [
        (["a b.png", "a_b.png"], None),
        (["👟.png", "_.png"], None),
        (["a.png", "a.png"], ["/x/", "x"]),
        (["a.png", "a.png"], ["x//y", "/x/y/"]),
        (["a.png", "a.png"], ["/", None]),
    ],
)
def test_targets_are_told_as_the_service_stores_them(names: list[str], folders: list[str | None] | None) -> None:
    """After its replacement of characters, and without regard to slashes at the ends or in a row."""
    assert targets(names, folders) == [True, False]


@pytest.mark.parametrize(
    ("names", "folders"), [(["a.png", "b.png"], None), (["a.png", "a.png"], ["/x", "/y"]), (["a.png", "A.png"], None)]
)
def test_other_targets_are_free(names: list[str], folders: list[str | None] | None) -> None:
    """Another name or another folder is another file."""
    assert targets(names, folders) == [True, True]


@pytest.mark.parametrize("unique", [True, None])
def test_unique_names_may_be_equal(unique: bool | None) -> None:  # noqa: FBT001 - a parameter of the test
    """Where the name is made unique, which is the default, two rows with one target are two files."""
    assert targets(["a.png", "a.png"], use_unique_file_name=unique) == [True, True]


def test_a_row_that_is_not_sent_takes_no_target() -> None:
    """A broken row leaves its name to the next."""
    frame = {"file": ["/etc/passwd", URL], "file_name": ["a.png", "a.png"]}
    assert [isinstance(one, UploadRequest) for one in plan(frame, use_unique_file_name=False)] == [False, True]


def test_a_target_of_an_earlier_run_is_taken() -> None:
    """`retry` claims the paths of rows that are up."""
    planner = RequestBuilder(FileResolver(), label=["zero", "earlier"].__getitem__)
    planner.claim_all(["/x/a.png"], [1])
    frame = pd.DataFrame({"file": [URL], "file_name": ["a.png"], "folder": ["x"]})
    (found,) = jobs_of(planner, chunks(frame, use_unique_file_name=False))
    assert not isinstance(found, UploadRequest)
    (problem,) = found
    assert isinstance(problem, Problem)
    assert 'Row "earlier" already has the path "/x/a.png".' in problem.message


# Unique names


def own(name: str, run: str = "run", position: int = 0, **cells: Any) -> UploadRequest:
    """Plan a row whose name is made here."""
    frame = pd.DataFrame(
        {"file": [URL] * (position + 1), **{key: [cell] * (position + 1) for key, cell in cells.items()}}
    )
    planner = RequestBuilder(FileResolver(), None, SuffixByPosition(run))
    found = jobs_of(planner, chunks(frame, file_name=name))[position]
    assert isinstance(found, UploadRequest)
    return found


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("a.png", r"a_[a-z2-7]{10}\.png"),
        ("a.tar.gz", r"a\.tar_[a-z2-7]{10}\.gz"),
        ("plain", r"plain_[a-z2-7]{10}"),
        (".htaccess", r"\.htaccess_[a-z2-7]{10}"),
        ("end.", r"end_[a-z2-7]{10}\."),
        ("猫.gif", r"猫_[a-z2-7]{10}\.gif"),
    ],
)
def test_a_suffix_stands_before_the_ending(name: str, wanted: str) -> None:
    """As the service itself does, so that the kind of file still shows."""
    assert re.fullmatch(wanted, own(name).fields["fileName"])


def test_a_name_that_is_made_here_may_not_be_replaced() -> None:
    """The service is told to keep the name as it is, and to refuse a second copy."""
    made = own("a.png", overwriteFile=True)
    assert (made.fields["useUniqueFileName"], made.fields["overwriteFile"], made.own_name) == ("false", "false", True)


@given(st.text(min_size=1), st.integers(0, 9))
def test_the_same_row_of_a_run_has_the_same_name(run: str, position: int) -> None:
    """Whoever goes on with a run knows where its files are."""
    assert own("a.png", run, position) == own("a.png", run, position)


@given(st.lists(st.tuples(st.sampled_from(["x", "y", "x 1"]), st.integers(0, 3)), min_size=2, max_size=2, unique=True))
def test_another_row_or_run_has_another_name(pair: list[tuple[str, int]]) -> None:
    """Two files never have one name."""
    assert len({own("a.png", run, position).fields["fileName"] for run, position in pair}) == 2


def test_a_name_of_an_earlier_run_is_kept() -> None:
    """A row in doubt is looked for, and sent again, under the name that it had."""
    (kept,) = jobs_of(
        RequestBuilder(FileResolver(), None, SuffixByPosition("run")),
        chunks(pd.DataFrame({"file": [URL]})),
        {0: "p_q_before.png"},
    )
    assert isinstance(kept, UploadRequest)
    assert kept.target == "/p_q_before.png"


def test_a_fixed_name_is_left_alone() -> None:
    """Who wants no unique name gets none."""
    fixed = own("a.png", use_unique_file_name=False)
    assert (fixed.fields["fileName"], fixed.own_name) == ("a.png", False)


@pytest.mark.parametrize(
    ("folder", "name", "target"),
    [(None, "a b.png", "/a_b.png"), ("/x/y/", "ä.png", "/x/y/ä.png"), ("x", "a%.png", "/x/a_.png"), ("/", "a", "/a")],
)
def test_a_target_is_the_path_in_the_library(folder: str | None, name: str, target: str) -> None:
    """With what the service makes of folder and name (seed)."""
    assert own(name, use_unique_file_name=False, folder=folder).target == target


def test_a_held_file_has_one_name_in_all_runs() -> None:
    """Its suffix is its own, so that a run after the first cannot store it twice; another file has another one."""
    held = {text: FileSource("held", "a.txt", text, size=1) for text in ("browser://x/b0", "browser://x/b1")}
    frame = pd.DataFrame({"file": [*held]})
    names = []
    for run, rows in (("one", frame), ("two", frame.iloc[::-1])):
        jobs = jobs_of(RequestBuilder(FileResolver(held=held.get), suffixes=SuffixByPosition(run)), chunks(rows))
        names.append({job.source.text: job.fields["fileName"] for job in jobs if isinstance(job, UploadRequest)})
    assert names[0] == names[1]
    assert len(set(names[0].values())) == 2


def test_lines_end_as_browsers_end_them_where_one_sends() -> None:
    """What is signed is what arrives: a form's texts have CRLF; a file that is sent from here keeps its own."""
    held = FileSource("held", "a.txt", "browser://x/b0", size=1)
    frame = pd.DataFrame({"file": [held.text, b"x"], "file_name": ["a", "b"], "description": ["1\n2\r3\r\n4"] * 2})
    one, other = jobs_of(RequestBuilder(FileResolver(held={held.text: held}.get)), chunks(frame))
    assert isinstance(one, UploadRequest)
    assert isinstance(other, UploadRequest)
    assert one.fields["description"] == "1\r\n2\r\n3\r\n4"
    assert other.fields["description"] == "1\n2\r3\r\n4"


def test_a_path_in_another_spelling_is_a_warning(tmp_path: Path) -> None:
    """The row is sent, and its warning has the path as given and as found, beside the warnings about names."""
    (tmp_path / "img").mkdir()
    (tmp_path / "img" / "a b.jpg").write_bytes(b"x")
    planner = RequestBuilder(FileResolver(tmp_path))
    request, invalid = jobs_of(planner, chunks(pd.DataFrame({"file": ["img\\a b.jpg"] * 2, "tags": ["x", "%"]})))
    assert isinstance(request, UploadRequest)
    assert [(warning.code, warning.column) for warning in request.warnings] == [
        ("name_adjusted", None),
        ("path_adjusted", "file"),
    ]
    assert request.warnings[1].message == r'The file "img\a b.jpg" was found as "img/a b.jpg".'
    assert not isinstance(invalid, UploadRequest)
    assert [problem.severity for problem in invalid] == ["error", "warning", "warning"]


def test_a_request_with_earlier_fields_keeps_its_other_warnings(tmp_path: Path) -> None:
    """Fields that were signed before only make the warnings about names pointless."""
    (tmp_path / "a b.jpg").write_bytes(b"x")
    planner = RequestBuilder(FileResolver(tmp_path))
    (request,) = jobs_of(planner, chunks(pd.DataFrame({"file": [" a b.jpg"]})))
    assert isinstance(request, UploadRequest)
    earlier = request.with_earlier_fields({"fileName": "a b.jpg"})
    assert [warning.code for warning in earlier.warnings] == ["path_adjusted"]


def warned(frame: dict[str, Any], **keywords: Any) -> list[list[tuple[str, str, object]]]:
    """Give the parameter, code and column of each row's warnings, also of a row that is not sent."""
    outcomes = plan({"file": [URL] * len(next(iter(frame.values()))), **frame}, **keywords)
    rows = [one.warnings if isinstance(one, UploadRequest) else tuple(one) for one in outcomes]
    return [[(one.parameter, one.code, one.column) for one in row if one.code != "name_adjusted"] for row in rows]


def test_an_error_of_a_spreadsheet_is_an_empty_cell_with_a_warning() -> None:
    """In CSV as in Excel files: it never becomes a name, a tag or metadata."""
    frame = {"description": ["#N/A", "a"], "tags": ["b", "#BEZUG!"], "customMetadata.x": ["#DIV/0!", "#1!"]}
    first, second = plan({"file": [URL] * 2, **frame})
    assert isinstance(first, UploadRequest)
    assert isinstance(second, UploadRequest)
    assert (first.fields.get("description"), first.fields["tags"]) == (None, "b")
    assert (second.fields.get("tags"), second.fields["customMetadata"]) == (None, '{"x":"#1!"}')
    assert warned(frame) == [
        [("description", "error_cell", "description"), ("custom_metadata", "error_cell", "customMetadata.x")],
        [("tags", "error_cell", "tags")],
    ]


def test_an_error_of_a_spreadsheet_in_a_template_is_a_problem() -> None:
    """The cell is missing, and the warning beside the problem says why."""
    assert warned({"sku": ["#REF!"]}, file_name="{sku}.jpg") == [
        [("file_name", "missing_cell", "sku"), ("file_name", "error_cell", "sku")]
    ]


def test_an_error_of_a_spreadsheet_is_not_a_boolean() -> None:
    """As a missing cell, it would publish a private file; other cells can be booleans, as in workbooks."""
    problem = [("is_private_file", "not_boolean", "isPrivateFile")]
    assert warned({"isPrivateFile": ["#N/A"]}) == [problem]
    assert warned({"isPrivateFile": [True, "Err:502"]}) == [[], problem]


def test_an_error_of_a_spreadsheet_beside_numbers_is_an_empty_cell() -> None:
    """A workbook has cells of several types."""
    (_, second) = plan({"file": [URL] * 2, "description": [12, "#CALC!"]})
    assert isinstance(second, UploadRequest)
    assert "description" not in second.fields


@pytest.mark.parametrize("text", ["nan", "NaN", "<NA>", "None", "NULL", "null", "NaT"])
def test_a_missing_value_as_text_is_a_warning(text: str) -> None:
    """It is sent as it is, since it can be a word."""
    (job,) = plan({"file": [URL], "description": [text]})
    assert isinstance(job, UploadRequest)
    assert job.fields["description"] == text
    assert warned({"description": [text]}) == [[("description", "looks_missing", "description")]]


@pytest.mark.parametrize(
    ("tags", "code"),
    [
        ("a;b", "unsplit_tags"),
        ("a|b,c", "unsplit_tags"),
        ("a\tb", "unsplit_tags"),
        (["a;b"], "unsplit_tags"),
        ("red,nan", "looks_missing"),
        ("None,red", "looks_missing"),
        ("a,NULL,b", "looks_missing"),
    ],
)
def test_tags_that_may_be_several_or_missing_are_a_warning(tags: Any, code: str) -> None:
    """They are sent, and the warning says how to split them."""
    assert warned({"tags": [tags, "nanny,none"]}) == [[("tags", code, "tags")], []]


def test_tags_with_another_separator_have_no_such_warning() -> None:
    """Whoever names the separator means the others as they are."""
    frame = pd.DataFrame({"file": [URL], "tags": ["a|b;c"]})
    mapping = ColumnMapping(frame.columns, None, {}, CellFormats(tag_separator=";"))
    builder = RequestBuilder(FileResolver(), formats=mapping.formats)
    (job,) = jobs_of(builder, [mapping.rows(chunk) for chunk in InMemoryTable(frame).chunks()])
    assert isinstance(job, UploadRequest)
    assert (job.fields["tags"], [one.code for one in job.warnings]) == ("a|b,c", ["name_adjusted"])


@given(numbers=st.lists(st.integers(-(2**63), 2**63 - 1) | st.none(), min_size=1, max_size=4), as_float=st.booleans())
def test_a_number_is_sent_with_its_own_digits_or_not_at_all(numbers: list[int | None], *, as_float: bool) -> None:
    """Whatever a missing cell made of a column of integers: in names, tags, metadata and templates."""
    column = pd.Series(numbers, dtype="float64" if as_float else "Int64")
    frame = {"file": [URL] * len(numbers), "n": column, "tags": column, "customMetadata.n": column}
    for number, outcome in zip(numbers, plan(frame, description="no. {n:d}"), strict=True):
        if number is None:
            continue
        if isinstance(outcome, UploadRequest):
            fields = (outcome.fields["tags"], outcome.fields["description"], outcome.fields["customMetadata"])
            assert fields == (f"{number}", f"no. {number}", f'{{"n":{number}}}')
        else:
            assert {problem.code for problem in outcome if problem.severity == "error"} == {"lost_digits"}
            assert as_float
            assert abs(number) >= 2**53 - 1


@given(
    st.dictionaries(st.sampled_from(["tags", "description", "folder", "is_private_file", "customMetadata.x"]), CELLS)
)
def test_any_cell_is_sent_or_a_problem(cells: dict[str, Any]) -> None:
    """No cell raises, and no problem is that of an unexpected exception."""
    frame = {"file": [URL], **{name: pd.Series([cell], dtype=object) for name, cell in cells.items()}}
    (outcome,) = plan(frame, FIELDS_OF_X)
    for problem in outcome if not isinstance(outcome, UploadRequest) else ():
        assert problem.code != "unreadable_value"
        assert problem.message
        assert problem.fix
