"""How many examples Hypothesis plays: in proportion to the profile, so that `make check` plays fewer everywhere."""

from __future__ import annotations

from hypothesis import settings

USUAL = 100  # of Hypothesis itself


def share(count: int) -> int:
    """Return `count`, or as much less or more as the profile plays; at least 1."""
    return max(1, count * settings.default.max_examples // USUAL)


def plays(count: int) -> settings:
    """Return the settings of a test that plays `count` examples, or as much fewer or more as the profile plays."""
    return settings(max_examples=share(count))
