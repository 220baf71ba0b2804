"""The library's log: no secrets, what repeats is counted, and records have documented fields."""

from __future__ import annotations

import io
import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import ikpipe
from ikpipe.errors.events import COMMON, EVENTS, FIELDS
from ikpipe.errors.logs import LOGGERS, log_event, logged_run, note_requests
from ikpipe.errors.scrubbing import scrubbed

if TYPE_CHECKING:
    from collections.abc import Iterator

LOG = logging.getLogger("ikpipe.run")
PACKAGE = Path(ikpipe.__file__).parent
SECRET = "s3cr3tOfSomebody"


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Capture the library's records from INFO on."""
    with caplog.at_level(logging.INFO, logger="ikpipe"):
        yield caplog


@pytest.mark.parametrize(
    "text",
    [
        f"https://bucket.example/a.jpg?X-Amz-Signature={SECRET}&b=1",
        f"https://bucket.example/a.jpg?{SECRET}",
        f"'https://bucket.example/a b.jpg?sig={SECRET}'",
        f"/a.jpg?x={SECRET}",
        f"https://user:{SECRET}@host.example/a",
        f"https://user:pa/ss{SECRET}@host.example/a",
        f"https://user:{SECRET}…",
        f"s3://key:{SECRET}@bucket",
        f"https://host.example/#access_token={SECRET}",
        f"token={SECRET}",
        f'{{"token": "{SECRET}"}}',
        f"[(b'Set-Cookie', b'session={SECRET}')]",
        f"Authorization: Basic {SECRET}",
        f"Bearer {SECRET}",
        f"private_{SECRET}=",
        f"eyJhbGciOiJIUzI1NiJ9.{SECRET}.{SECRET}",
        f"whsec_{SECRET}",
    ],
)
def test_secrets_are_removed(text: str) -> None:
    """Wherever they are in a text."""
    assert SECRET not in scrubbed(text)


@pytest.mark.parametrize(
    "text",
    [
        "Your request has invalid token.",
        "private_key has a line end around its value",
        "is_private_file=True",
        'The column "Brand" (did you mean "brand"?)',
        "http://127.0.0.1:8080/a.jpg cannot be reached",
        "https://[::1]:80/@me/a.jpg",
    ],
)
def test_other_text_stays(text: str) -> None:
    """Sentences about keys and tokens have none."""
    assert scrubbed(text) == text


@pytest.mark.parametrize("form", ["{}", "x={}", "https://h.example/{}/y"])
def test_secrets_of_an_account_are_removed_whatever_they_look_like(form: str, told: pytest.LogCaptureFixture) -> None:
    """A key without its usual start, and a header of the authentication endpoint."""
    account = ikpipe.Account("public_a", "anOldKey12345", headers={"X-Session": "user-of-today"})
    for secret in (str(account.private_key), "user-of-today"):
        LOG.warning("%s", form.format(secret))
        assert secret not in told.text


def test_a_traceback_is_harmless(told: pytest.LogCaptureFixture) -> None:
    """Its lines cannot be taken for records, and a handler has no exception to print itself."""
    try:
        raise ValueError(f"https://h.example/?sig={SECRET}\nikpipe: all rows uploaded\x1b[2J")
    except ValueError:
        LOG.exception("It failed")
    assert told.records[0].exc_info is None
    text = logging.Formatter().format(told.records[0])
    assert SECRET not in text
    assert "\x1b" not in text
    assert all(line.startswith("    ") for line in text.splitlines()[1:])


class _Broken:
    """An object that has no text."""

    def __str__(self) -> str:
        raise ValueError("no text")


def test_fields_are_plain(told: pytest.LogCaptureFixture) -> None:
    """Whatever a row's label is."""
    log_event(LOG, "run_started", "%s", _Broken(), options={"a": ("x\x1b", SECRET), "b": None}, account=_Broken())
    assert told.records[0].options == {"a": ["x�", SECRET], "b": None}
    assert told.records[0].account == "a value of type _Broken"


def test_what_repeats_is_counted(told: pytest.LogCaptureFixture) -> None:
    """The first record is logged, and then one that counts the others, by code."""
    now = [0.0]
    with logged_run("r", lambda: now[0]):
        for code in ("timed_out", "timed_out", "connection_lost", "timed_out"):
            log_event(LOG, "retry", "Row %d", 1, code=code)
        now[0] = 31
        log_event(LOG, "mapping", "Mapping")
    assert told.messages == ["Row 1", "Row 1", "2 more in the last 31 s, such as: Row 1", "Mapping"]
    assert [getattr(record, "count", None) for record in told.records] == [None, None, 2, None]
    assert {record.run for record in told.records} == {"r"}


def test_the_rest_is_counted_at_the_end(told: pytest.LogCaptureFixture) -> None:
    """Nothing that repeated is lost when a run ends."""
    with logged_run("r", lambda: 0.0):
        for _ in range(3):
            LOG.warning("The media library could not be read: %s", "100 % sure")
    assert told.messages[1:] == ["2 more in the last 1 s, such as: The media library could not be read: 100 % sure"]


def test_debug_has_each_record(caplog: pytest.LogCaptureFixture) -> None:
    """Those that repeat are DEBUG records."""
    with caplog.at_level(logging.DEBUG, logger="ikpipe"), logged_run("r", lambda: 0.0):
        for _ in range(3):
            log_event(LOG, "lookup", "Lookup")
    assert [record.levelname for record in caplog.records] == ["INFO", "DEBUG", "DEBUG", "INFO"]


@pytest.mark.parametrize(("ours", "query"), [(True, "***"), (False, "a=1")])
def test_records_of_httpx_are_scrubbed_if_they_are_ours(
    *, ours: bool, query: str, told: pytest.LogCaptureFixture
) -> None:
    """Requests of others are logged as before."""
    note_requests(ours=ours)
    logging.getLogger("httpx").warning("GET %s", "https://h.example/?a=1")
    note_requests(ours=False)
    assert told.messages == [f"GET https://h.example/?{query}"]


def test_every_logger_has_the_filter() -> None:
    """A logger's filters do not apply to those below it."""
    names = {
        name for path in PACKAGE.rglob("*.py") for name in re.findall(r'getLogger\("(ikpipe[^"]*)"', path.read_text())
    }
    assert names <= {*LOGGERS}


def test_every_field_is_documented() -> None:
    """And every field belongs to an event."""
    assert {field for event in EVENTS.values() for field in event.fields} | {*COMMON} == {*FIELDS}


def test_a_disabled_level_costs_no_text() -> None:
    """The arguments are not even read."""
    buffer = io.StringIO()
    handler = logging.StreamHandler(buffer)
    LOG.addHandler(handler)
    log_event(LOG, "row_ended", "%s", _Broken(), row=_Broken())
    LOG.removeHandler(handler)
    assert not buffer.getvalue()
