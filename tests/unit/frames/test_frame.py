"""Where a row's parameters come from, and how results stand beside the rows."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rows import Row, planned, result_frame

from ikpipe import MappingError, Result
from ikpipe.errors import Problem
from ikpipe.frames.chunks import ROWS, InMemoryTable
from ikpipe.frames.mapping import ColumnMapping
from ikpipe.frames.results import ResultCollector, listing_frame, one_file_frame, problem_frame, results_of
from ikpipe.request.result import RESULT_COLUMNS


def rows(frame: pd.DataFrame, columns: dict[str, Any] | None = None, **keywords: Any) -> list[Row]:
    """Read all rows of a frame."""
    return planned(frame, columns, **keywords)


def values(frame: pd.DataFrame, columns: dict[str, Any] | None = None, **keywords: Any) -> dict[str, Any]:
    """Read the parameters of a frame's only row."""
    (row,) = rows(frame, columns, **keywords)
    assert not row.trouble
    return row.values


def wrong(frame: pd.DataFrame, columns: dict[str, Any] | None = None, **keywords: Any) -> str:
    """Give the words of the error that a mapping is."""
    with pytest.raises(MappingError) as caught:
        ColumnMapping(frame.columns, columns, keywords)
    return str(caught.value)


# Which value wins


def test_a_mapped_column_wins_over_all() -> None:
    """First comes `columns=`, whatever a column of the parameter's name or a keyword says."""
    frame = pd.DataFrame({"x": ["/mapped"], "folder": ["/named"]})
    assert values(frame, {"folder": "x"}, folder="/keyword") == {"folder": "/mapped"}


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, ""])
def test_an_empty_mapped_cell_leaves_it_to_the_named_column(missing: object) -> None:
    """Where the mapped cell has no value, a column named like the parameter is next."""
    frame = pd.DataFrame({"x": pd.Series([missing], dtype=object), "folder": ["/named"]})
    assert values(frame, {"folder": "x"}, folder="/keyword") == {"folder": "/named"}


@pytest.mark.parametrize("name", ["file_name", "fileName"])
def test_a_named_column_wins_over_a_keyword(name: str) -> None:
    """A column named like the parameter, in either spelling, is second."""
    assert values(pd.DataFrame({name: ["named"]}), file_name="keyword") == {"file_name": "named"}


@pytest.mark.parametrize("name", ["file_name", "fileName"])
def test_a_keyword_is_last(name: str) -> None:
    """A keyword, in either spelling, fills the rows whose cells are empty."""
    found = rows(pd.DataFrame({"file_name": ["named", None]}), **{name: "keyword"})
    assert [row.values["file_name"] for row in found] == ["named", "keyword"]


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, pd.NaT, ""])
def test_a_missing_keyword_is_not_given(missing: object) -> None:
    """None, NaN, NA and the empty text mean "not given" in a keyword too."""
    assert values(pd.DataFrame({"a": [1]}), folder=missing, tags=missing, custom_metadata=missing) == {}


@given(st.tuples(*[st.sampled_from([None, "", "v"])] * 3))
def test_the_first_that_has_a_value_wins(given_values: tuple[str | None, str | None, str | None]) -> None:
    """Over all combinations of present and missing: the sequence of the contract decides."""
    mapped, named, keyword = (f"{value}{at}" if value else value for at, value in enumerate(given_values))
    frame = pd.DataFrame({"x": [mapped], "description": [named]}, dtype=object)
    first = next((value for value in (mapped, named, keyword) if value), None)
    assert values(frame, {"description": "x"}, description=keyword).get("description") == first


def test_a_template_wins_only_where_no_cell_does() -> None:
    """A keyword's template is a keyword: a named column comes first, and its own cells are not missed then."""
    frame = pd.DataFrame({"file_name": ["named", None], "sku": [None, "7"]})
    assert [row.values["file_name"] for row in rows(frame, file_name="{sku}.jpg")] == ["named", "7.jpg"]


# Custom metadata


def test_metadata_of_several_columns() -> None:
    """A list of columns is `{column: value}`, and values keep their column's type."""
    frame = pd.DataFrame({"brand": ["Nike"], "size": [42], "sale": [True], "note": [None]})
    found = values(frame, {"custom_metadata": ["brand", "size", "sale", "note"]})
    assert found == {"custom_metadata": {"brand": "Nike", "size": 42, "sale": True}}
    assert type(found["custom_metadata"]["sale"]) is bool


def test_metadata_under_other_names() -> None:
    """A dict gives the field's name for each column."""
    frame = pd.DataFrame({"Marke": ["Nike"]})
    assert values(frame, {"customMetadata": {"brand": "Marke"}}) == {"custom_metadata": {"brand": "Nike"}}


def test_a_field_of_its_own_wins_over_a_whole_column() -> None:
    """A column of one metadata field sets that key, whatever the column of whole objects says."""
    frame = pd.DataFrame({"custom_metadata": ['{"brand": "x", "size": "m"}'], "custom_metadata.brand": ["Nike"]})
    assert values(frame) == {"custom_metadata": {"brand": "Nike", "size": "m"}}


def test_one_field_in_both_spellings_is_an_error() -> None:
    """Which of two columns is meant is not guessed."""
    frame = pd.DataFrame({"custom_metadata.brand": ["a"], "customMetadata.brand": ["b"]})
    with pytest.raises(MappingError, match=r"both named like custom_metadata\.brand"):
        ColumnMapping(frame.columns, None, {})


@pytest.mark.parametrize("name", ["customMetadata.brand", "custom_metadata.brand"])
def test_metadata_of_one_key(name: str) -> None:
    """A column of such a name sets one key."""
    assert values(pd.DataFrame({name: ["Nike"]})) == {"custom_metadata": {"brand": "Nike"}}


def test_metadata_is_merged_key_by_key() -> None:
    """Each key comes from the first place that has it: mapping, named columns, keyword."""
    frame = pd.DataFrame({"x": ["1"], "custom_metadata": ['{"a": "2", "b": "2"}'], "customMetadata.c": ["3"]})
    found = values(frame, {"custom_metadata": {"a": "x"}}, custom_metadata={"a": "4", "b": "4", "c": "4", "d": "4"})
    assert found == {"custom_metadata": {"a": "1", "b": "2", "c": "3", "d": "4"}}


@pytest.mark.parametrize("cell", ['{"a": 1}', {"a": 1}])
def test_metadata_in_one_cell(cell: object) -> None:
    """A column of JSON text or of dicts is the whole of it."""
    frame = pd.DataFrame({"meta": pd.Series([cell], dtype=object)})
    assert values(frame, {"custom_metadata": "meta"}) == {"custom_metadata": {"a": 1}}


def test_metadata_that_is_no_json_names_its_column() -> None:
    """A broken cell is the row's problem, and the column that it stands in is named."""
    (row,) = rows(pd.DataFrame({"meta": ["{"]}), {"custom_metadata": "meta"})
    ((parameter, bad),) = row.trouble
    assert (parameter, bad.code) == ("custom_metadata", "bad_json")


# Tags


def test_tags_of_several_columns_are_joined() -> None:
    """A list of columns: each cell's tags in order, be it text with commas or a list; empty cells give none."""
    frame = pd.DataFrame({"a": ["x,y"], "b": [None], "c": [["z"]], "d": [7]})
    assert values(frame, {"tags": ["a", "b", "c", "d"]}) == {"tags": ["x", "y", "z", "7"]}


def test_tags_of_empty_columns_are_not_given() -> None:
    """Where no mapped column has a tag, the keyword does."""
    frame = pd.DataFrame({"a": [None], "b": [""]})
    assert values(frame, {"tags": ["a", "b"]}, tags=["sale"]) == {"tags": ["sale"]}


def test_tags_may_have_templates() -> None:
    """`{column}` in a list of tags is filled from the row."""
    assert values(pd.DataFrame({"brand": ["Nike"]}), tags=["{brand}", "sale"]) == {"tags": "Nike,sale"}


# Templates


def test_a_template_is_filled_from_the_row() -> None:
    """Whole floats lose their `.0`, dates their midnight, and zeros at the front stay."""
    frame = pd.DataFrame({"sku": [12.0, np.nan], "no": ["007", "8"], "day": pd.to_datetime(["2026-11-23"] * 2)})
    found = rows(frame, file_name="{sku}-{no}-{day}.jpg")
    assert found[0].values == {"file_name": "12-007-2026-11-23.jpg"}


def test_a_template_with_an_empty_cell_is_a_problem() -> None:
    """No name with a hole in it: the problem names the column."""
    (row,) = rows(pd.DataFrame({"sku": [None], "x": [1]}), file_name="{sku}.jpg")
    problem = row.problem(*row.trouble[0])
    assert (problem.code, problem.column, problem.parameter) == ("missing_cell", "sku", "file_name")


@pytest.mark.parametrize("parameter", ["file", "file_name", "folder", "tags", "description", "custom_coordinates"])
def test_text_parameters_have_templates(parameter: str) -> None:
    """A keyword's `{column}` is filled in every text parameter."""
    assert values(pd.DataFrame({"c": ["1,2,3,4"]}), **{parameter: "{c}"}) == {parameter: "1,2,3,4"}


def test_json_parameters_have_no_templates() -> None:
    """Braces of JSON and of `checks` are what they are."""
    found = values(pd.DataFrame({"a": [1]}), transformation='{"pre":"w-1"}', checks='"a" : "{b}"')
    assert found == {"transformation": '{"pre":"w-1"}', "checks": '"a" : "{b}"'}


def test_doubled_braces_are_braces() -> None:
    """`{{` is a brace, and no column is looked for."""
    assert values(pd.DataFrame({"a": [1]}), file_name="{{a}}.jpg") == {"file_name": "{a}.jpg"}


# Errors of the mapping


@pytest.mark.parametrize(
    ("columns", "keywords"),
    [
        ({"file": "image_ulr"}, {}),
        ({"tags": ["image_ulr"]}, {}),
        ({"custom_metadata": ["image_ulr"]}, {}),
        ({"custom_metadata": {"a": "image_ulr"}}, {}),
        ({}, {"folder": "/{image_ulr}/"}),
    ],
)
def test_a_column_that_is_lacking_names_the_nearest(columns: dict[str, Any], keywords: dict[str, str]) -> None:
    """Nothing is guessed: a misspelt column is an error, and can not turn into a constant."""
    words = wrong(pd.DataFrame({"image_url": [1], "sku": [2]}), columns, **keywords)
    assert "no column 'image_ulr' (did you mean 'image_url'?)" in words


@pytest.mark.parametrize(("columns", "keywords"), [({"flie": "a"}, {}), ({}, {"flie": "x"})])
def test_a_parameter_that_there_is_not_names_the_nearest(columns: dict[str, str], keywords: dict[str, str]) -> None:
    """A misspelt parameter is an error, in the mapping and in the keywords."""
    assert "no upload parameter 'flie' (did you mean 'file'?)" in wrong(pd.DataFrame({"a": [1]}), columns, **keywords)


@pytest.mark.parametrize(("columns", "keywords"), [({"token": "a"}, {}), ({}, {"token": "x"})])
def test_a_token_cannot_be_given(columns: dict[str, str], keywords: dict[str, str]) -> None:
    """Tokens are made by ikpipe alone."""
    assert "The token cannot be set" in wrong(pd.DataFrame({"a": [1]}), columns, **keywords)


def test_a_column_that_is_there_twice_cannot_be_meant() -> None:
    """Duplicate columns are an error where one of them is asked for, and none elsewhere."""
    frame = pd.DataFrame([["a", "b", "c"]], columns=["x", "x", "file"])
    assert "2 columns 'x'" in wrong(frame, {"folder": "x"})
    assert values(frame) == {"file": "c"}


def test_both_spellings_of_one_parameter_are_an_error() -> None:
    """Two columns for one parameter: nobody knows which, unless the mapping says it."""
    frame = pd.DataFrame({"file_name": ["a"], "fileName": ["b"]})
    assert "'file_name' and 'fileName' are both named like file_name" in wrong(frame)
    assert values(frame, {"file_name": "fileName"}) == {"file_name": "b"}


@pytest.mark.parametrize(
    ("columns", "keywords"), [({"fileName": "a", "file_name": "a"}, {}), ({}, {"fileName": "a", "file_name": "b"})]
)
def test_a_parameter_that_is_given_twice_is_an_error(columns: dict[str, str], keywords: dict[str, str]) -> None:
    """The same holds for two entries of the mapping, and for two keywords."""
    assert "file_name is given twice" in wrong(pd.DataFrame({"a": ["x"]}), columns, **keywords)


@pytest.mark.parametrize("target", [["a"], {"k": "a"}])
def test_only_tags_and_metadata_take_several_columns(target: object) -> None:
    """A list or a dict for another parameter is an error."""
    assert "Only tags take a list" in wrong(pd.DataFrame({"a": ["x"]}), {"folder": target})


def test_tags_take_no_dict() -> None:
    """A dict is for metadata alone."""
    assert "only custom_metadata takes a dict" in wrong(pd.DataFrame({"a": ["x"]}), {"tags": {"k": "a"}})


@pytest.mark.parametrize(
    ("keyword", "value", "words"),
    [
        ("is_private_file", "maybe", 'must be true or false, not "maybe"'),
        ("tags", "100%", "tags=.*%"),
        ("folder", "/a" * 51, "folder=.*has 51"),
        ("file_name", "a/b", "file_name=.*path="),
        ("file_name", "{", "a single brace"),
        ("custom_metadata", "{", "custom_metadata=.*must be a JSON object"),
    ],
)
def test_a_wrong_constant_is_an_error_at_once(keyword: str, value: str, words: str) -> None:
    """What is the same for all rows is checked before any row."""
    frame = pd.DataFrame({"a": ["x"]})
    with pytest.raises(MappingError, match=words):
        ColumnMapping(frame.columns, None, {keyword: value})


def test_only_frames_are_taken() -> None:
    """A list of dicts is no frame; the error says what it is."""
    with pytest.raises(MappingError, match="cannot read a list"):
        InMemoryTable([{"file": "a"}])  # type: ignore[arg-type]


# Frames of all sorts


@pytest.mark.parametrize("column", ["file", 0, 7, ("a", "b"), 1.5])
def test_columns_of_any_label(column: Any) -> None:
    """A column's label may be a number or a tuple."""
    frame = pd.DataFrame([["x"]], columns=pd.Index([column], tupleize_cols=False))
    (row,) = rows(frame, {"file": column})
    assert (row.values, row.columns) == ({"file": "x"}, {"file": column})


def test_a_number_as_text_finds_a_numbered_column() -> None:
    """A template and the command line can write a label only as text."""
    frame = pd.DataFrame([["x", "y"]])
    assert values(frame, {"file": "0"}, file_name="{1}.jpg") == {"file": "x", "file_name": "y.jpg"}


def test_a_byte_order_mark_in_the_header_is_no_part_of_a_name() -> None:
    """A file of Excel's "CSV UTF-8" read without its mark: its first column is found, under its own label."""
    (row,) = rows(pd.DataFrame({"\ufefffile": ["\ufeffx"], "\ufeffsku": [1]}), file_name="{sku}")
    assert row.values == {"file": "x", "file_name": "1"}
    assert row.columns["file"] == "\ufefffile"


def test_labels_are_the_indexs() -> None:
    """Duplicate labels and those of a MultiIndex are kept; positions count from 0."""
    frame = pd.DataFrame({"file": ["a", "b", "c"]}, index=["x", "x", "y"])
    assert [(row.label, row.position) for row in rows(frame)] == [("x", 0), ("x", 1), ("y", 2)]
    frame.index = pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)])
    assert [row.label for row in rows(frame)] == list(frame.index)


@pytest.mark.parametrize("frame", [pd.DataFrame(), pd.DataFrame({"file": []}), pd.DataFrame(index=["a"])])
def test_frames_without_files(frame: pd.DataFrame) -> None:
    """A frame without rows has no rows, and one without columns has rows that give nothing."""
    assert [row.values for row in rows(frame)] == [{}] * len(frame)
    assert InMemoryTable(frame).rows == len(frame)


def test_rows_of_every_chunk_are_alike() -> None:
    """A long frame is read in parts, and no row shows it: whole floats are whole in all of them, or in none."""
    numbers = [1.0] * ROWS + [2.5]
    found = rows(pd.DataFrame({"sku": numbers}), file_name="{sku}")
    assert [row.values["file_name"] for row in found] == [str(number) for number in numbers]
    assert [row.position for row in found] == list(range(ROWS + 1))


def test_gives_tells_which_parameters_are_there() -> None:
    """A mapping or a keyword gives a parameter, even if no cell does."""
    plan = ColumnMapping(pd.Index(["file"]), None, {"folder": "/a"})
    assert [plan.provides(name) for name in ("file", "folder", "tags")] == [True, True, False]


def test_the_frame_is_untouched() -> None:
    """Reading changes neither cells nor labels nor attributes."""
    frame = pd.DataFrame({"file": ["\ufeffa", None], "tags": [["x"], []], "n": [1.0, None]}, index=["i", "i"])
    frame.attrs["mine"] = 1
    before = frame.copy(deep=True)
    rows(frame, {"custom_metadata": ["n"]}, folder="/{n}")
    result_frame(frame, [Result("uploaded")] * 2, {"run": "r"})
    pd.testing.assert_frame_equal(frame, before)
    assert frame.attrs == {"mine": 1}


# Results

FRAMES = {
    "plain": pd.DataFrame({"file": ["a", "b"]}),
    "empty": pd.DataFrame(),
    "no rows": pd.DataFrame({"file": []}),
    "no columns": pd.DataFrame(index=[3, 1]),
    "duplicate labels": pd.DataFrame({"file": ["a", "b"]}, index=["x", "x"]),
    "MultiIndex": pd.DataFrame({"file": ["a", "b"]}, index=pd.MultiIndex.from_tuples([("a", 1), ("a", 1)])),
    "dates": pd.DataFrame({"file": ["a", "b"]}, index=pd.to_datetime(["2026-01-02", "2026-01-01"])),
    "duplicate columns": pd.DataFrame([[1, 2]], columns=["x", "x"]),
    "numbered columns": pd.DataFrame([[1, 2]]),
    "MultiIndex columns": pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", "b"), ("a", "c")])),
    "Arrow": pd.DataFrame({"file": ["a", None]}, dtype="string[pyarrow]"),
    "categories": pd.DataFrame({"file": ["a", "b"]}, dtype="category"),
    "results": result_frame(pd.DataFrame({"file": ["a"]}), [Result("uploaded", file_id="old")], {}),
}


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
@pytest.mark.parametrize("full", [True, False])
def test_results_have_exactly_the_contracts_columns(frame: pd.DataFrame, *, full: bool) -> None:
    """Whatever the input: its index, order, length and columns, then all of the result's, with their dtypes."""
    one = Result("uploaded", size=3, tags=["a"], is_private_file=False, duration=1.5) if full else Result("invalid")
    results = result_frame(frame, [one] * len(frame), {})
    own = [column for column in frame.columns if column not in RESULT_COLUMNS]
    assert list(results.columns) == [*own, *RESULT_COLUMNS]
    assert results.index.equals(frame.index)
    assert {name: str(results[name].dtype) for name in RESULT_COLUMNS} == RESULT_COLUMNS
    kept = [column in own for column in frame.columns]
    before, after = frame.loc[:, kept], results.iloc[:, : len(own)]
    pd.testing.assert_frame_equal(after.set_axis(range(len(own)), axis=1), before.set_axis(range(len(own)), axis=1))


def test_answers_stand_in_their_rows() -> None:
    """Each result is in the row of its position, also where labels repeat."""
    frame = pd.DataFrame({"file": ["a", "b"]}, index=["x", "x"])
    results = result_frame(frame, [Result("uploaded", size=1), Result("failed", "busy", size=None)], {"run": "r"})
    assert results["ik_size"].tolist() == [1, pd.NA]
    assert results["ik_error"].tolist() == [pd.NA, "busy"]
    assert results.attrs["ikpipe"] == {"run": "r"}


def test_the_inputs_attributes_are_kept() -> None:
    """The summary comes beside what the frame had in `attrs`."""
    frame = pd.DataFrame({"file": []})
    frame.attrs["source"] = "products.csv"
    assert result_frame(frame, [], {"run": "r"}).attrs == {"source": "products.csv", "ikpipe": {"run": "r"}}


def test_unknown_response_fields_have_a_column() -> None:
    """What nobody knew is kept, in one more column, which is there only then, and replaced by the next run."""
    frame = result_frame(pd.DataFrame({"file": ["a", "b"]}), [Result("uploaded", extra={"k": 1}), Result("failed")], {})
    assert frame["ik_extra"].tolist() == [{"k": 1}, None]
    assert "ik_extra" not in result_frame(frame, [Result("uploaded")] * 2, {}).columns


def test_results_are_read_back() -> None:
    """A results frame gives the results that it was made of."""
    results = [
        Result("uploaded", size=2**40, tags=["a"], custom_metadata={"k": [1]}, is_published=True, extra={"new": 1}),
        Result("failed", "busy", "words", attempts=3, seconds=0.5),
    ]
    assert results_of(result_frame(pd.DataFrame({"file": ["a", "b"]}), results, {})) == results


def test_a_frame_without_results_is_an_error() -> None:
    """Only what `upload` or `read_results` gave can be tried again."""
    with pytest.raises(MappingError, match="ik_status"):
        results_of(pd.DataFrame({"file": ["a"]}))


def test_a_results_frame_may_lack_columns() -> None:
    """A status alone is enough: the rest is unknown."""
    assert results_of(pd.DataFrame({"ik_status": ["failed"]})) == [Result("failed")]


def test_problems_are_a_frame_even_without_any() -> None:
    """The contract's columns and dtypes, with and without problems."""
    names = ["row", "position", "column", "parameter", "severity", "code", "message", "fix"]
    some = problem_frame([Problem(("a", 1), 0, None, "tags", "error", "too_long", "m", "f")])
    none = problem_frame([])
    assert list(some) == list(none) == names
    assert some["row"][0] == ("a", 1)
    assert some.dtypes.to_dict() == none.dtypes.to_dict()
    assert none["position"].dtype == "Int64"
    assert len(none) == 0


def test_a_listing_has_its_columns_and_dtypes_without_any_file() -> None:
    """A clean-up that selects `fileId` works on an empty folder too."""
    file = {"fileId": "a", "size": 3, "tags": ["x"], "isPrivateFile": True, "createdAt": "2026-11-30T00:00:00.000Z"}
    some, none = listing_frame([file, {"fileId": "b"}]), listing_frame([])
    assert some.dtypes.to_dict() == none.dtypes.to_dict()
    assert (some["size"].tolist(), some["size"].dtype) == ([3, pd.NA], "Int64")


def test_a_listing_keeps_what_the_service_adds() -> None:
    """Fields that this version does not know, and values of another type than the documentation's."""
    frame = listing_frame([{"fileId": "a", "size": "large", "novel": 1}])
    assert (frame["size"][0], frame["novel"][0], frame.columns[-1]) == ("large", 1, "novel")


@pytest.mark.parametrize("file", [b"abc", "https://a/b", Decimal(1), [1, 2]])
def test_one_file_is_a_frame_of_one_row(file: object) -> None:
    """Whatever it is, it stands in one cell."""
    assert one_file_frame(file)["file"].tolist() == [file]


def test_a_listing_is_a_frame() -> None:
    """A row a file, under the service's own names."""
    frame = listing_frame([{"fileId": "1", "size": 2}])
    assert frame[["fileId", "size"]].to_dict("records") == [{"fileId": "1", "size": 2}]
    assert frame.drop(columns=["fileId", "size"]).isna().all(axis=None)


def test_rows_that_were_never_begun_stand_in_their_place() -> None:
    """Chunks of which nothing was sent are set out together, between those that were."""
    feed = InMemoryTable(pd.DataFrame({"file": range(8)}), rows=2)
    sink = ResultCollector(feed)
    for chunk, results in zip(feed.chunks(), ([Result("uploaded")] * 2, None, None), strict=False):
        sink.take(sink.prepare(chunk, results))
    assert sink.close({})["ik_status"].tolist() == ["uploaded"] * 2 + ["cancelled"] * 6
