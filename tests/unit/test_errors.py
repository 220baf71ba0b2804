"""The error tree, the closed list of codes, and what messages are made of."""

from __future__ import annotations

import datetime as dt
import pickle
import re
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ikpipe
from ikpipe.errors import (
    CODES,
    WARNINGS,
    ApiName,
    InvalidValue,
    JournalError,
    MappingError,
    Message,
    MissingExtra,
    did_you_mean,
    keyword,
    quoted,
    short_repr,
)

STATUSES = {"invalid", "failed", "unknown", "cancelled"}


@pytest.mark.parametrize("name", ["MappingError", "AccountError", "JournalError", "UploadError", "MissingExtra"])
def test_every_error_is_an_ikpipe_error(name: str) -> None:
    """One `except ikpipe.Error` catches whatever ikpipe raises on purpose."""
    assert issubclass(getattr(ikpipe, name), ikpipe.Error)


@pytest.mark.parametrize("name", ["AccountError", "JournalError", "UploadError"])
def test_what_stops_a_run_carries_its_frame(name: str) -> None:
    """An error that ends a run has `.results`, which is None where no row was begun."""
    assert getattr(ikpipe, name)("words").results is None


def test_a_missing_extra_names_the_line_to_type() -> None:
    """A missing optional dependency is an `ImportError` that says how to install it."""
    error = MissingExtra.for_extra("parquet", "Writing .parquet")
    assert isinstance(error, ImportError)
    assert error.message.startswith("Writing .parquet needs the extra 'parquet'")
    assert str(error).endswith("pip install 'ikpipe[parquet]'")


@pytest.mark.parametrize("code", CODES)
def test_every_code_says_what_to_do(code: str) -> None:
    """Each code is one word in snake case, with a status, a meaning and a mend."""
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", code)
    assert CODES[code].status in STATUSES
    assert CODES[code].meaning
    assert CODES[code].fix


def test_codes_that_are_used_are_listed() -> None:
    """No file of the package makes a problem with a code that the list lacks."""
    files = Path(ikpipe.__file__).parent.rglob("*.py")
    used = {
        code
        for file in files
        for code in re.findall(
            r'(?:InvalidValue\(\s*|InvalidValue\.breaks\([^\n]*, )"([a-z]+(?:_[a-z]+)+)"',
            file.read_text(encoding="utf-8"),
        )
    }
    assert len(used) > 10
    assert used <= {*CODES, *WARNINGS}


def test_nearest_is_the_word_that_was_meant() -> None:
    """A misspelt word brings the right one, in its own spelling."""
    assert did_you_mean("colr", ["size", "Color", 7]) == " (did you mean 'Color'?)"


def test_nearest_of_nothing_is_nothing() -> None:
    """Where there is no word at all, none is named."""
    assert did_you_mean("colr", []) == ""


@given(st.text(), st.integers(10, 80))
def test_shown_values_keep_a_message_short(text: str, width: int) -> None:
    """A value in a message is its `repr` on one line, cut to its width."""
    cut = short_repr(text, width)
    assert len(cut) <= width
    assert "\n" not in cut
    assert repr(text).startswith(cut.removesuffix("…")) or cut == repr(text)


@pytest.mark.parametrize(
    ("name", "python"),
    [
        (keyword("root"), "root="),
        (keyword("root", ...), "root=…"),
        (keyword("rate", 5), "rate=5"),
        (ApiName("column", "file"), "columns={'file': …}"),
        (ApiName("column", "file", "url"), "columns={'file': 'url'}"),
        (ApiName("policy", "names", "as_given"), "Policy(names='as_given')"),
        (ApiName("account", "max_file_size"), "Account(max_file_size=…)"),
        (ApiName("function", "retry"), "retry()"),
        (ApiName("attribute", "results"), ".results"),
    ],
)
def test_a_name_is_written_as_in_python(name: ApiName, python: str) -> None:
    """A name in a message is what a Python user types."""
    assert str(Message("Use ", name, ".")) == f"Use {python}."


def test_a_message_can_be_written_in_other_terms() -> None:
    """The names in a message are data, also in messages made of messages, and after pickling."""
    message = pickle.loads(pickle.dumps(Message("Wait. ", Message("Or set ", keyword("rate"), "."))))  # noqa: S301
    assert message.written(lambda name: f"--{name.name}") == "Wait. Or set --rate."


def test_an_error_has_its_parts() -> None:
    """An error's text is the keyword, what is wrong and what to do; each is an attribute too, also after pickling."""
    about, fix = ApiName("column", "file"), Message("Use ", keyword("root"), ".")
    error = pickle.loads(pickle.dumps(MappingError("Wrong.", fix=fix, about=about)))  # noqa: S301
    assert (error.message, error.fix, error.about) == ("Wrong.", fix, about)
    assert str(error) == "columns={'file': …}: Wrong. Use root=."


@pytest.mark.parametrize(
    ("fix", "text"),
    [
        (None, "It is in use. Use another journal with journal=."),
        ("Wait.", "It is in use. Wait. Or use another journal with journal=."),
    ],
)
def test_a_journal_that_can_be_replaced(fix: str | None, text: str) -> None:
    """The error of a journal says that another one would do, if that is so."""
    assert str(JournalError("It is in use.", fix=fix, another=True)) == text


@pytest.mark.parametrize(
    ("value", "shown"), [("a", '"a"'), ("it's", '"it\'s"'), ('a "b"', "'a \"b\"'"), (5, "5"), ("x" * 9, '"xxxxxxx…')]
)
def test_quoted_values(value: object, shown: str) -> None:
    """Text of cells is in double quotes, unless it contains some."""
    assert quoted(value, 9).startswith(shown)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("rot\\a.jpg", '"rot\\a.jpg"'),
        ("\\\\srv\\x", '"\\\\srv\\x"'),
        ('C:\\"x"', "'C:\\\"x\"'"),
        ("a\nb\x1b", '"a\\nb\\x1b"'),
        ("Gr\udcf6", '"Gr\\udcf6"'),
        (dt.datetime(2026, 1, 2, 3, 4), "2026-01-02 03:04:00"),  # noqa: DTZ001 - as a table has it
        (dt.date(2026, 1, 2), "2026-01-02"),
        (pd.Timestamp("2026-01-02"), "2026-01-02 00:00:00"),
    ],
)
def test_quoted_values_are_as_people_see_them(value: object, shown: str) -> None:
    """Backslashes are not doubled; what is not printable is escaped; dates are in ISO form."""
    assert quoted(value) == shown


def test_a_rule_gets_a_subject() -> None:
    """A broken rule is a sentence about "the value", until somebody says what the value is of."""
    bad = InvalidValue.breaks("must be text.", "wrong_type", "Use text.")
    assert (bad.message, bad.of("The folder").message) == ("The value must be text.", "The folder must be text.")
    assert bad.of("The folder").of("Price").message == "The folder must be text."


def test_a_bad_value_has_its_parts() -> None:
    """A broken rule has code, message, fix and, where one is to blame, a column."""
    bad = InvalidValue("too_long", "message", "fix", "column")
    assert (bad.code, bad.message, bad.fix, bad.column) == ("too_long", "message", "fix", "column")
    assert str(bad) == "message"
