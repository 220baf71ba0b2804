"""Emulators for the tests to talk to."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from emulator_client import LOOPBACK, Client

from ikpipe.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def start() -> Iterator[Callable[..., Client]]:
    """Start emulators with rules of their own, for one test."""
    with ExitStack() as stack:

        def begin(*arguments: Any, **options: Any) -> Client:
            emulator = stack.enter_context(Emulator(*arguments, **{**LOOPBACK, **options}))
            return Client(emulator, stack.enter_context(httpx.Client(timeout=60)))

        yield begin


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """One emulator with the default rules, for all tests of a module."""
    with Emulator(**LOOPBACK) as emulator, httpx.Client(timeout=60) as http:
        yield Client(emulator, http)
