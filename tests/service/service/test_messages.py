"""Every message of the service that the emulator can produce, through the real client: each has its own code."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import jwt
import pandas as pd
import pytest
from doubles import signing, uploads_of

import ikpipe
from ikpipe.errors import CODES
from ikpipe.request.recovery import RESENDS
from ikpipe.request.reply import MESSAGES

if TYPE_CHECKING:
    from collections.abc import Callable

    from ikpipe.emulator import Emulator

    Emulate = Callable[..., Emulator]

WORDS = {code: message for message, code in MESSAGES.items()}
V1_USED = (
    "The token with value '***' has been used before. "
    "We suggest using V4 UUIDs, or another random string with enough entropy to avoid collisions."
)


class Proxy(httpx.AsyncBaseTransport):
    """Something between client and service that alters bodies, and adds headers."""

    def __init__(self, change: Callable[[bytes], bytes] = bytes, **headers: str) -> None:
        self._change, self._headers = change, headers
        self._onward = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Pass the altered request on."""
        body = self._change(await request.aread())
        headers = {**request.headers, **self._headers, "content-length": str(len(body))}
        altered = httpx.Request(request.method, request.url, headers=headers, content=body)
        return await self._onward.handle_async_request(altered)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._onward.aclose()


def without(name: str) -> Proxy:
    """Drop one part of the form."""
    part = rb'--\w+\r\nContent-Disposition: form-data; name="%s".*?\r\n(?=--)' % name.encode()
    return Proxy(lambda body: re.sub(part, b"", body, flags=re.DOTALL))


def with_text(old: str, new: str) -> Proxy:
    """Replace some text of the form."""
    return Proxy(lambda body: body.replace(old.encode(), new.encode()))


def one(account: ikpipe.Account, **options: Any) -> ikpipe.Result:
    """Upload one small file, without second attempts."""
    options = {"file": b"abc", "file_name": "a.bin", "retries": 0, **options}
    return ikpipe.upload_file(options.pop("file"), account, **options)


def signed(
    emulator: Emulator, alter: Callable[[dict[str, Any]], dict[str, Any]], key: str | None = None, **options: Any
) -> ikpipe.Result:
    """Upload one file with an authentication endpoint that alters the claims which it signs."""

    def answer(token: str) -> dict[str, str]:
        claims = alter(jwt.decode(token, options={"verify_signature": False}))
        return {"token": jwt.encode(claims, key or emulator.private_key, "HS256", {"kid": emulator.public_key})}

    with signing(emulator.private_key, answer=answer) as signer:
        remote = ikpipe.Account(emulator.public_key, authentication_endpoint=signer.url, upload_url=emulator.upload_url)
        return one(remote, **options)


ALONE: dict[str, Callable[[Emulator], ikpipe.Result]] = {
    "token_missing": lambda at: one(at.account, transport=without("token")),
    "token_expired": lambda at: signed(at, lambda claims: {**claims, "iat": 1_000_000, "exp": 1_000_060}),
    "payload_mismatch": lambda at: one(at.account, description="this", transport=with_text("this\r\n", "that\r\n")),
    "two_credentials": lambda at: one(at.account, transport=Proxy(Authorization="Basic YTo=")),
    "file_missing": lambda at: one(at.account, transport=without("file")),
    "file_too_large": lambda at: one(at.account, file=bytes(26 * 2**20)),
    "bad_transformation": lambda at: signed(
        at,
        lambda claims: {**claims, "transformation": '{"pre":7}'},
        transport=with_text('{"pre":"w-4"}', '{"pre":7}'),
        transformation={"pre": "w-4"},
    ),
    "bad_checks": lambda at: one(at.account, checks="size < 3"),
    "checks_failed": lambda at: one(at.account, checks='"request.folder" : "b/"'),
}
"""Refusals of one row: code → how to get it."""


@pytest.mark.parametrize("code", ALONE)
def test_a_refused_row_has_its_code(code: str, emulator: Emulator) -> None:
    """What is wrong with one request fails its row, once, under its own code and in the service's own words."""
    result = ALONE[code](emulator)
    assert (result.status, result.error, result.message, result.attempts) == ("failed", code, WORDS[code], 1)
    assert CODES[code].fix


def test_a_name_that_is_taken_has_its_code(emulator: Emulator) -> None:
    """A namesake that may not be replaced is `name_taken`."""
    fixed = {"file_name": "taken.bin", "use_unique_file_name": False, "overwrite_file": False}
    assert one(emulator.account, **fixed).status == "uploaded"
    result = one(emulator.account, **fixed)
    assert (result.status, result.error, result.message) == ("failed", "name_taken", WORDS["name_taken"])


STOPPING: dict[str, dict[str, Any]] = {
    "key_missing": {"key_missing": True},
    "account_refused": {"account_unauthenticated": True},
    "key_expired": {"key_expired": True},
    "account_disabled": {"account_disabled": True},
    "upload_quota": {"upload_quota": 0},
    "extension_quota": {"extension_quota": 0},
}
"""Refusals of the account: code → the emulator's rules."""


@pytest.mark.parametrize("code", STOPPING)
def test_a_refused_account_has_its_code(code: str, emulate: Emulate) -> None:
    """What is wrong with the account stops the run; the row has the code, the error the service's words."""
    heard: list[ikpipe.Result] = []
    with pytest.raises(ikpipe.AccountError) as caught:
        refuse(emulate(**STOPPING[code]), heard)
    assert (heard[0].error, heard[0].message) == (code, WORDS[code])
    assert WORDS[code] in str(caught.value)


def refuse(emulator: Emulator, heard: list[ikpipe.Result]) -> None:
    """Upload a row with an extension."""
    ikpipe.upload(
        pd.DataFrame({"file": [b"abc"]}),
        emulator.account,
        file_name="a.bin",
        extensions=[{"name": "remove-bg"}],
        progress=False,
        on_result=lambda _label, result: heard.append(result),
    )


@pytest.mark.parametrize("quota", ["upload_quota", "extension_quota"])
def test_a_quota_is_told_from_a_refused_key_at_403(quota: str, emulate: Emulate) -> None:
    """Older documents answer a used-up quota with 403: the words decide, not the status."""
    heard: list[ikpipe.Result] = []
    with pytest.raises(ikpipe.AccountError):
        refuse(emulate(quota_status=403, **STOPPING[quota]), heard)
    assert heard[0].error == quota


@pytest.mark.parametrize(("rule", "words"), [("invalid", WORDS["token_invalid"]), ("used-before", V1_USED)])
def test_a_used_token_has_its_code(rule: str, words: str, emulate: Emulate) -> None:
    """A token that was used before is `token_invalid`, in either wording, and the wording does not show the token."""
    emulator = emulate(used_token=rule)
    now = int(time.time())

    def twin() -> ikpipe.Result:
        return signed(emulator, lambda claims: {**claims, "iat": now, "exp": now + 60}, use_unique_file_name=False)

    assert twin().status == "uploaded"
    with pytest.raises(ikpipe.AccountError, match=re.escape(words)):
        twin()


def test_a_foreign_key_has_its_code(emulator: Emulator) -> None:
    """A signature with another key is `token_invalid`, and stops a run that has no success to show."""
    with pytest.raises(ikpipe.AccountError, match=WORDS["token_invalid"]):
        signed(emulator, dict, key="somebody else's key, of which this one knows nothing")


# What is worth another attempt


class Again(NamedTuple):
    """What the emulator saw of a row that was sent more than once."""

    result: ikpipe.Result
    tokens: list[str]
    times: list[float]


def again(emulator: Emulator) -> Again:
    """Upload one file as often as it takes."""
    result = one(emulator.account, retries=5)
    uploads = uploads_of(emulator)
    return Again(result, [one["token"] for one in uploads], [one["time"] for one in uploads])


def test_a_busy_file_is_sent_again(emulate: Emulate) -> None:
    """The refusal "too many requests to update the file" passes: fresh tokens until it does."""
    result, tokens, _ = again(emulate(busy="a*", busy_times=2))
    assert (result.status, result.attempts, len(set(tokens))) == ("uploaded", 3, 3)


def test_a_rate_limit_is_waited_out(emulate: Emulate) -> None:
    """A 429 names its wait in milliseconds: it is kept, and then a fresh token goes out."""
    emulator = emulate(upload_rate=1, rate_interval=400)
    one(emulator.account)
    began = uploads_of(emulator)[0]["time"]
    result, tokens, times = again(emulator)
    assert (result.status, len(set(tokens))) == ("uploaded", len(tokens))
    assert 0.4 <= times[-1] - began < 5


@pytest.mark.parametrize(
    ("rules", "code"),
    [({"busy": "*", "busy_times": 99}, "busy"), ({"upload_rate": 0, "rate_interval": 60_000}, "rate_limited")],
)
def test_it_ends_when_retries_run_out(rules: dict[str, Any], code: str, emulate: Emulate) -> None:
    """Without retries left, the refusal stands under its own code."""
    result = one(emulate(**rules).account)
    assert (result.status, result.error, result.attempts) == ("failed", code, 1)


def test_an_answer_in_advance_is_accepted(emulator: Emulator) -> None:
    """A 202 has no file id yet: the row is `accepted`."""
    result = one(emulator.account, transformation={"pre": "w-4"})
    assert (result.status, result.error, result.file_id) == ("accepted", None, None)


def test_a_server_error_has_its_code(emulate: Emulate) -> None:
    """A 5xx without a word is `server_error`, in doubt where nobody can look, after some attempts with one token."""
    emulator = emulate(outage=503)
    result = signed(emulator, dict, policy=ikpipe.Policy(first_wait=0.01))
    assert (result.status, result.error, result.attempts) == ("unknown", "server_error", 1 + RESENDS)
    assert len({upload["token"] for upload in uploads_of(emulator)}) == 1


def test_a_server_error_is_settled_by_a_look(emulate: Emulate) -> None:
    """Where the library can be looked into, a file that is not there has failed, with the code of its trouble."""
    result = one(emulate(outage=500).account, policy=ikpipe.Policy(index_lag=0, first_wait=0.01))
    assert (result.status, result.error) == ("failed", "server_error")


def test_no_message_is_left_out() -> None:
    """Each message that the client knows is produced above."""
    alone = {*ALONE, *STOPPING, "name_taken", "token_invalid", "busy"}
    assert alone == set(MESSAGES.values())
