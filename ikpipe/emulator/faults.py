"""Faults on demand: what can go wrong between a client and the service, each at a rate.

They are accepted and checked; injecting them comes with a later step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

KINDS = (
    "refuse",
    "reset-before",
    "reset-middle",
    "reset-after",
    "store-then-cut",
    "429",
    "5xx",
    "slow",
    "truncated",
    "non-json",
    "index-delay",
)


class Faults:
    """Which faults fire, how often.

    Parameters
    ----------
    rates
        The probability of each kind, 0 to 1.
    seed
        Of the random numbers, so that a run can be repeated.

    Raises
    ------
    ValueError
        For an unknown kind, or a rate outside 0 to 1.
    """

    def __init__(self, rates: Mapping[str, float] | None = None, seed: int = 0) -> None:
        self.rates = dict(rates or {})
        self.seed = seed
        for kind, rate in self.rates.items():
            if kind not in KINDS:
                raise ValueError(f"there is no fault {kind!r}; there are {', '.join(KINDS)}")
            if not 0 <= rate <= 1:
                raise ValueError(f"the rate of {kind!r} is a probability, 0 to 1, not {rate}")
