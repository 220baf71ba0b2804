"""Fixtures of the command line."""

from commands import ikp, nobody, pictures, sign_in, signed_in, table  # noqa: F401 - fixtures
