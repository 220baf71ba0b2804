"""Emulators for the tests to talk to."""

from emulators import client, start  # noqa: F401 - fixtures
