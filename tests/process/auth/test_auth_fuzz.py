"""The authentication endpoint, asked for what it may sign, what it may not, and what is no request at all."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from asgi import call
from examples import plays
from hypothesis import given
from hypothesis import strategies as st
from signing import ALLOW, ASKS, PRIVATE, PUBLIC, SHOP

from ikpipe import auth
from ikpipe.request.parameters import BY_WIRE

if TYPE_CHECKING:
    from collections.abc import Callable

EVERYTHING = [name for name in BY_WIRE if name != "file"]
WIDE = auth.Allow(who=lambda _request: "anna", parameters=EVERYTHING, folders=["/"], replace=True, rate=None)

TEXT = st.text(max_size=20) | st.sampled_from(["true", "false", "/users/anna/", "a.jpg", "summer", "[]", "{}", "w-400"])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXT
ANYTHING = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner))
PAYLOAD = st.dictionaries(st.sampled_from(EVERYTHING), TEXT).map(lambda fields: {"fileName": "a.jpg", **fields})
VALID = st.fixed_dictionaries(
    {"uploadPayload": PAYLOAD, "expire": st.integers(1, 3600), "publicKey": st.just(PUBLIC)},
)
CHANGES = st.dictionaries(st.sampled_from(["uploadPayload", "expire", "publicKey"]) | TEXT, ANYTHING, min_size=1)
CHANGED = st.builds(lambda asked, changes: asked | changes, VALID, CHANGES)
BODY = st.one_of(VALID, CHANGED, ANYTHING).map(lambda asked: json.dumps(asked).encode()) | st.binary()


def checked(allow: auth.Allow, examples: int) -> Callable[[], None]:
    """Make a test of so many requests, or as the profile has it: each is signed as it is, or refused with a message."""
    app = auth.endpoint(SHOP, allow=allow)

    @plays(examples)
    @given(BODY)
    def ask(body: bytes) -> None:
        answer = call(app, body, ASKS)
        if answer.status == 200:
            _signed(json.loads(body), answer.json["token"])
        else:
            assert answer.status in (400, 403)
            assert [type(value) for value in answer.json.values()] == [str]

    return ask


def _signed(asked: Any, token: str) -> None:
    """See that exactly what was asked is signed, for no longer."""
    found = jwt.decode(token, PRIVATE, algorithms=["HS256"], options={"verify_iat": False, "verify_exp": False})
    iat, exp = found.pop("iat"), found.pop("exp")
    assert asked["publicKey"] == PUBLIC
    assert found == asked["uploadPayload"]
    assert 0 < exp - iat <= asked["expire"] <= 3600


@pytest.mark.parametrize("allow", [ALLOW, WIDE], ids=["narrow", "wide"])
def test_it_signs_what_was_asked_or_refuses(allow: auth.Allow) -> None:
    """Whatever is asked is answered, and what is signed is what was asked."""
    checked(allow, 200)()


@pytest.mark.soak
def test_it_signs_what_was_asked_or_refuses_for_five_minutes() -> None:
    """The same for five minutes, with a policy that allows everything and with one that allows little."""
    end = time.monotonic() + 300
    while time.monotonic() < end:
        checked(WIDE, 2000)()
        checked(ALLOW, 1000)()
