"""Uploads by the private key, by V1 and V2, and by V1's signature."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from emulator_client import Client, picture, refused

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

V1, V2 = "/api/v1/files/upload", "/api/v2/files/upload"
NO_KEY = (401, "Your request does not contain private API key.")
NOT_AUTHENTICATED = (403, "Your account cannot be authenticated.")


def post(client: Client, path: str, fields: dict[str, str], key: str | None = None) -> httpx.Response:
    """Upload an image, with the private key if there is one."""
    form = [*((name, (None, value)) for name, value in fields.items()), ("file", ("a.jpg", picture()))]
    auth = None if key is None else (key, "")
    return client.http.post(client.emulator.url + path, files=form, auth=auth)  # type: ignore[arg-type]


def proof(client: Client, *, until: int | None = None, **changes: str | None) -> dict[str, str]:
    """Sign as documented, then change some fields; None leaves a field out."""
    token, expire = str(uuid.uuid4()), str(int(time.time()) + 1800 if until is None else until)
    signature = hmac.new(client.emulator.private_key.encode(), (token + expire).encode(), hashlib.sha1).hexdigest()
    fields = {"token": token, "expire": expire, "signature": signature, "publicKey": client.emulator.public_key}
    return {name: value for name, value in {**fields, **changes}.items() if value is not None}


@pytest.mark.parametrize("path", [V1, V2])
def test_private_key(client: Client, path: str) -> None:
    """The private key authorizes an upload without a token [docs], and the log has no token."""
    reply = post(client, path, {"fileName": "a.jpg", "tags": "a,b", "folder": "/key"}, client.emulator.private_key)
    assert (reply.status_code, reply.json()["width"]) == (200, 20)
    entry = client.emulator.log()[-1]
    assert (entry["path"], entry["token"], entry["authorization"]) == (path, None, True)


@pytest.mark.parametrize("path", [V1, V2])
def test_another_key(client: Client, path: str) -> None:
    """Another key is rejected."""
    assert refused(post(client, path, {"fileName": "a"}, "private_other")) == NOT_AUTHENTICATED


def test_header_that_is_no_key(client: Client) -> None:
    """Other kinds of authorization have no key, and invalid base64 is a wrong key."""
    for header, answer in {"Bearer x": NO_KEY, "Basic é".encode().decode("latin-1"): NOT_AUTHENTICATED}.items():
        reply = client.http.post(client.emulator.url + V1, headers={"Authorization": header.encode("latin-1")})
        assert refused(reply) == answer


def test_signature(client: Client) -> None:
    """Token, expiry and signature authorize an upload from a browser [docs]."""
    reply = post(client, V1, {"fileName": "a.jpg", "useUniqueFileName": "false", **proof(client)})
    assert (reply.status_code, reply.json()["name"]) == (200, "a.jpg")


def test_nothing(client: Client) -> None:
    """A V1 upload without any authorization is missing the key."""
    assert refused(post(client, V1, {"fileName": "a"})) == NO_KEY


@pytest.mark.parametrize("name", ["token", "expire", "signature", "publicKey"])
def test_part_of_the_proof(client: Client, name: str) -> None:
    """All four fields are required."""
    changes: dict[str, Any] = {name: None}
    words = f"Your request is missing {name} parameter."
    assert refused(post(client, V1, {"fileName": "a", **proof(client, **changes)})) == (400, words)


@pytest.mark.parametrize("changes", [{"signature": "0" * 40}, {"token": "other"}, {"expire": None}, {"signature": "é"}])
def test_signature_of_something_else(client: Client, changes: dict[str, Any]) -> None:
    """A signature is valid for one token and one expiry."""
    fields = proof(client, **changes)
    fields.setdefault("expire", str(int(time.time()) + 5))
    words = "Your request contains invalid signature parameter."
    assert refused(post(client, V1, {"fileName": "a", **fields})) == (400, words)


@pytest.mark.parametrize("ahead", [-1, 3700])
def test_time_of_the_signature(client: Client, ahead: int) -> None:
    """The expiry is in the future, by less than an hour [docs]."""
    reply = post(client, V1, {"fileName": "a", **proof(client, until=int(time.time()) + ahead)})
    assert refused(reply)[1].startswith("Your request contains invalid expire parameter.")


@pytest.mark.parametrize("until", ["soon", "9" * 5000], ids=["soon", "endless"])
def test_time_that_is_none(client: Client, until: str) -> None:
    """An expiry that is not a number, or is too long, is rejected."""
    fields = proof(client)
    fields["expire"] = until
    text = fields["token"] + until
    fields["signature"] = hmac.new(client.emulator.private_key.encode(), text.encode(), hashlib.sha1).hexdigest()
    assert refused(post(client, V1, {"fileName": "a", **fields}))[0] == 400


def test_public_key_of_another_account(client: Client) -> None:
    """Another public key is rejected."""
    assert refused(post(client, V1, {"fileName": "a", **proof(client, publicKey="public_x")})) == NOT_AUTHENTICATED


def test_token_works_once(client: Client) -> None:
    """A used token is rejected with V1's message, even after an error and with another expiry [docs]."""
    fields = proof(client)
    assert refused(post(client, V1, fields))[0] == 400
    status, message = refused(post(client, V1, {"fileName": "a", **fields}))
    assert (status, message.partition(". ")[0]) == (
        400,
        f"The token with value '{fields['token']}' has been used before",
    )
    assert fields["token"] not in str(client.emulator.log())


def test_tokens_are_told_apart_in_the_log(client: Client) -> None:
    """Other tokens have other digests; the signature is not in the log."""
    proofs = [proof(client) for _ in range(2)]
    for fields in proofs:
        post(client, V1, {"fileName": "a", **fields})
    entries = client.emulator.log()[-2:]
    assert len({entry["token"] for entry in entries}) == 2
    assert all(entry["fields"].keys() == {"fileName", "expire", "publicKey"} for entry in entries)


def test_both_methods(client: Client) -> None:
    """V1 also rejects a key together with a token [spec]."""
    status, message = refused(post(client, V1, {"fileName": "a", **proof(client)}, client.emulator.private_key))
    assert (status, message.partition(" ")[0]) == (400, "Your")
    assert "both token and basic auth" in message


def test_both_versions_share_a_queue_and_their_faults(start: Callable[..., Client]) -> None:
    """Rules and faults for uploads apply to V1 as to V2, also without a token."""
    client = start(faults={"store-then-5xx": 1}, spends={"store-then-5xx": "answered"}, upload_rate=2)
    key = client.emulator.private_key
    assert [post(client, path, {"fileName": "a"}, key).status_code // 100 for path in (V1, V2)] == [5, 5]
    assert post(client, V1, {"fileName": "a"}, key).status_code == 429
    assert len(client.api("GET", "/v1/files").json()) == 2


def test_received_by_key(start: Callable[..., Client]) -> None:
    """A fault after the token's verification also fires for an upload with the key."""
    client = start(faults={"429": 1}, spends={"429": "received"})
    assert post(client, V1, {"fileName": "a"}, client.emulator.private_key).status_code == 429
    assert refused(post(client, V1, {"fileName": "a"}, "private_other")) == NOT_AUTHENTICATED


def test_preflight(client: Client) -> None:
    """A preflight request is allowed, as for V2."""
    assert client.http.options(client.emulator.url + V1).status_code == 204


def test_password_beside_the_key(client: Client) -> None:
    """The password is ignored, since official SDKs send one [sdk]; the colon after the key is required."""
    for text, status in {":x": 400, ":": 400, "": 403, "x:": 403}.items():
        header = "Basic " + base64.b64encode(f"{client.emulator.private_key}{text}".encode()).decode()
        assert client.http.post(client.emulator.url + V1, headers={"Authorization": header}).status_code == status
