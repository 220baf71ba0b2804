"""Faults on demand: their kinds and probabilities, when each spends the token, and how often each fired.

The service accepts a token once [upload docs]. When it counts as used if something fails is not documented [guess], so
it can be chosen for each kind of fault. `upload.fault_injection` applies to an upload the fault that is drawn here.
"""

import random
import threading
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

# when a token can count as spent; the first of each is the default
_BEFORE_ARRIVAL = ("never",)
_ON_ARRIVAL = ("never", "received")
_AS_USUAL = ("stored",)
_IN_RESPONSE = ("stored", "answered")


class FaultKind(NamedTuple):
    """A kind of fault: what happens to an upload, and when its token may count as spent."""

    effect: str
    moments: tuple[str, ...]

    @property
    def before_storing(self) -> bool:
        """Whether the upload has arrived, and nothing of it is stored."""
        return self.moments == _ON_ARRIVAL

    @property
    def damages_response(self) -> bool:
        """Whether the file is stored, and the response is lost or damaged."""
        return self.moments == _IN_RESPONSE


KINDS = {
    "refuse": FaultKind("the connection is closed as soon as it is opened", _BEFORE_ARRIVAL),
    "reset-before": FaultKind("the connection is reset before the body is read", _BEFORE_ARRIVAL),
    "reset-middle": FaultKind("the connection is reset when half of the body is read", _BEFORE_ARRIVAL),
    "reset-after": FaultKind("the connection is reset when the body is read; nothing is stored", _ON_ARRIVAL),
    "429": FaultKind("429 with a delay in milliseconds; nothing is stored", _ON_ARRIVAL),
    "5xx": FaultKind("500, 502, 503 or 504 with an empty body; nothing is stored", _ON_ARRIVAL),
    "slow": FaultKind("the response is delayed", _AS_USUAL),
    "store-then-cut": FaultKind("the file is stored; the connection is reset instead of a response", _IN_RESPONSE),
    "store-then-5xx": FaultKind("the file is stored; the response is a 5xx with an empty body", _IN_RESPONSE),
    "cut-answer": FaultKind("the file is stored; the connection is reset halfway through the response", _IN_RESPONSE),
    "truncated": FaultKind("the file is stored; the response is a 200 with half of its JSON", _IN_RESPONSE),
    "non-json": FaultKind("the file is stored; the response is a 200 with HTML", _IN_RESPONSE),
    "index-delay": FaultKind("the file is stored, and appears in lists and searches later", _AS_USUAL),
}
"""The kinds of fault. If several are drawn for an upload, the first of them fires."""

OUTAGES = (500, 502, 503, 504)


class Faults:
    """Draws faults, and counts those that fired.

    Parameters
    ----------
    rates
        The probability of each kind, 0 to 1.
    seed
        The seed of the random numbers. Each kind has its own sequence and draws one number per upload, so that runs
        with the same seed have the same faults, and an additional kind does not change the others.
    spends
        When the token counts as spent, by kind, if not at the kind's first moment: `never`, `received` (the request is
        read and the token verified, but nothing is stored), `stored` (whatever becomes of the response), `answered`
        (the whole response is sent; a fault that damages it leaves the token unused).

    Raises
    ------
    ValueError
        An unknown kind, a rate outside 0 to 1, or a moment that the kind does not have.
    """

    def __init__(
        self, rates: Mapping[str, float] | None = None, seed: int = 0, spends: Mapping[str, str] | None = None
    ) -> None:
        self.rates = dict(rates or {})
        self.spends = {name: kind.moments[0] for name, kind in KINDS.items()} | dict(spends or {})
        self.seed = seed
        self._random = {kind: random.Random(f"{seed} {kind}") for kind in KINDS}  # noqa: S311 - no secret
        self._lock = threading.Lock()
        self._fired: Counter[str] = Counter()
        self._check()

    def _check(self) -> None:
        for kind in [*self.rates, *self.spends]:
            if kind not in KINDS:
                raise ValueError(f"Unknown fault {kind!r}. Use one of {', '.join(KINDS)}.")
            if not 0 <= self.rates.get(kind, 0) <= 1:
                raise ValueError(f"The rate of the fault {kind!r} must be from 0 to 1, not {self.rates[kind]}.")
            if self.spends[kind] not in KINDS[kind].moments:
                allowed = " or ".join(map(repr, KINDS[kind].moments))
                raise ValueError(f"The fault {kind!r} can spend the token {allowed}, not {self.spends[kind]!r}.")

    @property
    def fired(self) -> Counter[str]:
        """How often each kind fired (a copy)."""
        with self._lock:
            return self._fired.copy()

    def report(self) -> dict[str, dict[str, object]]:
        """Return the rate, the moment and the count of each kind that has a rate."""
        fired = self.fired
        return {
            kind: {"rate": rate, "spends": self.spends[kind], "fired": fired[kind]} for kind, rate in self.rates.items()
        }

    def count(self, kind: str) -> None:
        """Count a fault that fired. One that is drawn need not fire: there may be no response to damage."""
        with self._lock:
            self._fired[kind] += 1

    def refuses(self) -> bool:
        """Draw whether to refuse a connection that was just opened, and count it, since no request will arrive."""
        refused = self._drawn("refuse")
        if refused:
            self.count("refuse")
        return refused

    def draw(self) -> str | None:
        """Return the fault of an upload that has just arrived, or None."""
        drawn = [kind for kind in KINDS if kind != "refuse" and self._drawn(kind)]
        return drawn[0] if drawn else None

    def choose_outage(self, kind: str) -> int:
        """Return a random 5xx status."""
        return self._random[kind].choice(OUTAGES)

    def _drawn(self, kind: str) -> bool:
        return kind in self.rates and self._random[kind].random() < self.rates[kind]
