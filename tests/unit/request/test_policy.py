"""What is believed of the service where nobody knows, and its bounds."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from ikpipe import MappingError, Policy


def test_a_policy_has_beliefs_of_its_own() -> None:
    """Nobody needs to know any of them: stored files appear within 30 s, and names are made here."""
    assert (Policy().index_lag, Policy().unique_names) == (30, "client")


@pytest.mark.parametrize("field", ["index_lag", "clock_skew", "first_wait", "look_ups", "look_up_names"])
@pytest.mark.parametrize("value", [-1, float("nan"), float("inf"), "1", None])
def test_its_numbers_are_not_negative(field: str, value: Any) -> None:
    """What is no finite number from 0 is refused, by the field's name."""
    with pytest.raises(MappingError, match=field):
        Policy(**{field: value})


@pytest.mark.parametrize("field", ["index_lag", "clock_skew", "first_wait", "look_ups", "look_up_names"])
def test_its_numbers_may_be_0(field: str) -> None:
    """No lag, no skew and no limit are beliefs too."""
    assert getattr(Policy(**{field: 0}), field) == 0


def test_names_are_made_here_or_there() -> None:
    """Nobody else makes them."""
    with pytest.raises(MappingError, match=r"'mine'.*one of 'client', 'service'"):
        Policy(unique_names="mine")  # type: ignore[arg-type]  # the mistake itself


def test_a_policy_does_not_change() -> None:
    """A run believes to its end what it believed at its beginning."""
    with pytest.raises(FrozenInstanceError):
        Policy().index_lag = 1  # type: ignore[misc]  # the mistake itself
