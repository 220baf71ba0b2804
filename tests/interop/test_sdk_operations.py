"""Every operation of the official SDKs, unmodified, against an emulator."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sdks
from sdk_steps import complaints
from sdks import SDK, SDKS

if TYPE_CHECKING:
    from collections.abc import Callable

CONFORMANCE = Path(__file__).parents[2] / "docs" / "conformance.md"
CURRENT = {
    400: {"BadRequestError"},
    401: {"AuthenticationError"},
    403: {"PermissionDeniedError"},
    404: {"NotFoundError"},
    409: {"ConflictError"},
    429: {"RateLimitError"},
}
FORMER = {
    400: {"BadRequestException", "UnknownException"},
    403: {"ForbiddenException"},
    404: {"NotFoundException", "UnknownException"},
    409: {"ConflictException"},
    429: {"TooManyRequestsException"},
}
CLASSES = {"@imagekit/nodejs 7": CURRENT, "imagekitio 5": CURRENT, "imagekitio 4.2": FORMER, "imagekitio 3.2": FORMER}
"""The errors that an SDK raises, by the status; npm's `imagekit` has one for all."""
BY_NAME = {sdk.name: sdk for sdk in SDKS}
CASES = [
    pytest.param(sdk, position, id=f"{sdk.name}: {position} {step.operation}{f' {step.status}' if step.status else ''}")
    for sdk in SDKS
    for position, step in enumerate(sdk.scenario)
]


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, Any]]:
    """Play the scenario of an SDK, once."""
    return cache(lambda name: sdks.play(BY_NAME[name], tmp_path_factory.mktemp("sdk")))


@pytest.mark.parametrize(("sdk", "position"), CASES)
def test_operation(played: Callable[[str], dict[str, Any]], sdk: SDK, position: int) -> None:
    """An operation ends as the service documents it; an error has the message and the id of the request."""
    assert complaints(sdk.scenario[position], played(sdk.name)["played"][position]) == []


@pytest.mark.parametrize("sdk", SDKS, ids=lambda sdk: sdk.name)
def test_every_operation_is_called(played: Callable[[str], dict[str, Any]], sdk: SDK) -> None:
    """The SDK has no method that the scenario leaves out without a reason."""
    found = played(sdk.name)
    assert {*found["methods"]} == {*found["called"], *sdk.unused}


@pytest.mark.parametrize("sdk", CLASSES)
def test_each_status_is_an_error_of_its_own(played: Callable[[str], dict[str, Any]], sdk: str) -> None:
    """Programs can tell the errors apart by their classes."""
    raised: dict[int, set[str]] = {}
    for found in played(sdk)["played"]:
        if status := found.get("status"):
            raised.setdefault(status, set()).add(found["error"])
    assert raised == CLASSES[sdk]


@pytest.mark.parametrize("sdk", SDKS, ids=lambda sdk: sdk.name)
def test_the_documentation_has_the_number_of_operations(sdk: SDK) -> None:
    """Its table has a row for each SDK."""
    row = f"| `{sdk.package}` {sdk.version} | {len(sdk.operations)} | {len(sdk.scenario)} |"
    assert row in CONFORMANCE.read_text()
