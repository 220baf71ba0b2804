"""How the parts of a job that run at the same time share its limits, in processes and on machines of their own.

Theory of operation
-------------------
The limits of a job are divided into *units*. A ledger, which all parts of the job reach, says how many units each
running part has. They never add up to more than there are, so the parts together keep each limit. A part has the
fraction of its units of every limit: the rate, the bandwidth, the uploads in flight.

Each part renews its units every `INTERVAL` seconds. It aims at an equal share of the parts that run now, and gets as
much of it as the others have left. So a part that starts first gets what the others give back when they renew theirs,
and the units of a part that has ended go to those that still run. Units of a part that does not renew them for `LEASE`
seconds are free again, since its process is dead. At first a part gets no more than one of as many equal shares as
parts are expected to run: usually others start at the same time. Where parts cannot reach a ledger, each keeps such a
share, however few run.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple, Protocol

INTERVAL = 0.5  # seconds between renewals
FIRST_INTERVAL = 0.1  # after the first renewal, and while a part waits for its first units
LEASE = 15.0  # seconds after which units that were not renewed are free
MANY = 100  # parts: more of them renew their units less often, so that the ledger has as much to do
UNITS = 1 << 20  # of limits that can be divided at will
_LEAST = 1e-6  # a fraction of the limits that stands for none, since no rate is 0

_log = logging.getLogger("ikpipe.cluster")

Parts = dict[str, list[float]]
"""What a ledger contains: of each part its units, and when it renewed them, in seconds of the ledger's clock."""


class Claim(NamedTuple):
    """What a part asks the ledger for.

    `part` identifies it. There are `units` in all, of which at most `slots` parts have some at the same time. `kept` is
    how many of its units the part uses and cannot give back yet. `expected` is how many parts will probably run.
    `ended`: the part gives everything back.
    """

    part: str
    units: int
    slots: int
    kept: int = 0
    expected: int = 1
    ended: bool = False


class Grant(NamedTuple):
    """What the ledger replies: how many units a part has from now on, and how many parts run."""

    units: int
    parts: int


class Ledger(Protocol):
    """A place that all parts of a job reach. `slots` is how many of them may have units at the same time; None: all."""

    @property
    def slots(self) -> int | None:
        """The maximum number of parts that have units."""

    def renew(self, job: str, claim: Claim) -> Grant:
        """Carry out a claim of a part of a job; raise an exception if the ledger cannot be reached."""


def renew(parts: Parts, claim: Claim, now: float) -> Grant:
    """Carry out a claim in what a ledger contains."""
    for part in [part for part, (_, seen) in parts.items() if seen < now - LEASE]:
        del parts[part]
    if claim.ended:
        parts.pop(claim.part, None)
        return Grant(0, len(parts))
    is_new = claim.part not in parts
    held, _ = parts.setdefault(claim.part, [0, now])
    number = min(len(parts), claim.slots, claim.units)
    share, rest = divmod(claim.units, number)
    rank = [*parts].index(claim.part)
    fair = share + (rank < rest) if rank < number else 0
    if is_new:
        fair = min(fair, max(1, claim.units // claim.expected))
    free = claim.units - sum(units for part, (units, _) in parts.items() if part != claim.part)
    units = int(max(min(fair, free), min(claim.kept, held)))
    parts[claim.part] = [units, now]
    return Grant(units, len(parts))


_JOBS: dict[str, Parts] = {}
_LOCK = threading.Lock()


def renew_here(job: str, claim: Claim) -> Grant:
    """Carry out a claim in the ledger of this process."""
    with _LOCK:
        parts = _JOBS.pop(job, {})
        grant = renew(parts, claim, time.monotonic())
        if parts:
            _JOBS[job] = parts
        return grant


class Share:
    """The fraction of a job's limits that this part of it has now.

    `in_use` returns how many units are in use.
    """

    def __init__(self, units: int) -> None:
        self.units = units
        self._fraction = _LEAST
        self._followers: list[Callable[[float], None]] = []
        self.in_use: Callable[[], int] = int

    def follow(self, apply: Callable[[float], None]) -> None:
        """Call a function with the fraction, now and whenever it changes."""
        self._followers.append(apply)
        apply(self._fraction)

    def set(self, units: float) -> None:
        """Change the number of units."""
        self._fraction = max(units / self.units, _LEAST)
        for apply in self._followers:
            apply(self._fraction)


@asynccontextmanager
async def sharing(
    ledger: Ledger, job: str, units: int, expected: int, go_on: Callable[[float], Awaitable[bool]]
) -> AsyncIterator[Share | None]:
    """Hold a share of the limits of a job while the block runs, and yield it as soon as it has units.

    Yield None if the ledger cannot be reached. `units` and `expected` are as for `Claim`. `go_on` waits a number of
    seconds, and returns whether to continue.
    """
    claim = Claim(uuid.uuid4().hex, units, ledger.slots or units, expected=expected)

    async def call(claim: Claim) -> Grant:
        """Carry out a claim while the part goes on."""
        return await asyncio.to_thread(ledger.renew, job, claim)

    try:
        grant = await call(claim)
        while not grant.units and await go_on(FIRST_INTERVAL):
            grant = await call(claim)
    except Exception as error:  # noqa: BLE001 - whatever an engine raises
        _log.warning(
            "Parts of this run cannot divide its limits among those that run (%s: %s). Each has one of %d equal "
            "shares.",
            type(error).__name__,
            error,
            expected,
        )
        yield None
        return
    share, ended = Share(units), asyncio.Event()
    share.set(grant.units)
    renewing = asyncio.create_task(_keep_renewing(call, claim, share, ended))
    try:
        yield share
    finally:
        ended.set()
        await renewing
        with suppress(Exception):
            await call(claim._replace(ended=True))


async def _keep_renewing(
    call: Callable[[Claim], Awaitable[Grant]], claim: Claim, share: Share, ended: asyncio.Event
) -> None:
    """Renew the units of a part until it has ended."""
    interval = FIRST_INTERVAL
    while not ended.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), interval)
            return
        try:
            grant = await call(claim._replace(kept=share.in_use()))
            share.set(grant.units)
            interval = min(INTERVAL * max(1, grant.parts / MANY), LEASE / 3)
        except Exception:  # noqa: BLE001 - as above
            share.set(claim.units / claim.expected)
