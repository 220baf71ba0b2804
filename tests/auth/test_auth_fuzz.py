"""The authentication endpoint, asked what its OpenAPI document says, and what it does not: by schemathesis."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import jwt
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance
from signing import ALLOW, PRIVATE, PUBLIC, SHOP

from ikpipe import auth
from ikpipe.request.parameters import BY_WIRE

if TYPE_CHECKING:
    from collections.abc import Callable

EVERYTHING = [name for name in BY_WIRE if name != "file"]
WIDE = auth.Allow(who=lambda _request: "anna", parameters=EVERYTHING, folders=["/"], replace=True, rate=None)
MODES = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]


def checked(allow: auth.Allow, examples: int) -> Callable[[], None]:
    """Make a test of so many requests, each of whose answers is as the document says."""
    schema = schemathesis.openapi.from_asgi("/openapi.json", auth.endpoint(SHOP, allow=allow))
    cases = {mode: schema["/"]["POST"].as_strategy(generation_mode=mode) for mode in MODES}

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(st.data())
    def ask(data: Any) -> None:
        case = data.draw(cases[data.draw(st.sampled_from(MODES))])
        case.headers = {**(case.headers or {}), "Authorization": "Bearer of-anna"}
        answer = case.call()
        # What a text must be like (JSON, a folder, a tag) no schema says: that may be refused.
        case.validate_response(answer, excluded_checks=[positive_data_acceptance])
        assert answer.status_code in (200, 400, 403, 413, 415)
        if answer.status_code == 200:
            _signed(case.body, answer.json()["token"])

    return ask


def _signed(asked: Any, token: str) -> None:
    """See that exactly what was asked is signed, for no longer."""
    found = jwt.decode(token, PRIVATE, algorithms=["HS256"], options={"verify_iat": False, "verify_exp": False})
    iat, exp = found.pop("iat"), found.pop("exp")
    assert asked["publicKey"] == PUBLIC
    assert found == asked["uploadPayload"]
    assert 0 < exp - iat <= asked["expire"] <= 3600


@pytest.mark.slow
@pytest.mark.parametrize("allow", [ALLOW, WIDE], ids=["narrow", "wide"])
def test_the_endpoint_is_as_it_says(allow: auth.Allow) -> None:
    """Whatever is asked, the answer is one of the document's, and what is signed is what was asked."""
    checked(allow, 100)()


@pytest.mark.soak
def test_the_endpoint_is_as_it_says_for_five_minutes() -> None:
    """The same for five minutes, with a policy that allows everything and with one that allows little."""
    end = time.monotonic() + 300
    while time.monotonic() < end:
        checked(WIDE, 500)()
        checked(ALLOW, 200)()
