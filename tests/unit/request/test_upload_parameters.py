"""Each upload parameter's rule and limit, and how its values are written on the wire."""

from __future__ import annotations

import datetime
import json
import re
import sys
import unicodedata
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ikpipe.errors import InvalidValue
from ikpipe.request.names import strict_folder
from ikpipe.request.parameters import BY_WIRE, TABLE, encode
from ikpipe.request.values import (
    FOLDER_DEPTH,
    RESPONSE_FIELDS,
    TAGS_LENGTH,
    folder_levels,
    stored_folder,
    stored_name,
    tag_list,
    to_json,
    to_text,
)

SEED = """file fileName useUniqueFileName tags folder isPrivateFile isPublished customCoordinates responseFields
extensions webhookUrl overwriteFile overwriteAITags overwriteTags overwriteCustomMetadata customMetadata"""
FLAGS = [
    name
    for name, entry in TABLE.items()
    if entry.source == "upload docs" and "efault" in entry.rule and name != "folder"
]


def refused(name: str, value: object) -> InvalidValue:
    """Return the problem of a value, whose message starts with its parameter's label unless it quotes the value."""
    with pytest.raises(InvalidValue) as caught:
        encode(name, value)
    message = caught.value.message
    assert message.startswith(TABLE[name].label) or message.endswith(".")
    assert caught.value.fix.endswith(".")
    return caught.value


# The table


def test_the_table_has_every_parameter() -> None:
    """The seed's parameters but for the token, and the specification's three."""
    assert set(BY_WIRE) == {*SEED.split(), "transformation", "checks", "description"}


@pytest.mark.parametrize("name", [name for name in TABLE if name != "overwrite_ai_tags"])
def test_python_names_are_the_wire_names_in_snake_case(name: str) -> None:
    """`fileName` is `file_name`, and so are all."""
    assert re.sub("([A-Z])", r"_\1", TABLE[name].wire).lower() == name


@pytest.mark.parametrize("name", TABLE)
def test_every_rule_names_its_source(name: str) -> None:
    """Each entry says its rule, and who says so."""
    assert TABLE[name].rule.endswith(".")
    assert set(TABLE[name].source.split(", ")) <= {"upload docs", "docs", "spec", "guess"}


@pytest.mark.parametrize("name", ["file"])
def test_the_file_is_no_text_of_the_form(name: str) -> None:
    """The file's value is another station's to write."""
    with pytest.raises(NotImplementedError):
        encode(name, "a")


# Booleans


@pytest.mark.parametrize("name", FLAGS)
@pytest.mark.parametrize(
    ("value", "text"),
    [
        *(
            (value, "true")
            for value in (True, "true", "TRUE", "True", "yes", "YES", "1", " yes ", 1, 1.0, "1.0", np.bool_(True))
        ),
        *((value, "false") for value in (False, "false", "FALSE", "no", "No", "0", 0, 0.0, np.int64(0))),
    ],
)
def test_booleans_in_all_spellings(name: str, value: object, text: str) -> None:
    """`bool`, true/false, yes/no and 1/0 in any case are written as the seed wants them."""
    assert encode(name, value) == text


@pytest.mark.parametrize("value", ["maybe", "2", 2, "", "on", "tru", 0.5, [True], "y"])
def test_what_is_no_boolean(value: object) -> None:
    """Nothing else is a boolean."""
    assert refused("is_private_file", value).code == "not_boolean"


# Tags


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a,b", "a,b"),
        (" a , b ,, ", "a,b"),
        (["a", "b"], "a,b"),
        (("a", 7), "a,7"),
        ('["a", "b c"]', "a,b c"),
        ('["a", null, ""]', "a"),
        (["a", None, float("nan")], "a"),
        ("été,画像,👟", "été,画像,👟"),
        (12, "12"),
        (["t-shirt"], "t-shirt"),
        (["a", pd.NA, pd.NaT, np.nan, Decimal("nan")], "a"),
        ("set(2),shirt (blue)", "set(2),shirt (blue)"),
    ],
)
def test_tags_in_all_forms(value: object, text: str) -> None:
    """A list, a JSON list or comma-separated text; spaces around a tag and empty tags do not count."""
    assert encode("tags", value) == text


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ("['red', 'blue']", 'Use ["red", "blue"].'),
        ("['light red' 'blue']", 'Use ["light red", "blue"].'),
        ('{red,"light blue"}', 'Use ["red", "light blue"].'),
        ("['" + "', '".join("abcdefghijklmn") + "']", 'Use a list such as ["red", "blue"].'),
    ],
)
def test_a_printed_list_comes_with_the_tags_to_write(text: str, fix: str) -> None:
    """Printed lists would be tags with quotes and braces; the fix has the tags, unless they are many."""
    assert refused("tags", text).fix == fix


def test_tags_may_have_500_characters_in_all() -> None:
    """The limit holds for all of the text: 500 pass, 501 do not."""
    longest = ["a" * 249, "b" * 250]
    assert len(encode("tags", longest)) == TAGS_LENGTH == 500
    assert refused("tags", [*longest[:1], "b" * 251]).code == "too_long"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("50%,sale", "bad_character"),
        (["a,b"], "bad_character"),
        ('["a,b"]', "bad_character"),
        ("[a", "bad_json"),
        *((text, "bad_json") for text in ("['red', 'blue']", "['red' 'blue']", "('red',)", "{a,b}", "{'a'}", "{}")),
        *((text, "bad_json") for text in ("set(['a'])", "array(['a'], dtype=object)", "frozenset({'a'})")),
        (1e20, "lost_digits"),
        (["a", 2.0**53], "lost_digits"),
        ('[["a"]]', "wrong_type"),
        ([{"a": 1}], "wrong_type"),
        ({"a": 1}, "wrong_type"),
        (b"a", "wrong_type"),
    ],
)
def test_tags_that_break_a_rule(value: object, code: str) -> None:
    """A `%`, a comma inside a tag, JSON that is none, and what is no text at all."""
    assert refused("tags", value).code == code


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters=",%"), min_size=1, max_size=9), max_size=9))
def test_tags_read_back_are_the_same(tags: list[str]) -> None:
    """What is written is what the service reads at its commas, from a list and from its JSON alike."""
    wanted = [tag.strip() for tag in tags if tag.strip()]
    assert tag_list(tags) == tag_list(json.dumps(tags)) == wanted
    assert encode("tags", tags) == ",".join(wanted)


# Folder


@pytest.mark.parametrize("value", ["/", "/a/b/", "a", "/été/画像_1/x-y", "//a//b", "/a/क्षि/"])
def test_folders_that_are_allowed(value: str) -> None:
    """Letters, marks and numerals of any script, `/`, `_` and `-`, and they are sent as they stand."""
    assert encode("folder", value) == value


def test_folders_nest_50_levels() -> None:
    """50 levels pass, 51 do not, and slashes in a row are one."""
    assert encode("folder", "//".join(["a"] * FOLDER_DEPTH))
    assert FOLDER_DEPTH == 50
    assert refused("folder", "/a" * 51).code == "too_deep"


@pytest.mark.parametrize("char", [" ", ".", "%", "👟", "\\", ",", "\n", "&"])
def test_folders_with_another_character(char: str) -> None:
    """Any other character is sent as `_`; the authentication endpoint refuses it, with the folder to write instead."""
    path = f"/a{char}b"
    assert (encode("folder", path), stored_folder(path)) == (path, "/a_b")
    with pytest.raises(InvalidValue) as raised:
        strict_folder(path)
    assert (raised.value.code, raised.value.fix) == ("bad_character", 'Use "/a_b".')


def test_a_folder_may_be_a_number() -> None:
    """A year read as a number is the folder of its digits."""
    assert encode("folder", 2026) == "2026"


# File name


@pytest.mark.parametrize("name", ["画像.png", "👟.jpg", "a b/c%.png", "é\u0301.png", "x" * 300])
def test_any_file_name_is_sent_as_it_is(name: str) -> None:
    """The service replaces what it does not allow: nothing is refused, and nothing changed."""
    assert encode("file_name", name) == name


@given(st.text())
def test_the_served_name_has_what_is_allowed(name: str) -> None:
    """What the service stores has as many characters, each allowed or `_`, and does not change again."""
    served = stored_name(name)
    assert len(served) == len(name)
    assert all(char in "._-" or unicodedata.category(char)[0] in "LMN" for char in served)
    assert stored_name(served) == served


def test_of_all_characters_the_seeds_are_kept() -> None:
    """Letters, marks and numerals of any script, `.`, `_` and `-`: no other, over all of Unicode."""
    every = "".join(map(chr, range(sys.maxunicode + 1)))
    kept = (char if char in "._-" or unicodedata.category(char)[0] in "LMN" else "_" for char in every)
    assert stored_name(every) == "".join(kept)


@pytest.mark.parametrize(
    ("name", "served"),
    [("a b.jpg", "a_b.jpg"), ("👟.jpg", "_.jpg"), ("画像①.png", "画像①.png"), ("a/b+c.x", "a_b_c.x")],
)
def test_names_as_the_service_stores_them(name: str, served: str) -> None:
    """Examples of the seed's replacement."""
    assert stored_name(name) == served


@pytest.mark.parametrize(("folder", "levels"), [("/", []), ("", []), ("/a//b/", ["a", "b"]), ("a/b", ["a", "b"])])
def test_levels_of_a_folder(folder: str, levels: list[str]) -> None:
    """Slashes at the ends and in a row make no level."""
    assert folder_levels(folder) == levels


# Coordinates, response fields, addresses


@pytest.mark.parametrize("value", ["10,10,100,100", " 10, 10 ,100,100 ", [10, 10, 100, 100], (10.0, "10", 100, 100.0)])
def test_coordinates_in_all_forms(value: object) -> None:
    """Text or four numbers, also as floats that are whole."""
    assert encode("custom_coordinates", value) == "10,10,100,100"


@pytest.mark.parametrize("value", ["10,10,100", "a,b,c,d", "1,2,3,4,5", "1.5,2,3,4", "-1,2,3,4", 10, None, "", b"1234"])
def test_coordinates_that_are_none(value: object) -> None:
    """Anything but four whole numbers is a problem."""
    assert refused("custom_coordinates", value).code == "bad_coordinates"


def test_all_response_fields_are_known() -> None:
    """The seed's six, and the specification's two."""
    assert encode("response_fields", list(RESPONSE_FIELDS)) == ",".join(RESPONSE_FIELDS)
    assert len(RESPONSE_FIELDS) == 8


def test_an_unknown_response_field_is_a_problem() -> None:
    """The problem names the field, and its mend those that there are."""
    bad = refused("response_fields", "tags,metdata")
    assert bad.code == "unknown_name"
    assert '"metdata"' in bad.message
    assert "metadata" in bad.fix


def test_a_webhook_address_is_encoded() -> None:
    """A URL goes out as a browser would send it."""
    assert encode("webhook_url", "https://a.example/h k") == "https://a.example/h%20k"
    assert refused("webhook_url", "a.example/hook").code == "bad_url"


# JSON

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def without_nulls(value: Any) -> Any:
    """Return JSON without the nulls in its lists, which mean "not given"."""
    if isinstance(value, dict):
        return {key: without_nulls(one) for key, one in value.items()}
    return [without_nulls(one) for one in value if one is not None] if isinstance(value, list) else value


@given(st.dictionaries(st.text(), json_values, max_size=4))
def test_metadata_arrives_as_it_was_given(metadata: dict[str, Any]) -> None:
    """Any JSON object is written so that it reads back equal but for nulls in lists, from a mapping and from text."""
    assert json.loads(encode("custom_metadata", metadata)) == without_nulls(metadata)
    assert encode("custom_metadata", json.dumps(metadata)) == encode("custom_metadata", metadata)


def test_json_is_printed_compactly_and_in_order() -> None:
    """No spaces, no escapes, the keys as they were given."""
    assert encode("custom_metadata", {"b": "é", "a": [1, 2.5]}) == '{"b":"é","a":[1,2.5]}'


@pytest.mark.parametrize(
    "text",
    [
        *('{"a": 1, "a": 2}', '{"a": NaN}', '{"a": Infinity}', '{"a": 1e999}', "{'a': 1}", "{a: 1}", '{"a": 1,}'),
        *("[1]", '"a"', "1", "", "null", "{" * 20_000, '{"a":' * 20_000),
    ],
)
def test_json_that_is_no_object_of_json(text: str) -> None:
    """A key twice, NaN, a number beyond all floats, broken or too deep JSON, and JSON that is no object."""
    assert refused("custom_metadata", text).code == "bad_json"


def test_metadata_deeper_than_can_be_written() -> None:
    """Python values that nest without end, or too deep, are a problem of their row."""
    endless: dict[str, Any] = {}
    endless["a"] = endless
    deep: dict[str, Any] = {}
    for _ in range(50_000):
        deep = {"a": deep}
    assert refused("custom_metadata", endless).code == "bad_json"
    assert refused("custom_metadata", deep).code == "bad_json"


@pytest.mark.parametrize("value", [{"a": float("inf")}, {"a": object()}, {"a": b"x"}, {("a",): 1}, [1], 1])
def test_metadata_that_json_does_not_have(value: object) -> None:
    """Infinity, bytes, and what is no mapping have no place in it."""
    assert refused("custom_metadata", value).code == "bad_json"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (datetime.date(2026, 11, 23), '"2026-11-23"'),
        (pd.Timestamp("2026-11-23 10:00"), '"2026-11-23T10:00:00"'),
        (pd.Timestamp("2026-11-23 10:00:00.000000001", tz="UTC"), '"2026-11-23T10:00:00.000000+00:00"'),
        (Decimal("19.90"), "19.9"),
        (Decimal(12), "12"),
        (Decimal("1e999999999"), None),
        (Decimal("nan"), None),
        ({"b", "a"}, '["a","b"]'),
        (np.int64(3), "3"),
        (np.float64(0.5), "0.5"),
        (np.array([1, 2]), "[1,2]"),
    ],
)
def test_values_of_frames_in_json(value: object, text: str | None) -> None:
    """Dates are ISO texts, decimals and numpy's numbers are numbers, sets are lists; what is no number is refused."""
    if text is None:
        with pytest.raises(InvalidValue):
            to_json(value)
    else:
        assert to_json(value) == text


TAGGER = {"name": "google-auto-tagging", "maxTags": 5, "minConfidence": 95}


def test_extensions_from_text_and_values() -> None:
    """A JSON array, or a list of mappings, with the service's own keys."""
    wanted = '[{"name":"google-auto-tagging","maxTags":5,"minConfidence":95}]'
    assert encode("extensions", [TAGGER]) == encode("extensions", json.dumps([TAGGER])) == wanted


@pytest.mark.parametrize(
    "value",
    [
        *("[", '{"name": "remove-bg"}', TAGGER, "remove-bg", ["remove-bg"], [{}], [{"name": 1}], 7, b"[]x"),
        [{"name": "google-auto-tagging", "maxTags": 5}],
        [{"name": "aws-auto-tagging", "max_tags": 5, "minConfidence": 1}],
        [{"name": "ai-tasks"}],
        [{"name": "saved-extension"}],
        [{"name": "magic"}],
        [{"name": ["remove-bg"]}],
    ],
)
def test_extensions_that_break_a_rule(value: object) -> None:
    """No array, no known name, or a key lacking that this extension needs."""
    assert refused("extensions", value).code == "bad_json"


@pytest.mark.parametrize(
    "value",
    [
        {"pre": "w-400"},
        '{"pre": "w-400"}',
        {"post": [{"type": "transformation", "value": "w-1"}, {"type": "gif-to-video"}, {"type": "thumbnail"}]},
        {"pre": "l-text,i-ü,l-end", "post": [{"type": "abs", "value": "sr-240", "protocol": "dash"}]},
    ],
)
def test_transformations_that_are_allowed(value: object) -> None:
    """`pre`, `post` or both, from text and values."""
    given_value = json.loads(value) if isinstance(value, str) else value
    assert json.loads(encode("transformation", value)) == given_value


@pytest.mark.parametrize(
    "value",
    [
        *({}, {"per": "w-1"}, {"pre": 1}, {"post": {}}, {"post": 1}, {"post": ["x"]}, {"post": [{}]}, "w-400", [1]),
        *({"post": [{"type": "zip"}]}, {"post": [{"type": "transformation"}]}, {"post": [{"type": ["abs"]}]}),
        {"post": [{"type": "abs", "value": "sr-240"}]},
        {"post": [{"type": "abs", "value": "sr-240", "protocol": "rtmp"}]},
        {"post": "transformation"},
    ],
)
def test_transformations_that_break_a_rule(value: object) -> None:
    """Unknown keys or kinds, a missing value, a protocol that is none."""
    assert refused("transformation", value).code == "bad_json"


# Text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("007", "007"),
        (12, "12"),
        (12.5, "12.5"),
        (Decimal("12.50"), "12.50"),
        (True, "True"),
        (datetime.date(2026, 11, 23), "2026-11-23"),
        (datetime.datetime(2026, 11, 23), "2026-11-23"),  # noqa: DTZ001 - as a frame without zones has it
        (pd.Timestamp("2026-11-23 10:30"), "2026-11-23 10:30:00"),
        (pd.Timestamp("2026-11-23", tz="UTC"), "2026-11-23 00:00:00+00:00"),
        (Path("a/b"), "a/b"),
    ],
)
def test_a_cell_is_written_as_it_is_seen(value: object, text: str) -> None:
    """Numbers and dates keep the form in which a user sees them."""
    assert to_text(value) == text
    assert encode("description", value) == text


@pytest.mark.parametrize("value", [b"a", [1], {"a": 1}, (1,)])
def test_what_is_no_text(value: object) -> None:
    """Bytes, lists and mappings are no text, and are not turned into any."""
    assert refused("description", value).code == "wrong_type"


@given(st.sampled_from([name for name in TABLE if name != "file"]), st.one_of(json_values, st.binary(), st.text()))
def test_any_value_is_text_or_a_problem(name: str, value: object) -> None:
    """Whatever stands in a cell, a parameter is text that can be sent, or a problem with code and mend."""
    try:
        text = encode(name, value)
    except InvalidValue as bad:
        assert all((bad.code, bad.message, bad.fix))  # noqa: PT017 - either way is right
    else:
        assert text.encode().decode() == text
