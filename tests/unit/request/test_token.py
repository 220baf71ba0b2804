"""A token carries the very texts of its form, is like no other, and shows nothing of the key that made it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
import warnings
from typing import Any

import jwt
import pytest
from examples import plays
from hypothesis import given
from hypothesis import strategies as st

import ikpipe
from ikpipe import Account, MappingError
from ikpipe.request.token import (
    LONGEST,
    LocalSigner,
    TokenTimes,
    UploadToken,
    read_token,
    remote_expire,
    signing_request,
)

ACCOUNT = Account("public_abc", "private_0123456789abcdef0123456789abcdef")
FIELDS = {"fileName": "dress.jpg", "useUniqueFileName": "false", "customMetadata": '{"brand":"Nike™","size":42}'}

REGISTERED = ("iat", "exp", "iss", "aud", "nbf", "sub", "jti")  # which PyJWT checks
texts = st.dictionaries(st.text(min_size=1).filter(lambda name: name not in REGISTERED), st.text())


def pieces(text: str) -> tuple[dict[str, Any], dict[str, Any], bytes]:
    """Take a token apart without any library for tokens: header, claims, signature."""
    head, claims, signature = (base64.urlsafe_b64decode(part + "==") for part in text.split("."))
    return json.loads(head), json.loads(claims), signature


@given(texts, st.sampled_from([str(ACCOUNT.private_key), "private_short", "private_x+/=" * 9]))
def test_a_token_is_the_very_text_that_pyjwt_writes(fields: dict[str, str], key: str) -> None:
    """What is the same for every token is made once, and nothing is other than by its own `encode`."""
    with warnings.catch_warnings(action="ignore"):  # PyJWT's, of the short key
        expected = jwt.encode({**fields, "iat": 1, "exp": 2}, key, "HS256", {"kid": "public_e"})
    assert LocalSigner(Account("public_e", key)).sign_at(fields, 1, 2) == UploadToken(expected, 1, 2)


def test_a_signer_shows_no_key() -> None:
    """Not even to a tool that shows what every object holds."""
    held = vars(LocalSigner(ACCOUNT))
    assert str(ACCOUNT.private_key) not in repr(held)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.5

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


# What is signed


@given(texts)
def test_claims_are_the_forms_texts(fields: dict[str, str]) -> None:
    """Whatever the form's texts are, the claims are the same texts, and `iat` and `exp` besides."""
    token = LocalSigner(ACCOUNT).sign(fields)
    unread = {f"verify_{name}": False for name in ("aud", "iss", "jti", "nbf", "sub")}  # fields like others here
    claims = jwt.decode(token.text, str(ACCOUNT.private_key), ["HS256"], unread)
    assert claims == {**fields, "iat": token.iat, "exp": token.exp}


def test_times_are_the_only_claims_that_are_numbers() -> None:
    """Each claim is text, whatever it looks like, but for `iat` and `exp`."""
    claims = pieces(LocalSigner(ACCOUNT).sign({**FIELDS, "overwriteFile": "1"}).text)[1]
    assert {name for name, value in claims.items() if not isinstance(value, str)} == {"iat", "exp"}
    assert (type(claims["iat"]), type(claims["exp"])) == (int, int)


def test_header_is_the_seeds() -> None:
    """The header has the algorithm, the type and the public key, and nothing else."""
    header = pieces(LocalSigner(ACCOUNT).sign(FIELDS).text)[0]
    assert header == {"alg": "HS256", "typ": "JWT", "kid": "public_abc"}


def test_signature_is_the_seeds_formula() -> None:
    """HMACSHA256(base64url(header) + "." + base64url(payload), key), reckoned by hand."""
    text = LocalSigner(ACCOUNT).sign(FIELDS).text
    signed = text.rpartition(".")[0].encode()
    expected = hmac.new(str(ACCOUNT.private_key).encode(), signed, hashlib.sha256).digest()
    assert pieces(text)[2] == expected


def test_another_key_does_not_verify() -> None:
    """A token is worth nothing under another key."""
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(LocalSigner(ACCOUNT).sign(FIELDS).text, "private_another-key-of-32-characters-", ["HS256"])


def test_short_key_signs_without_a_warning() -> None:
    """The service chose the key's length, so nobody is warned of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert LocalSigner(Account("public_abc", "private_short")).sign(FIELDS).text.count(".") == 2


def test_token_does_not_show() -> None:
    """A token's `repr` has none of its text: whoever holds it may upload."""
    token = LocalSigner(ACCOUNT).sign(FIELDS)
    assert token.text.split(".")[2] not in repr(token)


def test_service_accepts_it_now() -> None:
    """With the real clock, a token is neither of the future nor expired."""
    token = LocalSigner(ACCOUNT).sign(FIELDS)
    assert token.iat <= time.time() < token.exp


# Its times


@plays(20)  # of 10,000 pairs each
@given(
    st.lists(st.sampled_from([0, 0, 0, 0.01, 0.4, 1, 7, 60, 400]), max_size=40), st.integers(0), st.integers(0, 9999)
)
def test_no_two_pairs_are_equal(moves: list[float], stripe: int, start: int) -> None:
    """However a clock moves on between them, 10,000 pairs of `iat` and `exp` all differ."""
    clock = Clock()
    times = TokenTimes(clock, stripe, start)
    pairs = []
    for move in [*moves, 0]:
        pairs += [times.next() for _ in range(10_000 // (len(moves) + 1))]
        clock.now += move
    assert len(set(pairs)) == len(pairs)


@given(st.integers(1, LONGEST), st.floats(1, 4e9), st.integers(0), st.integers(0, 2_000_000))
def test_times_keep_their_bounds(lifetime: int, now: float, stripe: int, start: int) -> None:
    """`iat` is never in the future, `exp` never in the past, and they are at most the lifetime apart."""
    iat, exp = TokenTimes(lambda: now, stripe, start).next(lifetime)
    assert iat <= now < exp
    assert 0 < exp - iat <= lifetime <= LONGEST


@plays(40)  # of 4,000 pairs each
@given(st.integers(0), st.integers(0, 3600), st.integers(0, 3600), st.integers(1, 20))
def test_neighbouring_processes_keep_apart(pid: int, start: int, other: int, distance: int) -> None:
    """Processes with neighbouring ids sign 2,000 equal rows each in one second without meeting."""
    mine, theirs = TokenTimes(lambda: 0, pid, start), TokenTimes(lambda: 0, pid + distance, other)
    assert not {mine.next() for _ in range(2000)} & {theirs.next() for _ in range(2000)}


def test_two_runs_of_one_process_keep_apart() -> None:
    """Signers made one after another, or side by side in threads, go on with each other's times."""
    signers = [LocalSigner(ACCOUNT) for _ in range(4)]
    tokens = [signer.sign(FIELDS).text for signer in signers for _ in range(500)]
    assert len(set(tokens)) == len(tokens)


@pytest.mark.parametrize("lifetime", [0, -1, 3601, 86400])
def test_lifetime_has_bounds(lifetime: int) -> None:
    """A lifetime of nothing, or over an hour, is an error of the call."""
    with pytest.raises(MappingError, match=f"lifetime={lifetime}: .*between 1 and 3,600 seconds"):
        LocalSigner(ACCOUNT, lifetime=lifetime).sign(FIELDS)


# The other signer


def test_endpoint_is_asked_as_in_the_seed() -> None:
    """The request has the payload, the lifetime and the public key, under the seed's names."""
    assert signing_request(FIELDS, ACCOUNT, 400) == {
        "uploadPayload": FIELDS,
        "expire": 400,
        "publicKey": "public_abc",
    }


def test_endpoint_gets_another_expiry_each_time() -> None:
    """An endpoint that signs 400 equal rows within one second is asked for 400 different lifetimes."""
    times = TokenTimes(lambda: 0)
    asked = [remote_expire(times) for _ in range(400)]
    assert len(set(asked)) == len(asked)
    assert all(0 < expire < LONGEST for expire in asked)


def test_endpoints_token_is_taken_as_it_is() -> None:
    """The token's text is kept, and its times are read from it."""
    text = jwt.encode({"iat": 10, "exp": 20}, str(ACCOUNT.private_key), "HS256")
    assert read_token(200, {"token": text}) == UploadToken(text, 10, 20)


def encoded(claims: dict[str, object]) -> str:
    """Write claims as a token, whatever is in them."""
    parts = ({"alg": "HS256"}, claims, "x")
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (403, {"token": "hunter2"}),
        (200, {"jwt": "hunter2"}),
        (200, {"token": 12}),
        (200, "hunter2"),
        (200, None),
        (200, {"token": "hunter2"}),
        (200, {"token": encoded({"fileName": "hunter2"})}),
        (200, {"token": encoded({"iat": "hunter2", "exp": 20})}),
        (200, {"token": encoded({"iat": float("inf"), "exp": 20})}),
        (200, {"token": encoded({"iat": [], "exp": 20})}),
    ],
)
def test_answer_that_is_no_token_shows_nothing(status: int, body: object) -> None:
    """What the endpoint gave instead of a token is refused, without a word of it."""
    with pytest.raises(ValueError, match=r"without a token|not a JWT with iat and exp") as caught:
        read_token(status, body)
    assert "hunter2" not in str(caught.value)


# The function `sign`


def test_sign_takes_either_spelling() -> None:
    """Parameters in either spelling are checked, and signed as they would be sent."""
    claims = pieces(ikpipe.sign({"file_name": "a.jpg", "useUniqueFileName": False, "tags": ["x", "y"]}, ACCOUNT))[1]
    assert {"fileName": "a.jpg", "useUniqueFileName": "false", "tags": "x,y"}.items() <= claims.items()


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"flie_name": "a"}, "no parameter 'flie_name' to sign.*did you mean 'file_name'"),
        ({"file": "https://a/b"}, "no parameter 'file' to sign"),
        ({"token": "x"}, "no parameter 'token' to sign"),
        ({"tags": "100%"}, 'tags=.*Remove the "%"'),
    ],
)
def test_sign_refuses_what_breaks_a_rule(parameters: dict[str, str], words: str) -> None:
    """What is no signed parameter, or breaks its rule, is an error of the call."""
    with pytest.raises(MappingError, match=words):
        ikpipe.sign(parameters, ACCOUNT)


def test_sign_keeps_its_lifetime() -> None:
    """A token of 60 seconds lives at most so long."""
    claims = pieces(ikpipe.sign({"file_name": "a.jpg"}, ACCOUNT, lifetime=60))[1]
    assert 0 < claims["exp"] - claims["iat"] <= 60


def test_two_equal_calls_of_sign_differ() -> None:
    """Whoever signs the same parameters twice in one second may use both tokens."""
    tokens = {ikpipe.sign({"file_name": "a.jpg"}, ACCOUNT) for _ in range(200)}
    assert len(tokens) == 200
