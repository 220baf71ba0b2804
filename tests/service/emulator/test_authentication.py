"""Authentication by a token: its signature, times, use and claims."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from emulator_client import Client, base64url, refused, sign

if TYPE_CHECKING:
    from collections.abc import Callable

INVALID = (400, "Your request has invalid token.")
EXPIRED = (400, "Your request contains expired token.")
MISMATCH = (
    400,
    "Your request contains invalid payload. It does not match with the payload used to generate token.",
)
BOTH = (
    400,
    (
        "Your request contains both token and basic auth parameter. "
        "Use only one method, you might be exposing your private API key."
    ),
)
NO_FILE = (400, "Your request is missing file parameter.")


def test_a_good_upload_is_answered_200(client: Client) -> None:
    """A token made by PyJWT, with the claims of the form, is accepted."""
    now, fields = int(time.time()), {"fileName": "a.bin"}
    token = jwt.encode(
        {**fields, "iat": now, "exp": now + 3600},
        client.emulator.private_key,
        "HS256",
        headers={"kid": client.emulator.public_key},
    )
    assert client.upload(token=token, **fields).status_code == 200


def test_missing_token(client: Client) -> None:
    """Without a token there is no upload."""
    assert refused(client.upload(token="")) == (400, "Your request is missing token parameter.")


def test_body_that_is_no_form_misses_its_token(client: Client) -> None:
    """A body that is not multipart is an empty form."""
    reply = client.http.post(client.emulator.upload_url, json={"file": "x"})
    assert refused(reply) == (400, "Your request is missing token parameter.")


def test_token_and_basic_auth_exclude_each_other(client: Client) -> None:
    """An Authorization header together with a token is rejected with the warning about the key."""
    assert refused(client.upload(headers={"Authorization": "Basic eDo="})) == BOTH


def test_expired_token(client: Client) -> None:
    """A token after its expiry is rejected as expired."""
    token = client.token({"fileName": "file.bin"}, issued=int(time.time()) - 61, life=60)
    assert refused(client.upload(token=token)) == EXPIRED


def test_leeway_takes_a_token_that_has_just_expired(start: Callable[..., Client]) -> None:
    """The rule `leeway` allows for a slow clock."""
    client = start(leeway=5)
    token = client.token({"fileName": "file.bin"}, issued=int(time.time()) - 61, life=60)
    assert client.upload(token=token).status_code == 200


HEADER = {"alg": "HS256", "typ": "JWT", "kid": "PUBLIC"}


@pytest.mark.parametrize(
    "change",
    [
        {"alg": "HS512"},
        {"alg": "none"},
        {"typ": "JWS"},
        {"kid": "public_of_another"},
        {"kid": None},
    ],
    ids=str,
)
def test_token_with_another_header(client: Client, change: dict[str, Any]) -> None:
    """Algorithm, type and key id must be the documented ones."""
    now = int(time.time())
    header = {**HEADER, "kid": client.emulator.public_key, **change}
    payload = {"fileName": "file.bin", "iat": now, "exp": now + 60}
    assert refused(client.upload(token=sign(header, payload, client.emulator.private_key))) == INVALID


@pytest.mark.parametrize(
    "times",
    [
        {},
        {"iat": 0},
        {"exp": 60},
        {"iat": 0, "exp": 3601},
        {"iat": 60, "exp": 0},
        {"iat": 0.0, "exp": 60},
        {"iat": 0, "exp": "60"},
        {"iat": False, "exp": 60},
        {"iat": 10**30, "exp": 10**30 + 60},
        pytest.param({"iat": 10**400, "exp": 10**400 + 60}, id="endless"),
    ],
    ids=str,
)
def test_token_with_bad_times(client: Client, times: dict[str, Any]) -> None:
    """Both times are whole numbers, at most an hour apart."""
    now = int(time.time())
    moved = {name: value if isinstance(value, str | bool) else value + now for name, value in times.items()}
    header = {**HEADER, "kid": client.emulator.public_key}
    token = sign(header, {"fileName": "file.bin", **moved}, client.emulator.private_key)
    assert refused(client.upload(token=token)) == INVALID


def test_token_of_another_key(client: Client) -> None:
    """A signature by another private key is rejected."""
    now = int(time.time())
    header = {**HEADER, "kid": client.emulator.public_key}
    token = sign(header, {"fileName": "file.bin", "iat": now, "exp": now + 60}, "private_of_somebody_else")
    assert refused(client.upload(token=token)) == INVALID


@pytest.mark.parametrize(
    "token",
    ["x", "a.b", "a.b.c", "....", "é.é.é", f"{base64url(b'[]')}.{base64url(b'[]')}.x", f"{base64url(b'{')}.x.y"],
)
def test_token_that_is_none(client: Client, token: str) -> None:
    """Any text that is not a token is rejected, and raises no other error."""
    assert refused(client.upload(token=token)) == INVALID


def test_longest_life_is_an_hour(client: Client) -> None:
    """A token for 3600 s is accepted."""
    assert client.upload(token=client.token({"fileName": "file.bin"}, life=3600)).status_code == 200


def test_token_works_once(client: Client) -> None:
    """The second upload with a token is rejected."""
    token = client.token({"fileName": "file.bin"})
    assert client.upload(token=token).status_code == 200
    assert refused(client.upload(token=token)) == INVALID


def test_used_token_in_the_words_of_v1(start: Callable[..., Client]) -> None:
    """The rule `used_token` selects the other message."""
    client = start(used_token="used-before")
    token = client.token({"fileName": "file.bin"})
    client.upload(token=token)
    status, message = refused(client.upload(token=token))
    assert (status, message.partition(". ")[0]) == (400, f"The token with value '{token}' has been used before")


def test_error_spends_the_token(client: Client) -> None:
    """A rejected request uses its token."""
    token = client.token({"fileName": "file.bin"})
    assert refused(client.upload(None, token=token)) == NO_FILE
    assert refused(client.upload(token=token)) == INVALID


def test_error_can_leave_the_token(start: Callable[..., Client]) -> None:
    """With `error_spends=False`, a rejected request leaves its token usable, and a successful one does not."""
    client = start(error_spends=False)
    token = client.token({"fileName": "file.bin"})
    assert refused(client.upload(None, token=token)) == NO_FILE
    assert client.upload(token=token).status_code == 200
    assert refused(client.upload(token=token)) == INVALID
    assert refused(client.upload(token=token)) == INVALID


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"fileName": "other.bin"},
        {"fileName": "file.bin", "tags": "x"},
        {"fileName": ["file.bin"]},
        {"fileName": "file.bin", "jti": "1"},
        {"fileName": "file.bin", "file": "some bytes"},
    ],
    ids=str,
)
def test_claims_that_are_not_the_fields(client: Client, claims: dict[str, Any]) -> None:
    """Missing, different or additional claims are a mismatch."""
    assert refused(client.upload(token=client.token(claims))) == MISMATCH


@pytest.mark.parametrize(
    ("claims", "status"),
    [({"jti": "1"}, 200), ({"nbf": 0, "sub": "a"}, 200), ({"tags": "x"}, 400), ({"mine": "x"}, 400)],
)
def test_claims_of_the_standard_can_be_ignored(start: Callable[..., Client], claims: Any, status: int) -> None:
    """With `other_claims="ignore"`, those that every JSON Web Token may have; all others stay a mismatch."""
    client = start(other_claims="ignore")
    assert client.upload(token=client.token({"fileName": "file.bin", **claims})).status_code == status


def test_field_that_is_no_claim(client: Client) -> None:
    """A field that was not signed is a mismatch."""
    assert refused(client.upload(token=client.token({"fileName": "file.bin"}), tags="x")) == MISMATCH


def test_field_sent_twice(client: Client) -> None:
    """A repeated field is a mismatch."""
    fields = [("fileName", (None, "a")), ("fileName", (None, "a")), ("file", ("a", b"x"))]
    form = [*fields, ("token", (None, client.token({"fileName": "a"})))]
    assert refused(client.http.post(client.emulator.upload_url, files=form)) == MISMATCH


def test_json_is_compared_as_text(client: Client) -> None:
    """JSON that is formatted differently than it was signed is a mismatch."""
    token = client.token({"fileName": "file.bin", "customMetadata": "{}"})
    assert refused(client.upload(token=token, customMetadata="{ }")) == MISMATCH


@pytest.mark.parametrize("claim", ["{}", {}], ids=str)
def test_json_can_be_compared_as_json(start: Callable[..., Client], claim: object) -> None:
    """With `payload="json"` the formatting of JSON does not matter."""
    client = start(payload="json")
    token = client.token({"fileName": "file.bin", "customMetadata": claim})
    assert client.upload(token=token, customMetadata="{ }").status_code == 200


def test_json_comparison_still_compares(start: Callable[..., Client]) -> None:
    """With `payload="json"` another value is still a mismatch."""
    client = start(payload="json")
    assert refused(client.upload(token=client.token({"fileName": "other"}))) == MISMATCH
