"""`--map` and `--set`: what they become in a call."""

from __future__ import annotations

import csv
import dataclasses
import datetime
import decimal
import io
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rows import planned

from ikpipe import MappingError, Policy
from ikpipe.cli import mapping
from ikpipe.cli.mapping import columns, keywords
from ikpipe.cli.next_command import retry_command
from ikpipe.cli.parser import parser
from ikpipe.request.parameters import BY_WIRE, TABLE, encode
from ikpipe.run.prepare import collect_mapping

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
        ([("file", "a"), ("file", "b")], "--map file is set twice"),
        ([("file_name", "a"), ("fileName", "b")], "--map fileName is set twice"),
        ([("custom_metadata", "a,b,a")], "--map custom_metadata=a is set twice"),
        ([("custom_metadata", "a"), ("custom_metadata.a", "b")], "--map custom_metadata.a is set twice"),
        ([("custom_metadata.", "b")], "there is no upload parameter 'custom_metadata.'"),
        ([("tags.a", "b")], "--map tags.a: there is no upload parameter 'tags.a' (did you mean 'tags'?)"),
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


# A run's mapping, said again

NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)
"""Columns: commas, quotes, spaces, line breaks and all."""
FIELDS = NAMES.filter(lambda name: "=" not in name)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | NAMES
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner), max_leaves=8)
PLAIN = st.text(st.characters(categories=["L", "N"]), min_size=1)


@st.composite
def mapped(draw: st.DrawFn) -> tuple[list[str], dict[str, Any]]:
    """Draw columns of a table, and `columns=` that name some of them."""
    names = draw(st.lists(NAMES, min_size=1, max_size=5, unique=True))
    one, some = st.sampled_from(names), st.lists(st.sampled_from(names), max_size=4, unique=True)
    metadata = some | some.map(lambda few: {name: name for name in few}) | st.dictionaries(FIELDS, one, max_size=3)
    targets = {"file": one, "fileName": one, "folder": one, "tags": one | some, "custom_metadata": metadata}
    return names, draw(st.fixed_dictionaries({}, optional=targets))


@st.composite
def constants(draw: st.DrawFn, names: list[str]) -> dict[str, Any]:
    """Draw keywords of all types: templates, other text, and other values."""
    column = st.sampled_from([name for name in names if "{" not in name and "}" not in name] or ["sku"])
    template = st.lists(PLAIN | column.map("{{{}}}".format) | st.just("{{x}}"), min_size=1).map("".join)
    extension = st.fixed_dictionaries({"name": st.just("remove-bg"), "options": JSON})
    thing = st.dates() | st.integers() | st.booleans() | st.floats(-1e15, 1e15) | st.decimals(allow_nan=False)
    tag = PLAIN | st.integers(0, 99) | st.none() | st.just("a}")
    values = {
        "file_name": template | thing,
        "description": template | st.sampled_from([1.5, float("nan"), pd.NA, pd.NaT, ""]),
        "useUniqueFileName": st.booleans() | st.sampled_from(["yes", "0", 1]),
        "tags": st.lists(tag, max_size=4)
        | template.map("a,{}".format)
        | st.lists(PLAIN | column.map("{{{}}}".format), max_size=3),
        "custom_coordinates": st.tuples(*[st.integers(0, 9)] * 4) | st.just([1, 2.0, 3, "4"]) | st.just("1,2,3,4"),
        "custom_metadata": st.dictionaries(NAMES, JSON | st.dates(), max_size=4),
        "extensions": st.lists(extension, max_size=2),
        "transformation": st.sampled_from([{"pre": "w-400"}, '{"pre":"w-400"}', {"post": [{"type": "thumbnail"}]}]),
        "response_fields": st.just(["tags", "metadata"]),
    }
    return draw(st.fixed_dictionaries({}, optional=values))


def said_again(run: dict[str, Any]) -> dict[str, Any]:
    """Write a mapping as words, and read these as the command line does."""
    return mapping.run_mapping(parser().parse_args(["retry", "r.csv", "-o", "r.csv", *mapping.to_options(run)]))


def meaning(run: dict[str, Any], frame: pd.DataFrame) -> list[dict[str, str]]:
    """Return what is sent for each row of a frame."""
    rows = planned(frame, run["columns"], **run["parameters"])
    assert all(not row.trouble for row in rows)
    return [
        {name: str(value) if name == "file" else encode(name, value) for name, value in row.values.items()}
        for row in rows
    ]


@given(st.data())
def test_a_mapping_comes_back(data: st.DataObject) -> None:
    """Whatever a run was given, in Python too, its words mean the same for each row."""
    names, target = data.draw(mapped())
    run = collect_mapping(
        target, None, None, data.draw(st.sampled_from(["server", "client"])), data.draw(constants(names))
    )
    frame = pd.DataFrame([[f"a{at}" for at in range(len(names))]], columns=names).assign(sku="00012")
    again = said_again(run)
    assert meaning(again, frame) == meaning(run, frame)
    assert {name: again[name] for name in ("root", "file_kind", "fetch")} == {
        name: run[name] for name in ("root", "file_kind", "fetch")
    }


@pytest.mark.parametrize("column", ["Tags", "Is Private File", "-x", "a,b"])
def test_ignored_columns_come_back(column: str) -> None:
    """Each is one option; a results file in Parquet has them."""
    run = collect_mapping(None, None, None, "server", {}, ignore=[column])
    assert said_again(run) == run
    assert mapping.to_options(run, in_file=True) == []


@pytest.mark.parametrize("mode", ["replace", "skip", "error", "sync"])
def test_the_rule_about_existing_files_comes_back(mode: str) -> None:
    """A results file in Parquet has it."""
    run = collect_mapping(None, None, None, "server", {}, existing={"on_existing": mode})
    assert said_again(run)["existing"] == {"on_existing": mode}
    assert "--on-existing" not in mapping.to_options(run, in_file=True)


@given(mapped(), st.dictionaries(FIELDS, st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))))
def test_words_are_the_same_twice(drawn: tuple[list[str], dict[str, Any]], metadata: dict[str, str]) -> None:
    """What came from options comes back to the letter."""
    run = said_again(collect_mapping(drawn[1], None, None, "server", {"custom_metadata": metadata} if metadata else {}))
    assert said_again(run) == run


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"tags": ["a", "b"]}, ['tags=["a","b"]']),
        ({"tags": ["{sku}", "b"]}, ["tags={sku},b"]),
        ({"use_unique_file_name": False}, ["use_unique_file_name=false"]),
        ({"fileName": "{sku}.png"}, ["file_name={sku}.png"]),
        ({"custom_metadata": {"shop": "N", "a.b": "{"}}, ["custom_metadata.shop=N", "custom_metadata.a.b={"]),
        ({"custom_metadata": {"n": 1, "no": None}}, ['custom_metadata={"n":1,"no":null}']),
        ({"custom_metadata": {"a=b": "c"}}, ['custom_metadata={"a=b":"c"}']),
        ({"custom_metadata": {"day": datetime.date(2026, 1, 2)}}, ['custom_metadata={"day":"2026-01-02"}']),
        ({"custom_metadata": {"price": decimal.Decimal("1.5")}}, ['custom_metadata={"price":1.5}']),
        ({"transformation": {"pre": "w-4"}}, ['transformation={"pre":"w-4"}']),
        ({"description": None, "folder": float("nan")}, []),
        ({"file_name": datetime.date(2026, 1, 2)}, ["file_name=2026-01-02"]),
    ],
)
def test_constants_in_words(parameters: dict[str, Any], words: list[str]) -> None:
    """A constant is written as a user would type it; a value that is not text is written as JSON."""
    run = collect_mapping(None, None, None, "server", parameters)
    assert mapping.to_options(run) == [word for text in words for word in ("--set", text)]


def test_places_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root, kind and fetch come back, also where a folder's name looks like an option."""
    monkeypatch.chdir(tmp_path)
    Path("-pictures").mkdir()
    run = collect_mapping(None, "-pictures", "base64", "client", {})
    assert said_again(run) == run


@pytest.mark.parametrize(
    ("target", "parameters", "words"),
    [
        ({"custom_metadata": "details"}, {}, "custom_metadata from 'details', a column of objects"),
        ({"custom_metadata": {"a=b": "c"}}, {}, "the metadata field 'a=b'"),
        ({}, {"file": b"GIF89a"}, "file=6 bytes"),
    ],
)
def test_what_no_option_can_say(target: dict[str, Any], parameters: dict[str, Any], words: str) -> None:
    """A mapping that only Python can give is refused, rather than said wrongly."""
    with pytest.raises(MappingError, match=re.escape(words)):
        mapping.to_options(collect_mapping(target, None, None, "server", parameters))


def next_command(*words: str, **run: Any) -> str:
    """Write the command that retries a run."""
    about = {"mapping": collect_mapping(run.pop("columns", None), None, None, "server", run)}
    return retry_command(parser().parse_args(["upload", "in.csv", *words]), about)


def test_the_next_command_of_what_no_option_can_say() -> None:
    """Whoever resumed a run of Python's is sent back there."""
    command = next_command("-o", "out.csv", columns={"custom_metadata": "details"})
    assert command.startswith("ikpipe.retry(ikpipe.read_results('out.csv'), account, …) in Python. No option can")


@pytest.mark.parametrize("field", dataclasses.fields(Policy), ids=lambda field: field.name)
def test_each_field_of_a_policy_can_be_set(field: dataclasses.Field[Any]) -> None:
    """Its own default, as text, is the same policy."""
    assert mapping.policy([(field.name, str(field.default))]) == Policy()
