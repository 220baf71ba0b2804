"""What stops a run, and what that leaves behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from doubles import RawServer, answering, stored, uploads_of
from rows import at, blobs, quiet

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from ikpipe import Account
    from ikpipe.emulator import Emulator

    Arrived = Callable[[], list[dict[str, Any]]]


def test_refused_keys_stop_the_run(emulate: Callable[..., Emulator]) -> None:
    """A 403 stops the run: nothing more is sent, and the error has the whole frame."""
    emulator = emulate(account_disabled=True)
    with pytest.raises(ikpipe.AccountError, match="Your account is disabled") as caught:
        quiet(blobs(*[b"x"] * 9), emulator.account, file_name="a", concurrency=1)
    assert caught.value.results is not None
    assert caught.value.results["ik_error"].tolist() == ["account_disabled", *["cancelled"] * 8]
    assert len(uploads_of(emulator)) == 1


def test_a_wrong_key_stops_the_run_at_once(emulator: Emulator, arrived: Arrived) -> None:
    """`invalid token` before anything succeeded is what wrong keys look like."""
    wrong = ikpipe.Account(emulator.public_key, "private_of_somebody_else_altogether=", upload_url=emulator.upload_url)
    with pytest.raises(ikpipe.AccountError, match="both keys belong to one account"):
        quiet(blobs(*[b"x"] * 5), wrong, file_name="a", concurrency=1)
    assert len(arrived()) == 1


def test_an_invalid_token_later_fails_its_row_alone(account: Account) -> None:
    """Once a row is up, the keys are proven, and `invalid token` stops nobody."""
    refused = answering(400, {"message": "Your request has invalid token."})
    with RawServer(answering(200, stored()), refused, answering(200, stored())) as server:
        results = quiet(blobs(b"a", b"b", b"c"), at(account, server.url), file_name="a", concurrency=1)
    assert results["ik_error"].fillna("up").tolist() == ["up", "token_invalid", "up"]


def test_a_used_up_quota_stops_the_run(emulate: Callable[..., Emulator]) -> None:
    """Rows before the quota are up, the row that met it failed, and the others were never sent."""
    emulator = emulate(upload_quota=2)
    with pytest.raises(ikpipe.AccountError, match="Upload Limit Exceeded") as caught:
        quiet(blobs(*[b"x"] * 5), emulator.account, file_name="a", concurrency=1)
    assert caught.value.results is not None
    assert caught.value.results["ik_status"].tolist() == ["uploaded", "uploaded", "failed", "cancelled", "cancelled"]


@pytest.mark.parametrize("bad", ["invalid", "failed"])
def test_on_error_raise_stops_at_the_first_row_that_is_not_up(bad: str, account: Account) -> None:
    """`on_error="raise"`: the rows after the one that failed are cancelled, and the error has them all."""
    frame = blobs(b"1", b"2", b"3", tags=[None, "%" if bad == "invalid" else None, None])
    frame["checks"] = [None, "what?" if bad == "failed" else None, None]
    with pytest.raises(ikpipe.UploadError) as caught:
        quiet(frame, account, file_name="a", concurrency=1, on_error="raise")
    assert caught.value.results is not None
    assert caught.value.results["ik_status"].tolist() == ["uploaded", bad, "cancelled"]


def test_an_account_without_a_signer_is_refused_before_anything_is_sent(account: Account, arrived: Arrived) -> None:
    """No private key and no authentication endpoint: the error names the variable to set."""
    alone = ikpipe.Account(account.public_key, upload_url=account.upload_url)
    with pytest.raises(ikpipe.AccountError, match="IMAGEKIT_PRIVATE_KEY"):
        quiet(blobs(b"1"), alone, file_name="a")
    assert arrived() == []
