"""Clocks that are wrong: by hours, set in mid-run, or jumping; and what they say of the age of a file."""

from __future__ import annotations

import logging
import re
import time
from typing import TYPE_CHECKING, Any

import pytest
from test_answers import ACCOUNT, SWIFT, Between, Library, run, table

import ikpipe
from ikpipe.request.token import steady_clock

if TYPE_CHECKING:
    import httpx
    from doubles import Request

HOURS = 3600.0


@pytest.mark.parametrize("off", [-7 * HOURS, -2 * HOURS, 2 * HOURS, 7 * HOURS])
def test_a_clock_that_is_hours_off(off: float) -> None:
    """Whether a token is refused as expired or as invalid, it is signed anew by the service's clock."""
    results = run(table(40), Between(Library(lambda: time.time() - off), lambda *_: None))
    assert set(results["ik_status"]) == {"uploaded"}


def test_a_wrong_clock_is_set_right_once(caplog: pytest.LogCaptureFixture) -> None:
    """A fresh token that has expired on arrival means a slow clock here: the service's is believed, and it is said."""
    with caplog.at_level(logging.WARNING, logger="ikpipe"):
        run(table(5), Between(Library(lambda: time.time() + 2 * HOURS), lambda *_: None), concurrency=1)
    (message,) = [record.message for record in caplog.records if "clock" in record.message]
    # A `Date` has whole seconds.
    assert re.fullmatch(
        r"This machine's clock differs from ImageKit's by 7(200|19\d) seconds; tokens are corrected by that\.", message
    )


@pytest.mark.parametrize("off", [-7 * HOURS, 7 * HOURS])
def test_a_clock_that_is_set_right_in_mid_run(off: float) -> None:
    """What was corrected is undone, as soon as a token shows it."""
    library = Library(lambda: time.time() - (off if len(library.stored) < 30 else 0))
    results = run(table(60), Between(library, lambda *_: None), concurrency=4)
    assert set(results["ik_status"]) == {"uploaded"}


def test_a_machines_clock_that_jumps_changes_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run's clock goes on evenly from its beginning."""
    clock = steady_clock()
    before = clock()
    monkeypatch.setattr(time, "time", lambda: before + 5 * HOURS)
    assert clock() == pytest.approx(before, abs=60)


@pytest.mark.parametrize("off", [-5 * HOURS, 0.0, 5 * HOURS])
@pytest.mark.parametrize("stored", [True, False])
def test_an_older_version_does_not_pass_for_a_row(off: float, *, stored: bool) -> None:
    """A replaced file of the same size, one hour old, is not this row's, by whatever clock; its new version is."""
    frame, ago = table(5), [HOURS]
    library = Library(lambda: time.time() - off - ago[0])
    older = frame.assign(file=[content[::-1] for content in frame["file"]])
    ikpipe.upload(older, ACCOUNT, **there(Between(library, lambda *_: None)))
    ago[0] = 0.0

    lost: set[str] = set()

    def act(form: Request, _number: int) -> httpx.Response | None:
        name = form.fields["fileName"]
        if name in lost or library.untimely(form) is not None:
            return None
        lost.add(name)
        if stored:
            library.upload(form)
        return library.refuse("Down.", 503)

    results = ikpipe.upload(frame, ACCOUNT, **there(Between(library, act)))
    assert set(results["ik_status"]) == {"exists" if stored else "uploaded"}
    assert [library.copies()[content] for content in frame["file"]] == [1] * 5


def there(transport: httpx.AsyncBaseTransport) -> dict[str, Any]:
    """Give the options of a run whose files are replaced."""
    options = {"policy": SWIFT, "progress": False, "use_unique_file_name": False}
    return {**options, "file_name": "{sku}.gif", "transport": transport}
