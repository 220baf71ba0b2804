"""An account is checked with the service: its keys, its URL endpoint, and what it has used."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from doubles import RawServer, answering, reset_before, signing, silent

import ikpipe
from ikpipe.service.account_check import account_usage, check_account, check_url_endpoint

if TYPE_CHECKING:
    from collections.abc import Callable

    from ikpipe import Account
    from ikpipe.emulator import Emulator
    from ikpipe.service.findings import Finding


def problems(account: Account, **options: Any) -> list[Finding]:
    """Return the problems of an account."""
    return [finding for finding in check_account(account, **options) if finding.level == "problem"]


def test_an_account_that_works(account: Account, arrived: Callable[[], list[Any]]) -> None:
    """Each line is ok, and nothing was stored."""
    assert [(one.about, one.level) for one in check_account(account)] == [
        ("Private key", "ok"),
        ("Public key", "ok"),
        ("URL endpoint", "ok"),
        ("Custom metadata", "ok"),
    ]
    assert [one for one in arrived() if one.get("stored")] == []


def test_a_wrong_private_key(account: Account) -> None:
    """The media API refuses it, and the reason is the service's own."""
    [problem] = problems(replace(account, private_key="private_other"))
    assert (problem.about, problem.refused) == ("Private key", True)
    assert "rejected the private key: Your account cannot be authenticated." in problem.text


def test_a_public_key_of_another_account(account: Account) -> None:
    """The media API does not know it, and the upload endpoint rejects its tokens."""
    [problem] = problems(replace(account, public_key="public_other"))
    assert (problem.about, problem.refused) == ("Public key", True)
    assert "may be of another account" in problem.text


@pytest.mark.parametrize("rule", ["account_disabled", "key_expired"])
def test_an_account_that_is_refused(rule: str, emulate: Callable[..., Emulator]) -> None:
    """Whatever the reason is."""
    [problem] = problems(emulate(**{rule: True}).account)
    assert problem.refused


def test_an_upload_endpoint_that_is_something_else(account: Account) -> None:
    """A wrong address is not taken for a wrong key."""
    with RawServer(answering(404, b"<html>")) as server:
        [problem] = problems(replace(account, upload_url=server.url))
    assert (problem.about, problem.refused) == ("Upload endpoint", True)


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (reset_before, "cannot be reached"),
        (answering(200, b"<html>Welcome to the hotel"), "not JSON"),
        (answering(200, {"hotel": 1}), "invalid list of files"),
        (answering(503, b""), "status 503"),
    ],
)
def test_a_media_api_that_is_something_else(act: Any, words: str) -> None:
    """As behind the page of a hotel, or without a network."""
    with RawServer(act) as server:
        account = ikpipe.Account("public_a", "private_b", api_url=server.url, upload_url=server.url)
        [problem] = problems(account)
    assert (problem.about, problem.refused) == ("Media API", True)
    assert words in problem.text


def test_a_service_that_is_silent() -> None:
    """It is waited for a short time only."""
    with RawServer(silent) as server:
        start = time.monotonic()
        [problem] = problems(ikpipe.Account("public_a", "private_b", api_url=server.url), timeout=0.3)
    assert "did not answer within 0.3 s" in problem.text
    assert time.monotonic() - start < 8


def test_an_expired_token_is_a_wrong_clock(account: Account) -> None:
    """A token that was just made cannot be expired."""
    message = {"message": "Your request contains expired token."}
    with RawServer(answering(400, message)) as server:
        [problem] = problems(replace(account, upload_url=server.url))
    assert "the clock of this machine is wrong" in problem.text


# An authentication endpoint


@pytest.mark.parametrize(
    ("status", "level", "refused"),
    [(200, "ok", False), (403, "warning", False), (401, "problem", True), (500, "problem", True)],
)
def test_an_authentication_endpoint(status: int, level: str, refused: bool) -> None:  # noqa: FBT001
    """It is asked for a token; a refusal of this upload is not one of the user."""
    with signing("private_key_that_is_long_enough_for_HS256", status=status) as signer:
        signed, _ = check_account(ikpipe.Account("public_a", authentication_endpoint=signer.url))
    assert (signed.about, signed.level, signed.refused) == ("Authentication endpoint", level, refused)


def test_neither_key_nor_endpoint() -> None:
    """It is a problem, without a request."""
    [problem] = problems(ikpipe.Account("public_a"))
    assert "neither a private key nor an authentication endpoint" in problem.text


# The URL endpoint

FILES = [{"url": "https://ik.imagekit.io/demo/a.jpg"}]


@pytest.mark.parametrize(
    ("endpoint", "level"),
    [
        (None, "ok"),
        ("https://ik.imagekit.io/demo", "ok"),
        ("https://ik.imagekit.io/demo/sub", "ok"),
        ("https://images.example.com", "ok"),
        ("https://ik.imagekit.io/other", "problem"),
        ("https://ik.imagekit.io/", "problem"),
        ("https://ik.imagekit.io/your_imagekit_id", "problem"),
        ("https://ik.imagekit.io/demo?tr=w-1", "problem"),
    ],
)
def test_the_url_endpoint(endpoint: str | None, level: str) -> None:
    """Its form is checked, and it is compared with the address of a file of the account."""
    account = ikpipe.Account("public_a", "private_b", url_endpoint=endpoint)
    assert check_url_endpoint(account, FILES).level == level


def test_a_url_endpoint_without_files() -> None:
    """An empty library says nothing about it."""
    account = ikpipe.Account("public_a", "private_b", url_endpoint="https://ik.imagekit.io/other")
    assert check_url_endpoint(account, []).level == "ok"


# Usage


@pytest.mark.parametrize("now", [1796083200.0, 1795996799.0])  # the first and the last second of a month
def test_usage(now: float, account: Account) -> None:
    """It is that of the month, also on its first day."""
    usage = account_usage(account, now=lambda: now)
    assert {*usage} >= {"bandwidthBytes", "mediaLibraryStorageBytes"}


def test_usage_that_cannot_be_read() -> None:
    """An answer of another kind is an error."""
    with RawServer(answering(200, ["x"])) as server, pytest.raises(ikpipe.Error, match="invalid answer"):
        account_usage(ikpipe.Account("public_a", "private_b", api_url=server.url))
