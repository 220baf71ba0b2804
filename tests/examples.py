"""How many examples Hypothesis plays: in proportion to the profile, so that `make check` plays fewer everywhere."""

from __future__ import annotations

from hypothesis import settings

USUAL = 100  # of Hypothesis itself


def plays(count: int) -> settings:
    """Return the settings of a test that plays `count` examples, or as much fewer or more as the profile plays."""
    return settings(max_examples=max(1, count * settings.default.max_examples // USUAL))
