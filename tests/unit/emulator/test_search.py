"""The search language of the media API, as its documentation describes it."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ikpipe.emulator.library import search

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)

FILE = {
    "fileId": "abc",
    "type": "file",
    "name": "red-dress_Summer.JPEG",
    "filePath": "/sales/women/red-dress_Summer.JPEG",
    "tags": ["sale", "summer collection"],
    "AITags": [{"name": "Shirt", "confidence": 90.1, "source": "google-auto-tagging"}],
    "createdAt": "2026-06-14T12:00:00.000Z",
    "updatedAt": "2026-06-15T11:30:00.000Z",
    "size": 1024 * 1024,
    "height": 300,
    "width": 200,
    "duration": 90,
    "isPrivateFile": True,
    "isPublished": False,
    "hasAlpha": False,
    "customMetadata": {"brand": "Nike", "rating": 4.5, "active": True, "bought": "2020-06-01", "sizes": ["S", 42]},
    "embeddedMetadata": {"Keywords": ["luxury"], "DateTimeOriginal": "2018-08-02T15:29:14Z"},
}
BARE = {"name": "plain", "filePath": "/plain"}


def finds(query: str, details: Mapping[str, object] = FILE) -> bool:
    """Return whether a query finds one file, at a fixed time."""
    return search.parse(query, now=NOW)(details)


@pytest.mark.parametrize(
    "query",
    [
        'name = "red-dress_Summer.JPEG"',
        "name='red-dress_Summer.JPEG'",
        'name : "red-dress"',
        'name IN ["other", "red-dress_Summer.JPEG"]',
        'name NOT = "other"',
        'name NOT IN ["other"]',
        'name HAS "SUMMER"',
        'name HAS "dress red"',
        'name HAS "red dre"',
        'tags IN ["sale"]',
        '"tags" IN ["Shirt"]',
        'tags NOT IN ["big-banner"]',
        'tags HAS "collect"',
        "tags EXISTS",
        'type = "file"',
        'id = "abc"',
        'createdAt > "7d"',
        "createdAt < 3h",
        'createdAt >= "2026-06-14T12:00:00"',
        'createdAt = "2026-06-14T12:00:00Z"',
        "createdAt > 2026-06-14",
        'updatedAt > "1h"',
        "height > 200 AND height <= 300",
        "width IN [100, 200]",
        'size <= "1mb"',
        'size = "1MB"',
        "size > 1024",
        'videoDuration = "1.5min"',
        "videoDuration < 91",
        'format = "jpg"',
        "private = true",
        "published = false",
        "transparency = false",
        'path = "/sales/women"',
        'path : "/sales/"',
        'path : "/"',
        '"customMetadata.brand" = "Nike"',
        '"customMetadata.brand" : "Ni"',
        '"customMetadata.rating" > 4.3',
        '"customMetadata.active" = true',
        '"customMetadata.bought" < "2021-01-01"',
        '"customMetadata.bought" < "5y"',
        '"customMetadata.sizes" IN [42]',
        '"customMetadata.absent" NOT EXISTS',
        '"embeddedMetadata.Keywords" IN ["luxury", "dress"]',
        '"embeddedMetadata.DateTimeOriginal" < "1y"',
        '(size < "1kb" AND width > 500) OR (tags IN ["summer-sale","sale"])',
    ],
)
def test_query_finds_the_file(query: str) -> None:
    """Each documented form of query finds a file that it describes."""
    assert finds(query)


@pytest.mark.parametrize(
    "query",
    [
        'name = "Red-dress_Summer.JPEG"',
        'name : "dress"',
        'name NOT = "red-dress_Summer.JPEG"',
        'name HAS "re dress"',
        'name HAS "--"',
        'tags IN ["sal"]',
        "tags NOT EXISTS",
        'createdAt > "1h"',
        'createdAt > "2026-06-14T12:00:00"',
        'size < "1mb"',
        'path = "/sales"',
        'path : "/sal"',
        '"customMetadata.brand" > 4',
        '"customMetadata.brand" > "2020-01-01"',
        '"customMetadata.active" = 1',
        '"customMetadata.rating" = true',
        '"customMetadata.rating" : "4"',
        'name : "red" AND width > 500 OR height > 500',
    ],
)
def test_query_passes_the_file_over(query: str) -> None:
    """Each documented form of query does not find a file that it does not describe."""
    assert not finds(query)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("width > 0", False),
        ("width NOT = 7", True),
        ('tags NOT IN ["sale"]', True),
        ("tags EXISTS", False),
        ("private = false", True),
        ("published = true", True),
        ('type = "file"', True),
        ('path = "/"', True),
        ('createdAt < "2020-01-01"', False),
        ('"customMetadata.brand" = "Nike"', False),
    ],
)
def test_file_without_the_field(query: str, *, found: bool) -> None:
    """A file without a field has its default, is neither less nor greater, and satisfies every NOT."""
    assert finds(query, BARE) is found


def test_and_binds_tighter_than_or() -> None:
    """`a OR b AND c` is `a OR (b AND c)`, and parentheses change it."""
    assert finds("width = 200 OR width = 1 AND width = 2")
    assert not finds("(width = 200 OR width = 1) AND width = 2")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", "expected a field at character 0, found the end of the query"),
        ('name = "x', "the quote at character 6 is not closed"),
        ('name = "\\d"', "escape"),
        ('name = x"', "the quote at"),
        ("name = x", "text needs double quotes: x"),
        ("name", "expected an operator at character 4"),
        ('name LIKE "x"', "'LIKE' is not an operator"),
        ('name NOT : "x"', "'NOT :' is not an operator"),
        ('name > "x"', "name does not support >; it supports :, =, HAS"),
        ('name IN "x"', r"expected \[ at character 8, found 'x'"),
        ('name IN ["x"', r"expected , or \] at"),
        ("name IN []", r"expected a value at character 9, found '\]'"),
        ('name = "x" name = "y"', "expected AND, OR or the end at character 11"),
        ('(name = "x"', r"expected AND, OR or \)"),
        ('name = "x" and name = "y"', "expected AND, OR or the end"),
        ('filePath = "x"', "'filePath' is not a field"),
        ('"embeddedMetadata.LocationTaken" = "0,0"', "is not a field"),
        ("customMetadata.brand EXISTS", 'needs double quotes: "customMetadata.brand"'),
        ('"customMetadata." EXISTS', "is not a field"),
        ("width > wide", r"not a valid number \(units: none\)"),
        ('size > "1 parsec"', "units: b, kb, mb, gb"),
        ('private = "true"', "true or false without quotes"),
        ('createdAt > "yesterday"', "createdAt field must have a valid date value"),
        ('createdAt > "999999999999y"', "createdAt field must have a valid date value"),
        ("(" * 51 + "width = 1" + ")" * 51, "more than 50 deep"),
    ],
)
def test_query_outside_the_language_is_refused(query: str, message: str) -> None:
    """An invalid query is rejected with the reason and the position."""
    with pytest.raises(search.QueryError, match=message):
        search.parse(query)


def test_relative_dates_count_from_now() -> None:
    """Without a clock, `createdAt > "1h"` counts back from the present."""
    within_the_hour = search.parse('createdAt > "1h"')
    assert within_the_hour({"createdAt": datetime.now(UTC).isoformat()})
    assert not within_the_hour(FILE | {"createdAt": "2020-01-01T00:00:00Z"})


@given(name=st.text(), other=st.text(), ascii_only=st.booleans())
def test_any_name_quoted_as_json_finds_exactly_its_file(name: str, other: str, *, ascii_only: bool) -> None:
    """Whatever a file is called, its name as a JSON string finds it and no other file."""
    test = search.parse(f"name = {json.dumps(name, ensure_ascii=ascii_only)}")
    assert test({"name": name})
    assert test({"name": other}) is (name == other)


@given(st.text(alphabet="nametgsIN=:<>()[]\"'\\, ANDORT1d.\n", max_size=40))
def test_any_text_is_a_query_or_a_query_error(query: str) -> None:
    """The parser raises nothing but `QueryError` for any text."""
    try:
        answer = finds(query)
    except search.QueryError:
        return
    assert answer in (True, False)
