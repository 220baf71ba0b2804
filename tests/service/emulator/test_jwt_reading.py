"""Verification of the token, compared with PyJWT."""

from __future__ import annotations

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ikpipe.emulator.error_responses import ErrorResponse
from ikpipe.emulator.upload import jwt_reading

KEYS = jwt_reading.AccountKeys("public_of_the_tests", "private_of_the_tests_with_more_than_32_bytes")
HEADERS = {"kid": KEYS.public}
CLAIMS = st.dictionaries(st.text().filter(lambda name: name not in {"iat", "exp"}), st.text(), max_size=5)


def make(claims: dict[str, str], life: int = 60) -> str:
    """Make a token with PyJWT."""
    return jwt.encode({**claims, "iat": 1_000, "exp": 1_000 + life}, KEYS.private, "HS256", headers=HEADERS)


@given(CLAIMS.filter(lambda claims: not claims.keys() & {"nbf", "aud", "iss", "sub", "jti"}), st.integers(0, 3600))
def test_what_pyjwt_signs_is_genuine(claims: dict[str, str], life: int) -> None:
    """Claims of any text come out as they were signed, without the times."""
    token = jwt_reading.read(make(claims, life), KEYS)
    assert (token.claims, token.expires) == (claims, 1_000 + life)


@given(st.data())
def test_no_character_can_be_changed(data: st.DataObject) -> None:
    """A token with any character changed is rejected, also the last one of the signature."""
    text = make({"fileName": "a.jpg"})
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from("ABCabc012-_.=").filter(lambda c: c != text[place]))
    with pytest.raises(ErrorResponse, match="invalid token"):
        jwt_reading.read(text[:place] + other + text[place + 1 :], KEYS)


@given(st.text())
def test_any_text_is_answered(text: str) -> None:
    """Text that is not a token is rejected, and raises no other error."""
    with pytest.raises(ErrorResponse, match="invalid token"):
        jwt_reading.read(text, KEYS)


def test_digests_tell_tokens_apart() -> None:
    """Different tokens have different digests, and a token always has the same one."""
    first, second = make({}), make({}, 61)
    assert jwt_reading.digest(first) == jwt_reading.digest(first) != jwt_reading.digest(second)


def test_private_key_does_not_show() -> None:
    """`repr` shows only the public key."""
    assert KEYS.private not in repr(KEYS)
