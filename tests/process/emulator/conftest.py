"""Emulators for the tests to talk to."""

from emulators import start  # noqa: F401 - a fixture
