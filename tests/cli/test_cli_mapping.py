"""`--map` and `--set`: what they become in a call."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ikpipe import MappingError
from ikpipe._parameters import BY_WIRE, TABLE
from ikpipe.cli.mapping import columns, keywords

Pairs = list[tuple[str, str]]


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([("file", "a,b")], {"file": "a,b"}),
        ([("tags", "a"), ("tags", "b, c")], {"tags": ["a", "b", "c"]}),
        ([("tags", '"a,b",c')], {"tags": ["a,b", "c"]}),
        ([("custom_metadata", "brand,color")], {"custom_metadata": {"brand": "brand", "color": "color"}}),
        ([("custom_metadata.brand", "Marke")], {"custom_metadata": {"brand": "Marke"}}),
        ([("customMetadata", "a"), ("customMetadata.b", "c")], {"custom_metadata": {"a": "a", "b": "c"}}),
        ([("custom_metadata.a.b", "c")], {"custom_metadata": {"a.b": "c"}}),
        ([("fileName", "name")], {"file_name": "name"}),
    ],
)
def test_columns(pairs: Pairs, expected: dict[str, Any]) -> None:
    """Tags and metadata take several columns, metadata also one field; everything else takes one column."""
    assert columns(pairs) == expected


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([("folder", "/a=b/")], {"folder": "/a=b/"}),
        ([("useUniqueFileName", "no")], {"use_unique_file_name": "no"}),
        ([("custom_metadata", '{"a": 1}')], {"custom_metadata": '{"a": 1}'}),
        ([("custom_metadata.a", "1"), ("custom_metadata.b", "2")], {"custom_metadata": {"a": "1", "b": "2"}}),
    ],
)
def test_keywords(pairs: Pairs, expected: dict[str, Any]) -> None:
    """A constant is its text; fields of metadata are gathered."""
    assert keywords(pairs) == expected


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        ([("file", "a"), ("file", "b")], "--map file is given twice"),
        ([("file_name", "a"), ("fileName", "b")], "--map fileName is given twice"),
        ([("custom_metadata", "a,b,a")], "--map custom_metadata=a is given twice"),
        ([("custom_metadata", "a"), ("custom_metadata.a", "b")], "--map custom_metadata.a is given twice"),
        ([("custom_metadata.", "b")], "there is no upload parameter 'custom_metadata.'"),
        ([("tags.a", "b")], "--map tags.a: there is no upload parameter 'tags.a' (nearest: 'tags')"),
    ],
)
def test_bad_columns(pairs: Pairs, words: str) -> None:
    """What is said twice, or of nothing, is refused."""
    with pytest.raises(MappingError, match=re.escape(words)):
        columns(pairs)


@pytest.mark.parametrize(
    "pairs",
    [
        [("custom_metadata", "{}"), ("custom_metadata.a", "1")],
        [("custom_metadata.a", "1"), ("custom_metadata", "{}")],
        [("custom_metadata.a", "1"), ("custom_metadata.a", "2")],
        [("tags", "a"), ("tags", "b")],
        [("account", "x")],
        [("columns", "x")],
    ],
)
def test_bad_keywords(pairs: Pairs) -> None:
    """A constant is said once, and is an upload parameter's: no other argument of the call can be reached."""
    with pytest.raises(MappingError):
        keywords(pairs)


@given(st.sampled_from([*TABLE, *BY_WIRE]), st.text())
def test_either_spelling(name: str, text: str) -> None:
    """Each parameter can be set in either spelling, and its text stays what it is."""
    assert keywords([(name, text)]) == {BY_WIRE.get(name, name): text}


@given(st.lists(st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), min_size=1), min_size=1))
def test_any_column_can_be_listed(names: list[str]) -> None:
    """Columns listed as CSV are these columns, whatever is in their names."""
    line = io.StringIO()
    csv.writer(line, lineterminator="", quoting=csv.QUOTE_ALL).writerow(names)
    assert columns([("tags", line.getvalue())]) == {"tags": names}
