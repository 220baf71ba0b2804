"""Sending again: by the run itself, and by `retry`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from doubles import RawServer, answering, reset_after, reset_before, silent, stored, uploads_of
from rows import RETRIES, at, blobs, quiet, sha

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from doubles import Act, Site

    from ikpipe import Account
    from ikpipe.emulator import Emulator

    Arrived = Callable[[], list[dict[str, Any]]]


SOON = ikpipe.Policy(first_wait=0.01)
IN_THE_DARK: Any = {"policy": ikpipe.Policy(unique_names="service", first_wait=0.01)}
"""Where the service makes the names, nobody can look for a row in doubt."""

BUSY = "You have sent too many requests to update the file recently. Please try again later."


def one(account: Account, **options: Any) -> ikpipe.Result:
    """Upload one small file."""
    return ikpipe.upload_file(b"abc", account, **{"file_name": "a.bin", "policy": SOON, **options})


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
    """A reset before the last of the body has left: without its end nothing can have been stored, so a fresh token."""
    with RawServer(reset_before, answering(200, stored())) as server:
        result = ikpipe.upload_file(bytes(20_000_000), at(account, server.url), file_name="a.bin")
    assert (result.status, result.attempts) == ("uploaded", 2)


def test_a_small_body_may_have_arrived(account: Account) -> None:
    """A reset when all has left is in doubt, whatever the service had read by then: it is `unknown` without a view."""
    with RawServer(reset_before) as server:
        result = one(at(account, server.url), **IN_THE_DARK)
    assert (result.status, result.error, server.connections) == ("unknown", "connection_lost", 1 + RETRIES)


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


DOUBTS: dict[str, tuple[Act, str]] = {
    "500": (answering(500, b""), "server_error"),
    "502": (answering(502, b"<html>Bad gateway</html>"), "server_error"),
    "503": (answering(503, {"message": "Down."}), "server_error"),
    "reset-after": (reset_after, "connection_lost"),
    "silent": (silent, "timed_out"),
    "html": (answering(200, b"<html>Welcome</html>"), "bad_reply"),
    "cut": (answering(200, stored(), cut=9), "connection_lost"),
    "truncated": (answering(200, b'{"fileId": "59'), "bad_reply"),
    "empty": (answering(204, b""), "bad_reply"),
    "redirect": (answering(302, b"", "Location: /elsewhere"), "bad_reply"),
    "encoding": (answering(200, b"no gzip at all", "Content-Encoding: gzip"), "bad_reply"),
}
"""Answers that leave it open whether the file is stored: what happens → its code."""


@pytest.mark.parametrize("doubt", DOUBTS)
def test_what_may_be_stored_is_sent_again_with_the_same_token(doubt: str, account: Account) -> None:
    """After a reply in doubt the very same form goes out: a token is used once, so that no second copy can arise."""
    trouble, _ = DOUBTS[doubt]
    with RawServer(trouble, answering(200, stored())) as server:
        result = one(at(account, server.url), timeout=0.3)
    assert (result.status, result.attempts) == ("uploaded", 2)
    first, second = server.requests
    assert (first.token, first.fields) == (second.token, second.fields)


@pytest.mark.parametrize("doubt", DOUBTS)
def test_what_stays_in_doubt_says_why(doubt: str, account: Account) -> None:
    """A token goes out a few times; then, where nobody can look, the row is `unknown`, with the code of its trouble."""
    trouble, code = DOUBTS[doubt]
    with RawServer(trouble) as server:
        result = one(at(account, server.url), timeout=0.1 if code == "timed_out" else 10, **IN_THE_DARK)
    assert (result.status, result.error, result.attempts) == ("unknown", code, 1 + RETRIES)


@pytest.mark.parametrize(
    "refusal",
    ["Your request is missing file parameter.", "Your request has invalid payload.", "Words that nobody knows."],
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


def test_an_outage_of_the_service_is_sat_out(emulate: Callable[..., Emulator]) -> None:
    """A 5xx with an empty body: the row waits, its token is taken the second time, and nothing is stored twice."""
    emulator = emulate(outage=503, outage_times=1)
    results = quiet(blobs(b"1", b"2"), emulator.account, file_name="a", concurrency=1)
    assert results["ik_attempts"].tolist() == [2, 1]
    assert [entry["stored"] for entry in uploads_of(emulator)] == [False, True, True]


@pytest.mark.parametrize(("fault", "status", "copies"), [("store-then-cut", "exists", 1), ("reset-after", "failed", 0)])
def test_doubt_is_settled(fault: str, status: str, copies: int, emulate: Callable[..., Emulator]) -> None:
    """A cut connection looks the same whether the file was stored or not: the library tells."""
    emulator = emulate(faults={fault: 1.0}, index_lag=0)
    result = one(emulator.account, policy=ikpipe.Policy(index_lag=0, first_wait=0.01), retries=0)
    assert (result.status, len(ikpipe.files(emulator.account))) == (status, copies)


def test_a_run_through_every_fault_loses_no_row(emulate: Callable[..., Emulator]) -> None:
    """Without a view, too: each row that is up is stored once, none that failed is, and the others are in doubt."""
    rates = {"refuse": 0.1, "reset-middle": 0.1, "store-then-cut": 0.2, "429": 0.1, "5xx": 0.1, "truncated": 0.2}
    emulator = emulate(faults=rates, seed=7)
    contents = [f"{n:03}".encode() for n in range(60)]
    results = quiet(blobs(*contents), emulator.account, file_name="a.bin", concurrency=60, **IN_THE_DARK)
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
    assert [entry["fields"]["fileName"][:2] for entry in arrived()].count("b_") == 1
    assert len(arrived()) == 3


def test_retry_takes_an_account_that_was_mended(emulator: Emulator, arrived: Arrived) -> None:
    """After an `AccountError`, its frame and the right key finish the run."""
    wrong = ikpipe.Account(emulator.public_key, "private_of_somebody_else_altogether=", upload_url=emulator.upload_url)
    with pytest.raises(ikpipe.AccountError) as caught:
        ikpipe.upload(blobs(b"1", b"2"), wrong, file_name="a", concurrency=1, progress=False, policy=SOON)
    assert caught.value.results is not None
    again = ikpipe.retry(caught.value.results, emulator.account, progress=False, policy=ikpipe.Policy(index_lag=0.1))
    assert again["ik_status"].tolist() == ["uploaded"] * 2
    assert len(arrived()) == 3


def test_retry_from_a_csv(account: Account, tmp_path: Path, arrived: Arrived) -> None:
    """A CSV keeps no mapping: it is given again, and the rows that are not uploaded are sent."""
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


def lost(account: Account, file: Any = b"1", **options: Any) -> pd.DataFrame:
    """Give the results of a run whose only row is in doubt."""
    with RawServer(answering(500, b"")) as server:
        there = at(account, server.url)
        options = {"file_name": "a", **IN_THE_DARK, **options}
        with pytest.raises(ikpipe.AccountError) as caught:  # nothing was heard of the service
            quiet(pd.DataFrame({"file": [file]}), there, **options)
    assert isinstance(caught.value.results, pd.DataFrame)
    return caught.value.results


def test_unknown_rows_are_held_in_the_dark(account: Account, arrived: Arrived) -> None:
    """A row whose name only the service knows cannot be looked for: it is not sent, unless the caller asks for it."""
    first = lost(account)
    held = ikpipe.retry(first, account, progress=False)
    assert (held["ik_status"].tolist(), held["ik_error"].tolist()) == (["unknown"], ["server_error"])
    assert (ikpipe.retry(held, account, progress=False)["ik_status"][0], arrived()) == ("unknown", [])
    sent = ikpipe.retry(held, account, on_unknown="resend", progress=False)
    assert (sent["ik_status"].tolist(), len(arrived())) == (["uploaded"], 1)


def test_a_held_row_keeps_its_attempts(account: Account) -> None:
    """A row that was not sent again counts the attempts of the run that left it in doubt."""
    again = ikpipe.retry(lost(account), account, progress=False)
    assert again["ik_attempts"].tolist() == [1 + RETRIES]


def test_a_doubt_survives_a_cell_that_breaks_a_rule(account: Account, arrived: Arrived) -> None:
    """A row that may be stored stays `unknown`, with the problem as its message: `invalid` would be sent twice."""
    again = ikpipe.retry(lost(account).assign(tags="%"), account, on_unknown="resend", progress=False)
    assert (again["ik_status"][0], arrived()) == ("unknown", [])
    assert "tags" in again["ik_message"][0]


def test_a_doubt_survives_a_file_that_cannot_be_fetched(account: Account, site: Site) -> None:
    """A row that may be stored stays `unknown` when its URL is gone: `failed` would mean that it is not."""
    first = lost(account, site.put("/here.gif", b"GIF89a"), fetch="client", fetch_hosts=["127.0.0.1"])
    del site.pages["/here.gif"]
    again = ikpipe.retry(first, account, on_unknown="resend", progress=False, fetch_hosts=["127.0.0.1"])
    assert again["ik_status"][0] == "unknown"


@pytest.mark.parametrize(("there", "status", "path"), [(True, "exists", "/old/"), (False, "uploaded", "/new/")])
def test_a_doubt_whose_folder_was_changed(
    *, there: bool, status: str, path: str, emulate: Callable[..., Emulator]
) -> None:
    """Where the folder was changed since, the file is looked for at its old place; absent there, it goes to the new."""
    account = emulate().account
    first = lost(account).assign(ik_name="a_x", ik_file_path="/old/a_x")
    if there:
        ikpipe.upload_file(first["file"][0], account, file_name="a_x", folder="/old", use_unique_file_name=False)
    again = ikpipe.retry(
        first, account, folder="/new", policy=ikpipe.Policy(index_lag=0, first_wait=0.01), progress=False
    )
    assert (again["ik_status"][0], again["ik_file_path"][0]) == (status, f"{path}a_x")
    assert len(ikpipe.files(account)) == 1


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
