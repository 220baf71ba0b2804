"""What stops a run, and what that leaves behind."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from doubles import RawServer, answering, silent, stored, uploads_of
from rows import at, blobs, quiet

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ikpipe import Account
    from ikpipe.emulator import Emulator

    Arrived = Callable[[], list[dict[str, Any]]]


IN_2099 = "Thu, 31 Dec 2099 12:00:00 GMT"


def test_refused_keys_stop_the_run(emulate: Callable[..., Emulator]) -> None:
    """A 403 stops the run: nothing more is sent, and the error has the whole frame."""
    emulator = emulate(account_disabled=True)
    with pytest.raises(ikpipe.AccountError, match="Your account is disabled") as caught:
        quiet(blobs(*[b"x"] * 9), emulator.account, file_name="a", concurrency=1)
    assert caught.value.results is not None
    assert caught.value.results["ik_error"].tolist() == ["account_disabled", *["cancelled"] * 8]
    assert len(uploads_of(emulator)) == 1


def test_a_wrong_key_stops_the_run_at_once(emulator: Emulator, arrived: Arrived) -> None:
    """`invalid token` before anything succeeded is what wrong keys look like; the media API refuses them too."""
    wrong = ikpipe.Account(
        emulator.public_key,
        "private_of_somebody_else_altogether=",
        upload_url=emulator.upload_url,
        api_url=emulator.url,
    )
    with pytest.raises(ikpipe.AccountError, match="both keys belong to one account"):
        quiet(blobs(*[b"x"] * 5), wrong, file_name="a", concurrency=1)
    assert len(arrived()) == 1


def test_a_wrong_public_key_stops_the_run_once_no_file_is_there(emulator: Emulator, arrived: Arrived) -> None:
    """While the first rows are looked for, no other row begins."""
    wrong = ikpipe.Account(
        "public_of_somebody_else", emulator.private_key, upload_url=emulator.upload_url, api_url=emulator.url
    )
    policy = ikpipe.Policy(index_lag=0.3)
    with pytest.raises(ikpipe.AccountError, match="both keys belong to one account") as caught:
        quiet(blobs(*[b"x"] * 50), wrong, file_name="a", concurrency=4, policy=policy)
    assert len(arrived()) <= 8
    assert caught.value.results is not None
    assert set(caught.value.results["ik_status"]) <= {"failed", "unknown", "cancelled"}


@pytest.mark.parametrize(("first", "most"), [("checks", 3), ("tags", 3), ("checks", 1)])
def test_a_number_of_failures_stops_the_run(first: str, most: int, account: Account) -> None:
    """Rows that are refused, and rows that break a rule: the error has the frame, whatever `on_error` says."""
    frame = blobs(*[b"x"] * 9).assign(**{first: ["%"] * 9})
    with pytest.raises(ikpipe.UploadError, match=f"stopped after {most} failures? .max_failures={most}") as caught:
        quiet(frame, account, file_name="a", concurrency=1, max_failures=most)
    results: Any = caught.value.results
    assert results["ik_status"].isin(["failed", "invalid"]).sum() == most
    assert set(results["ik_status"][most:]) == {"cancelled"}
    words = {"failed": "failed", "invalid": "is invalid"}[results["ik_status"][0]]
    assert f"Row 0 {words} ({results['ik_error'][0]}): {results['ik_message'][0]}" in str(caught.value)


def test_fewer_failures_stop_nothing(account: Account) -> None:
    """Two rows of nine are refused, and three would stop the run."""
    frame = blobs(*[b"x"] * 9).assign(checks=["what?", "what?", *[None] * 7])
    results = quiet(frame, account, file_name="a", max_failures=3)
    assert results["ik_status"].tolist() == [*["failed"] * 2, *["uploaded"] * 7]


def test_a_retry_counts_its_own_failures(account: Account, tmp_path: Path) -> None:
    """What was journalled holds for a resume, too, which counts from nothing."""
    frame = blobs(*[b"x"] * 9).assign(checks=["what?"] * 9)
    journal = tmp_path / "run.ikjournal"
    options: Any = {"file_name": "a", "concurrency": 1}
    with pytest.raises(ikpipe.UploadError):
        quiet(frame, account, max_failures=2, journal=journal, **options)
    with pytest.raises(ikpipe.UploadError) as caught:
        ikpipe.resume(journal, account, progress=False)
    results: Any = caught.value.results
    assert results["ik_status"].tolist() == [*["failed"] * 4, *["cancelled"] * 5]
    with pytest.raises(ikpipe.UploadError) as caught:
        ikpipe.retry(results, account, progress=False, max_failures=1, concurrency=1)
    assert caught.value.results is not None


@pytest.mark.parametrize("most", [0, -1])
def test_max_failures_counts_from_one(most: int, account: Account) -> None:
    """It is an error of the call."""
    with pytest.raises(ikpipe.MappingError, match=f"max_failures={most}"):
        quiet(blobs(b"x"), account, file_name="a", max_failures=most)


@pytest.mark.parametrize("rows", [1, 6, 300])
def test_nobody_at_the_address_ends_the_run(rows: int, account: Account) -> None:
    """Whatever the number of rows: the first ones use up their attempts, and the error has address and reason."""
    with RawServer(silent) as server:
        gone = server.url
    began, policy = time.monotonic(), ikpipe.Policy(first_wait=0.005)
    with pytest.raises(ikpipe.AccountError, match=f"{gone}: ConnectError.* Check the address") as caught:
        quiet(blobs(*[b"x"] * rows), at(account, gone), file_name="a", policy=policy)
    assert time.monotonic() - began < 10
    results: Any = caught.value.results
    assert results["ik_attempts"].sum() <= 16 + 4 * 5
    assert set(results["ik_status"]) <= {"failed", "cancelled"}


def test_a_later_outage_ends_no_run(account: Account) -> None:
    """Once the service has been heard of, each row uses up its own attempts, and the frame comes back."""
    with RawServer(answering(200, stored()), answering(503, b"")) as server:
        policy = ikpipe.Policy(first_wait=0.01, unique_names="service")
        results = quiet(blobs(*[b"x"] * 9), at(account, server.url), file_name="a", concurrency=1, policy=policy)
    assert results["ik_status"].tolist() == ["uploaded", *["unknown"] * 8]


@pytest.mark.parametrize(
    "header",
    ["Retry-After: 86400", "Retry-After: 999999999", "X-RateLimit-Reset: 999999999", f"Retry-After: {IN_2099}"],
)
@pytest.mark.parametrize("body", [{"message": "Slow down."}, b"<html>Slow down</html>"], ids=["own", "a page"])
def test_a_429_that_names_too_long_a_time_ends_the_run(header: str, body: Any, account: Account) -> None:
    """It would hold the whole run: the error says for how long."""
    slow = answering(429, body, header, "Date: Mon, 30 Nov 2026 12:00:00 GMT")
    with RawServer(answering(200, stored()), slow) as server:
        with pytest.raises(
            ikpipe.AccountError, match=r"asks to wait [0-9,]+ (days|hours) before the next request\. Retry after"
        ) as caught:
            quiet(blobs(*[b"x"] * 5), at(account, server.url), file_name="a", concurrency=1)
        assert len(server.requests) <= 2 + 1
    results: Any = caught.value.results
    assert results["ik_error"].fillna("").tolist() == ["", "wait_too_long", *["cancelled"] * 3]


def test_an_invalid_token_later_fails_its_row_alone(account: Account) -> None:
    """Once a row is up, the keys are proven, and `invalid token` stops nobody."""
    refused = answering(400, {"message": "Your request has invalid token."})
    with RawServer(answering(200, stored()), refused, answering(200, stored())) as server:
        policy = ikpipe.Policy(first_wait=0.01)
        results = quiet(blobs(b"a", b"b", b"c"), at(account, server.url), file_name="a", concurrency=1, policy=policy)
    assert results["ik_error"].fillna("up").tolist() == ["up", "token_invalid", "up"]


def test_a_used_up_quota_stops_the_run(emulate: Callable[..., Emulator]) -> None:
    """Rows before the quota are up, the row that met it failed, and the others were never sent."""
    emulator = emulate(upload_quota=2)
    with pytest.raises(ikpipe.AccountError, match="Upload Limit Exceeded") as caught:
        quiet(blobs(*[b"x"] * 5), emulator.account, file_name="a", concurrency=1)
    assert caught.value.results is not None
    assert caught.value.results["ik_status"].tolist() == ["uploaded", "uploaded", "failed", "cancelled", "cancelled"]


@pytest.mark.parametrize(("bad", "words"), [("invalid", "is invalid"), ("failed", "failed")])
def test_on_error_raise_stops_at_the_first_row_that_is_not_up(bad: str, words: str, account: Account) -> None:
    """`on_error="raise"`: the rows after the one that failed are cancelled, and the error has them all."""
    frame = blobs(b"1", b"2", b"3", tags=[None, "%" if bad == "invalid" else None, None])
    frame["checks"] = [None, "what?" if bad == "failed" else None, None]
    with pytest.raises(ikpipe.UploadError) as caught:
        quiet(frame, account, file_name="a", concurrency=1, on_error="raise")
    assert caught.value.results is not None
    assert caught.value.results["ik_status"].tolist() == ["uploaded", bad, "cancelled"]
    assert f"Row 1 {words} ({caught.value.results['ik_error'][1]}): " in str(caught.value)
    assert caught.value.results["ik_message"][1] in str(caught.value)


def test_an_account_without_a_signer_is_refused_before_anything_is_sent(account: Account, arrived: Arrived) -> None:
    """No private key and no authentication endpoint: the error names the variable to set."""
    alone = ikpipe.Account(account.public_key, upload_url=account.upload_url)
    with pytest.raises(ikpipe.AccountError, match="IMAGEKIT_PRIVATE_KEY"):
        quiet(blobs(b"1"), alone, file_name="a")
    assert arrived() == []
