"""Sending again: by the run itself, and by `retry`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from doubles import RawServer, answering, reset_after, reset_before, silent, stored, uploads_of
from rows import at, blobs, quiet, sha

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ikpipe import Account
    from ikpipe.emulator import Emulator

    Arrived = Callable[[], list[dict[str, Any]]]

BUSY = "You have sent too many requests to update the file recently. Please try again later."


def one(account: Account, **options: Any) -> ikpipe.Result:
    """Upload one small file."""
    return ikpipe.upload_file(b"abc", account, file_name="a.bin", **options)


# Within a run


@pytest.mark.parametrize(
    "trouble",
    [answering(429, {"message": "Slow down."}, "X-RateLimit-Reset: 1"), answering(400, {"message": BUSY})],
    ids=["429", "busy"],
)
def test_what_was_certainly_not_stored_is_sent_again(trouble: Any, account: Account) -> None:
    """A 429 and a "too many requests" are sent again, until the file is up."""
    with RawServer(trouble, trouble, answering(200, stored())) as server:
        result = one(at(account, server.url))
    assert (result.status, result.attempts, server.connections) == ("uploaded", 3, 3)


def test_a_body_that_could_not_leave_is_sent_again(account: Account) -> None:
    """A reset before the last of the body has left: without its end nothing can have been stored."""
    with RawServer(reset_before, answering(200, stored())) as server:
        result = ikpipe.upload_file(bytes(20_000_000), at(account, server.url), file_name="a.bin")
    assert (result.status, result.attempts) == ("uploaded", 2)


def test_a_small_body_may_have_arrived(account: Account) -> None:
    """A reset when all has left is in doubt, whatever the service had read by then."""
    with RawServer(reset_before, answering(200, stored())) as server:
        result = one(at(account, server.url))
    assert (result.status, result.error, server.connections) == ("unknown", "connection_lost", 1)


def test_each_attempt_has_a_token_of_its_own(account: Account) -> None:
    """A token is spent even by an error: each attempt is signed afresh, and nothing else of the form changes."""
    busy = answering(400, {"message": BUSY})
    with RawServer(busy, busy, answering(200, stored())) as server:
        one(at(account, server.url))
    assert len({request.token for request in server.requests}) == 3
    assert len({tuple(request.fields.items()) for request in server.requests}) == 1


def test_a_429_is_waited_out_in_milliseconds(account: Account) -> None:
    """`X-RateLimit-Reset` is in milliseconds, and is waited for."""
    slow = answering(429, {"message": "Slow down."}, "X-RateLimit-Reset: 300")
    with RawServer(slow, answering(200, stored())) as server:
        result = one(at(account, server.url))
    assert result.seconds is not None
    assert 0.3 <= result.seconds < 3


@pytest.mark.parametrize(
    ("trouble", "code"),
    [
        (answering(500, b""), "server_error"),
        (answering(502, b"<html>Bad gateway</html>"), "server_error"),
        (answering(503, {"message": "Down."}), "server_error"),
        (reset_after, "connection_lost"),
        (silent, "timed_out"),
        (answering(200, b"<html>Welcome</html>"), "bad_reply"),
        (answering(200, stored(), cut=9), "connection_lost"),
        (answering(200, b'{"fileId": "59'), "bad_reply"),
        (answering(204, b""), "bad_reply"),
        (answering(302, b"", "Location: /elsewhere"), "bad_reply"),
        (answering(200, b"no gzip at all", "Content-Encoding: gzip"), "bad_reply"),
    ],
    ids=["500", "502", "503", "reset-after", "silent", "html", "cut", "truncated", "empty", "redirect", "encoding"],
)
def test_what_may_be_stored_is_not_sent_again(trouble: Any, code: str, account: Account) -> None:
    """After a reply in doubt the row is `unknown`: a second copy would be worse than a question."""
    with RawServer(trouble) as server:
        result = one(at(account, server.url), timeout=0.3)
    assert (result.status, result.error, server.connections) == ("unknown", code, 1)


@pytest.mark.parametrize(
    "refusal",
    ["Your request is missing file parameter.", "Your request contains expired token.", "Words that nobody knows."],
)
def test_a_permanent_refusal_is_sent_once(refusal: str, account: Account) -> None:
    """What the service refuses for good is not sent again."""
    with RawServer(answering(400, {"message": refusal})) as server:
        result = one(at(account, server.url))
    assert (result.status, result.message, server.connections) == ("failed", refusal, 1)


def test_retries_run_out(account: Account) -> None:
    """`retries=` counts the attempts after the first; then the last refusal stands."""
    with RawServer(answering(429, {"message": "Slow down."}, "X-RateLimit-Reset: 1")) as server:
        result = one(at(account, server.url), retries=2)
    assert (result.status, result.error, result.attempts) == ("failed", "rate_limited", 3)


def test_nobody_at_the_address_fails_the_row(account: Account) -> None:
    """A refused connection is tried again, then fails: certainly nothing was stored."""
    with RawServer(silent) as server:
        gone = server.url
    result = one(at(account, gone), retries=1)
    assert (result.status, result.error, result.attempts) == ("failed", "connection_failed", 2)


def test_a_server_that_is_slow_to_read_is_no_loss(account: Account, tmp_path: Path) -> None:
    """A body that could not leave in time was not stored: its row failed, and is not in doubt."""
    path = tmp_path / "long.bin"
    with path.open("wb") as file:
        file.truncate(40_000_000)
    with RawServer(lambda talk: (talk.head(), talk._server.closing.wait(10))[0]) as server:  # noqa: SLF001 - a fake's own
        result = ikpipe.upload_file(path, at(account, server.url), timeout=0.2, retries=0)
    assert (result.status, result.error) == ("failed", "connection_failed")


def test_an_outage_of_the_service_leaves_rows_in_doubt(emulate: Callable[..., Emulator]) -> None:
    """A 5xx with an empty body: `unknown`, one attempt, and the rows after it are up."""
    emulator = emulate(outage=503, outage_times=1)
    results = ikpipe.upload(blobs(b"1", b"2"), emulator.account, file_name="a", concurrency=1, progress=False)
    assert results["ik_error"].fillna("up").tolist() == ["server_error", "up"]
    assert len(uploads_of(emulator)) == 2


@pytest.mark.parametrize(("fault", "stored_there"), [("store-then-cut", True), ("reset-after", False)])
def test_doubt_is_what_it_says(fault: str, stored_there: bool, emulate: Callable[..., Emulator]) -> None:  # noqa: FBT001 - a parameter of the test
    """A cut connection looks the same whether the file was stored or not: `unknown` either way, and sent once."""
    emulator = emulate(faults={fault: 1.0})
    result = one(emulator.account)
    assert (result.status, result.error) == ("unknown", "connection_lost")
    assert [entry["stored"] for entry in uploads_of(emulator)] == [stored_there]


def test_a_run_through_every_fault_loses_no_row(emulate: Callable[..., Emulator]) -> None:
    """Faults of all kinds at once: each row that is up is stored once, none that failed is, and all have an end."""
    rates = {"refuse": 0.1, "reset-middle": 0.1, "store-then-cut": 0.1, "429": 0.1, "5xx": 0.1, "truncated": 0.1}
    emulator = emulate(faults=rates, seed=7)
    contents = [f"{n:03}".encode() for n in range(60)]
    results = quiet(blobs(*contents), emulator.account, file_name="a.bin")
    stored_files = [entry["file"]["sha256"] for entry in uploads_of(emulator) if entry["stored"]]
    assert len(stored_files) == len(set(stored_files))
    by_status = results.groupby("ik_status")["file"].agg(lambda files: {sha(content) for content in files})
    assert by_status["uploaded"] <= set(stored_files)
    assert not by_status.get("failed", set()) & set(stored_files)
    assert set(stored_files) - by_status["uploaded"] <= by_status["unknown"]


# By retry


def test_retry_sends_what_is_not_up(account: Account, arrived: Arrived) -> None:
    """The mapping comes from `attrs`; rows that are up stay exactly as they are."""
    frame = blobs(b"1", b"2", b"3", sku=["a", "b", "c"], label=["x", "%", "y"])
    first = ikpipe.upload(
        frame, account, columns={"tags": "label"}, file_name="{sku}.bin", folder="/retry", progress=False
    )
    again = ikpipe.retry(first.assign(label=["x", "mended", "y"]), account, progress=False)
    assert again["ik_status"].tolist() == ["uploaded"] * 3
    pd.testing.assert_frame_equal(again.iloc[[0, 2]], first.iloc[[0, 2]])
    assert [entry["fields"]["fileName"] for entry in arrived()].count("b.bin") == 1
    assert len(arrived()) == 3


def test_retry_takes_an_account_that_was_mended(emulator: Emulator, arrived: Arrived) -> None:
    """After an `AccountError`, its frame and the right key finish the run."""
    wrong = ikpipe.Account(emulator.public_key, "private_of_somebody_else_altogether=", upload_url=emulator.upload_url)
    with pytest.raises(ikpipe.AccountError) as caught:
        ikpipe.upload(blobs(b"1", b"2"), wrong, file_name="a", concurrency=1, progress=False)
    assert caught.value.results is not None
    again = ikpipe.retry(caught.value.results, emulator.account, progress=False)
    assert again["ik_status"].tolist() == ["uploaded"] * 2
    assert len(arrived()) == 3


def test_retry_from_a_csv(account: Account, tmp_path: Path, arrived: Arrived) -> None:
    """A CSV keeps no mapping: it is given again, and the rows that are not up are sent."""
    uri = "data:text/plain;base64,aGVsbG8="
    frame = pd.DataFrame({"file": [uri, uri], "label": ["a", "100%"]})
    mapping: Any = {"columns": {"tags": "label"}, "file_name": "hello.txt"}
    first = ikpipe.upload(frame, account, progress=False, **mapping)
    ikpipe.write_results(first.assign(label=["a", "mended"]), tmp_path / "results.csv")
    read = ikpipe.read_results(tmp_path / "results.csv")
    again = ikpipe.retry(read, account, progress=False, **mapping)
    assert again["ik_status"].tolist() == ["uploaded"] * 2
    assert again["ik_file_id"].tolist()[0] == first["ik_file_id"].tolist()[0]
    assert len(arrived()) == 2


def test_unknown_rows_are_held(account: Account, arrived: Arrived) -> None:
    """A row that may be stored is not sent again, unless the caller asks for it."""
    with RawServer(answering(500, b"")) as server:
        first = ikpipe.upload(blobs(b"1"), at(account, server.url), file_name="a", progress=False)
    held = ikpipe.retry(first, account, progress=False)
    assert (held["ik_status"].tolist(), arrived()) == (["unknown"], [])
    sent = ikpipe.retry(held, account, on_unknown="resend", progress=False)
    assert (sent["ik_status"].tolist(), len(arrived())) == (["uploaded"], 1)


def test_accepted_rows_stay(account: Account, arrived: Arrived) -> None:
    """A 202 means that the file is stored once its pre-transformation is done: it is not sent again."""
    first = ikpipe.upload(blobs(b"1"), account, file_name="a", transformation={"pre": "w-4"}, progress=False)
    again = ikpipe.retry(first, account, progress=False)
    assert (again["ik_status"].tolist(), len(arrived())) == (["accepted"], 1)
    assert again["ik_message"].tolist() == ["The pre-transformation has been queued successfully."]


def test_a_retry_that_stops_early_keeps_the_rows_that_are_up(
    account: Account, emulate: Callable[..., Emulator]
) -> None:
    """An `AccountError` in a retry must not turn stored rows into `cancelled` ones, which would be sent twice."""
    first = ikpipe.upload(blobs(b"1", b"2", tags=["%", "a"]), account, file_name="a", progress=False)
    with pytest.raises(ikpipe.AccountError) as caught:
        ikpipe.retry(first.assign(tags=["b", "a"]), emulate(account_disabled=True).account, progress=False)
    assert caught.value.results is not None
    assert caught.value.results["ik_status"].tolist() == ["failed", "uploaded"]
    assert caught.value.results["ik_file_id"].tolist()[1] == first["ik_file_id"].tolist()[1]


def test_a_row_that_is_up_keeps_its_name_from_others(account: Account, arrived: Arrived) -> None:
    """Where names are fixed, a row that is sent again may not replace one that is up."""
    frame = blobs(b"1", b"2", name=["same.bin", "100%"], tags=[None, "%"])
    first = ikpipe.upload(
        frame, account, columns={"file_name": "name"}, folder="/kept", use_unique_file_name=False, progress=False
    )
    again = ikpipe.retry(first.assign(name=["same.bin", "same.bin"], tags=[None, None]), account, progress=False)
    assert (again["ik_error"].fillna("up").tolist(), len(arrived())) == (["up", "same_target"], 1)


def test_retry_needs_a_results_frame(account: Account) -> None:
    """A frame that never went up has no statuses to go by."""
    with pytest.raises(ikpipe.MappingError, match="ik_status"):
        ikpipe.retry(blobs(b"1"), account)
