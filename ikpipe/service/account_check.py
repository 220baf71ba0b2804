"""Check an account with the service: whether it accepts the keys, whose they are, and what was used. Nothing changes.

The media API knows the private key only. Whether the public key is of the same account shows when a token is used, so
one is sent without a file: the upload endpoint rejects it, and its message tells a wrong token from a missing file. In
which order the service checks both is not documented [guess], so "missing file" does not prove that the keys fit.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ikpipe.concurrency.interrupts import to_sync
from ikpipe.errors import AccountError, Error
from ikpipe.request.account import COPY_KEYS, Account
from ikpipe.request.policy import Policy
from ikpipe.request.secrets import shown_setting
from ikpipe.request.token import LocalSigner, SignerError, TokenTimes
from ikpipe.service.client import ServiceClient
from ikpipe.service.findings import Finding, failed
from ikpipe.service.library import FILES, list_fields, page_of

if TYPE_CHECKING:
    import httpx

_TIMEOUT = 8.0  # seconds for one step of a request
_FIELDS = {"fileName": "ikpipe-check.txt"}
_PLACEHOLDER = "your_imagekit_id"
_FORM = f"It has the form https://ik.imagekit.io/{_PLACEHOLDER} (dashboard, URL endpoints)."
LARGEST_OFFSET = 60
"""Seconds by which the clock may be wrong: a token's times are those of this machine."""


async def _check_account(
    account: Account, *, timeout: float = 20, transport: httpx.AsyncBaseTransport | None = None
) -> list[Finding]:
    """Return what the service says about an account: its keys, its URL endpoint, its custom metadata fields.

    `timeout` is the number of seconds for all requests.
    """
    try:
        async with asyncio.timeout(timeout), _client(transport) as client:
            if account.private_key is None:
                return [await _check_signer(client, account), check_url_endpoint(account)]
            findings = await _check_keys(client, account)
            return findings if failed(findings) else [*findings, await _check_fields(client, account)]
    except TimeoutError:
        words = f"{account.api_url} and {account.upload_url} did not answer within {timeout:g} s."
        return [Finding("problem", "Account", words, "Check the network and the addresses.", refused=True)]
    except AccountError as error:  # the private key is not on this machine
        return [Finding.of_error("Private key", error, refused=True)]


def _client(transport: httpx.AsyncBaseTransport | None) -> ServiceClient:
    return ServiceClient(transport, _TIMEOUT, Policy(longest_wait=2))


async def _check_keys(client: ServiceClient, account: Account) -> list[Finding]:
    try:
        files = page_of(await client.api(account, FILES, {"limit": 1}))
    except AccountError as error:
        return [Finding("problem", "Private key", error.message, COPY_KEYS, refused=True)]
    except Error as error:
        return [Finding("problem", "Media API", error.message, error.fix or "Check the network.", refused=True)]
    accepted = Finding("ok", "Private key", f"{account.api_url} accepts it.")
    return [accepted, await _check_token(client, account), check_url_endpoint(account, files)]


async def _check_token(client: ServiceClient, account: Account) -> Finding:
    """Return what the upload endpoint says about a token of the two keys."""
    about, url = "Public key", account.upload_url
    reply = await client.probe_token(url, _FIELDS, LocalSigner(account).sign(_FIELDS))
    code, message = reply.result.error, reply.result.message
    if code == "token_invalid":
        words = f"{url} rejects tokens of these keys ({message}). The public key may be of another account."
        return Finding("problem", about, words, COPY_KEYS, refused=True)
    if code == "token_expired":
        words = f"{url} takes a new token for an expired one: the clock of this machine is wrong."
        return Finding("problem", about, words, "Set the clock, for example by NTP.", refused=True)
    if reply.stops_run == "always":
        return Finding("problem", about, f"{url} refuses the account: {message}", "See the dashboard.", refused=True)
    if not reply.own:
        return Finding("problem", "Upload endpoint", f"{url}: {message}", "Check the network and the address.", True)
    return Finding("ok", about, f"{url} does not object to it.")


async def _check_signer(client: ServiceClient, account: Account) -> Finding:
    """Return what the authentication endpoint says to a request for a token."""
    about, endpoint = "Authentication endpoint", account.authentication_endpoint
    if endpoint is None:
        words = "There is neither a private key nor an authentication endpoint."
        return Finding("problem", about, words, "Run: ikpipe configure", refused=True)
    try:
        await client.sign(_FIELDS, account, TokenTimes())
    except SignerError as error:
        if error.status is not None and error.status != 401 and error.status < 500:  # noqa: PLR2004 - HTTP
            words = f"It answers, and does not sign a test upload: {error.message}"
            return Finding("warning", about, words, "See what it allows.")
        return Finding("problem", about, error.message, "Check the address and the headers.", refused=True)
    return Finding("ok", about, f"{_shown(endpoint)} signs uploads.")


def check_url_endpoint(account: Account, files: list[dict[str, Any]] | None = None) -> Finding:
    """Return whether the URL endpoint has the usual form, and is that of the account's files if there are any."""
    about, endpoint = "URL endpoint", account.url_endpoint
    if endpoint is None:
        return Finding("ok", about, "Not set; only delivery URLs need it.")
    parts = urlsplit(endpoint)
    own = parts.path.strip("/")
    if _PLACEHOLDER in endpoint or parts.query or parts.fragment or (parts.hostname == "ik.imagekit.io" and not own):
        return Finding("problem", about, f"{_shown(endpoint)} is not a URL endpoint.", _FORM)
    for file in files or ():
        delivered = urlsplit(str(file.get("url")))
        theirs = delivered.path.strip("/").partition("/")[0]
        if delivered.netloc == parts.netloc and own.partition("/")[0] != theirs:
            found = f"{delivered.scheme}://{delivered.netloc}/{theirs}"
            words = f"{_shown(endpoint)} is of another account: files of this one are at {found}."
            return Finding("problem", about, words, f"Set it to {found}.")
    return Finding("ok", about, f"{_shown(endpoint)}.")


def _shown(url: str) -> str:
    """Return a URL without secrets that it can have."""
    return shown_setting(url).strip("'")


async def _check_fields(client: ServiceClient, account: Account) -> Finding:
    try:
        fields = await list_fields(client, account)
    except Error as error:
        return Finding("warning", "Custom metadata", error.message, "Uploads with custom metadata need these fields.")
    counted = "1 field" if len(fields) == 1 else f"{len(fields):,} fields" if fields else "no fields"
    return Finding("ok", "Custom metadata", f"The account has {counted}.")


async def _account_usage(
    account: Account, *, now: Callable[[], float] = time.time, transport: httpx.AsyncBaseTransport | None = None
) -> dict[str, Any]:
    """Return what the account has used since the first day of the month, as `GET /v1/accounts/usage` says [spec].

    Raise `Error` if there is no such answer.
    """
    today = datetime.fromtimestamp(now(), UTC).date()
    query: dict[str, str | int] = {"startDate": f"{today.replace(day=1)}", "endDate": f"{today + timedelta(days=1)}"}
    async with _client(transport) as client:
        usage = await client.api(account, "/v1/accounts/usage", query)
    if not isinstance(usage, dict):
        raise Error("The media API sent an invalid answer about the account's usage.")
    return usage


check_account: Callable[..., list[Finding]] = to_sync(_check_account, "check_account", drains=False)
account_usage: Callable[..., dict[str, Any]] = to_sync(_account_usage, "account_usage", drains=False)
