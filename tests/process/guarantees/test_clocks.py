"""Clocks that are wrong: by hours, set in mid-run, or jumping; and what they say of the age of a file."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from test_answers import ACCOUNT, SWIFT, Between, Library, run, table

import ikpipe
from ikpipe.request import token
from ikpipe.request.token import TokenTimes, steady_clock

if TYPE_CHECKING:
    import httpx
    from doubles import Request

HOURS = 3600.0


@pytest.mark.parametrize("off", [-7 * HOURS, -2 * HOURS, 2 * HOURS, 7 * HOURS])
def test_a_clock_that_is_hours_off(off: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether a token is refused as expired or as invalid, it is signed anew by the service's clock."""
    monkeypatch.setattr("ikpipe.run.executor.TokenTimes", lambda: TokenTimes(here=lambda: time.time() + off))
    results = run(table(40), Between(Library(), lambda *_: None))
    assert set(results["ik_status"]) == {"uploaded"}


@pytest.mark.parametrize("off", [-7 * HOURS, 7 * HOURS])
def test_a_clock_that_is_set_right_in_mid_run(off: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was corrected is undone, as soon as a token shows it."""
    signed = 0

    def clock() -> float:
        nonlocal signed
        signed += 1
        return time.time() + (off if signed < 30 else 0)

    monkeypatch.setattr("ikpipe.run.executor.TokenTimes", lambda: TokenTimes(clock))
    results = run(table(60), Between(Library(), lambda *_: None), concurrency=4)
    assert set(results["ik_status"]) == {"uploaded"}


def test_a_machines_clock_that_jumps_changes_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run's clock goes on evenly from its beginning."""
    clock = steady_clock()
    before = clock()
    monkeypatch.setattr(token.time, "time", lambda: before + 5 * HOURS)
    assert clock() == pytest.approx(before, abs=60)


@pytest.mark.parametrize("off", [-5 * HOURS, 0.0, 5 * HOURS])
@pytest.mark.parametrize("stored", [True, False])
def test_an_older_version_does_not_pass_for_a_row(off: float, *, stored: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A replaced file of the same size, one hour old, is not this row's, by whatever clock; its new version is."""
    monkeypatch.setattr("ikpipe.run.executor.TokenTimes", lambda: TokenTimes(time.time, here=lambda: time.time() + off))
    frame, ago = table(5), [HOURS]
    library = Library(lambda: time.time() - ago[0])
    older = frame.assign(file=[content[::-1] for content in frame["file"]])
    ikpipe.upload(older, ACCOUNT, **there(Between(library, lambda *_: None)))
    ago[0] = 0.0

    def act(form: Request, number: int) -> httpx.Response | None:
        if number == 1 and stored:
            library.upload(form)
        return library.refuse("Down.", 503) if number == 1 else None

    results = ikpipe.upload(frame, ACCOUNT, **there(Between(library, act)))
    assert set(results["ik_status"]) == {"exists" if stored else "uploaded"}
    assert [library.copies()[content] for content in frame["file"]] == [1] * 5


def there(transport: httpx.AsyncBaseTransport) -> dict[str, Any]:
    """Give the options of a run whose files are replaced."""
    options = {"policy": SWIFT, "progress": False, "use_unique_file_name": False}
    return {**options, "file_name": "{sku}.gif", "transport": transport}
