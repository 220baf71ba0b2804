"""Faults on demand: what can go wrong between a client and the service, how often, and whether the token is spent then.

The service takes a token once (`seed`), and leaves open when it counts as spent if something goes wrong (`guess`): for
each kind of fault the moment can be chosen. `upload.fault_injection` does to uploads what is drawn here.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

# the moments at which a token can count as spent; the first of a kind is the one where nobody chooses
_ON_THE_WAY = ("never",)
_ON_ARRIVAL = ("never", "received")
_AS_EVER = ("stored",)
_ON_THE_WAY_BACK = ("stored", "answered")


class FaultKind(NamedTuple):
    """A kind of fault: what happens to an upload, and the moments at which its token may count as spent."""

    what: str
    moments: tuple[str, ...]

    @property
    def before_storing(self) -> bool:
        """Whether the fault strikes an upload that has arrived, and of which nothing is stored."""
        return self.moments == _ON_ARRIVAL

    @property
    def spoils_answer(self) -> bool:
        """Whether the fault strikes the answer of a file that is stored."""
        return self.moments == _ON_THE_WAY_BACK


KINDS = {
    "refuse": FaultKind("the connection is closed as soon as it is opened", _ON_THE_WAY),
    "reset-before": FaultKind("the connection is reset before the body is read", _ON_THE_WAY),
    "reset-middle": FaultKind("the connection is reset when half of the body is read", _ON_THE_WAY),
    "reset-after": FaultKind("the connection is reset when the body is read; nothing is stored", _ON_ARRIVAL),
    "429": FaultKind("too many requests, to be repeated after milliseconds; nothing is stored", _ON_ARRIVAL),
    "5xx": FaultKind("500, 502, 503 or 504 with an empty body; nothing is stored", _ON_ARRIVAL),
    "slow": FaultKind("the answer takes longer", _AS_EVER),
    "store-then-cut": FaultKind(
        "the file is stored, and the connection is reset instead of an answer", _ON_THE_WAY_BACK
    ),
    "store-then-5xx": FaultKind("the file is stored, and the answer is a 5xx with an empty body", _ON_THE_WAY_BACK),
    "cut-answer": FaultKind(
        "the file is stored, and the connection is reset when half of the answer has left", _ON_THE_WAY_BACK
    ),
    "truncated": FaultKind("the file is stored, and the answer is a 200 with half of its JSON", _ON_THE_WAY_BACK),
    "non-json": FaultKind("the file is stored, and the answer is a 200 with HTML", _ON_THE_WAY_BACK),
    "index-delay": FaultKind("the file is stored, and appears in lists and searches later", _AS_EVER),
}
"""The kinds of fault; the first that is drawn for an upload is the one that fires."""

OUTAGES = (500, 502, 503, 504)


class Faults:
    """Which faults fire, how often, and how often they did.

    Parameters
    ----------
    rates
        The probability of each kind, 0 to 1.
    seed
        Of the random numbers. Each kind draws its own, one an upload, so that a run with the same seed has the same
        faults and a further kind does not move the others.
    spends
        The moment at which the token counts as spent, by kind, where it is not to be the kind's first: `never`,
        `received` (the request is read and the token proved, though nothing is stored), `stored` (whatever becomes of
        the answer), `answered` (the whole answer has left: what the fault spoils leaves the token unused).

    Raises
    ------
    ValueError
        For an unknown kind, a rate outside 0 to 1, or a moment that the kind does not have.
    """

    def __init__(
        self, rates: Mapping[str, float] | None = None, seed: int = 0, spends: Mapping[str, str] | None = None
    ) -> None:
        self.rates = dict(rates or {})
        self.spends = {kind: known.moments[0] for kind, known in KINDS.items()} | dict(spends or {})
        self.seed = seed
        self._random = {kind: random.Random(f"{seed} {kind}") for kind in KINDS}  # noqa: S311 - a rehearsal, no secret
        self._lock = threading.Lock()
        self._fired: Counter[str] = Counter()
        for kind, rate in self.rates.items():
            _check_rate(kind, rate)
        for kind, moment in self.spends.items():
            _check_moment(kind, moment)

    @property
    def fired(self) -> Counter[str]:
        """How often each kind fired; a copy."""
        with self._lock:
            return self._fired.copy()

    def ledger(self) -> dict[str, dict[str, object]]:
        """Give for each kind that has a rate: the rate, the moment, and how often it fired."""
        fired = self.fired
        return {
            kind: {"rate": rate, "spends": self.spends[kind], "fired": fired[kind]} for kind, rate in self.rates.items()
        }

    def count(self, kind: str) -> None:
        """Note that a fault fired: what is drawn for an upload need not, as where there is no answer to spoil."""
        with self._lock:
            self._fired[kind] += 1

    def refuses(self) -> bool:
        """Draw for a connection that was just opened; no request will arrive, so that this is all that is known."""
        fires = self._fires("refuse")
        if fires:
            self.count("refuse")
        return fires

    def draw(self) -> str | None:
        """Draw for an upload that has just arrived."""
        fired = [kind for kind in KINDS if kind != "refuse" and self._fires(kind)]
        return fired[0] if fired else None

    def choose_outage(self, kind: str) -> int:
        """Draw the status of a 5xx."""
        return self._random[kind].choice(OUTAGES)

    def _fires(self, kind: str) -> bool:
        return kind in self.rates and self._random[kind].random() < self.rates[kind]


def _check_kind(kind: str) -> None:
    if kind not in KINDS:
        raise ValueError(f"there is no fault {kind!r}; there are {', '.join(KINDS)}")


def _check_rate(kind: str, rate: float) -> None:
    _check_kind(kind)
    if not 0 <= rate <= 1:
        raise ValueError(f"the rate of {kind!r} is a probability, 0 to 1, not {rate}")


def _check_moment(kind: str, moment: str) -> None:
    _check_kind(kind)
    if moment not in KINDS[kind].moments:
        allowed = " or ".join(map(repr, KINDS[kind].moments))
        raise ValueError(f"the fault {kind!r} spends the token {allowed}, not {moment!r}")
