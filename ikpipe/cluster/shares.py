"""The limits of an upload, divided among its parts: the ledger of a machine, and what a part sends with.

The theory of operation is in `ikpipe.concurrency.shares`.
"""

from __future__ import annotations

import atexit
import json
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ikpipe.concurrency.interrupts import interruptible_sleep
from ikpipe.concurrency.shares import UNITS, Claim, Grant, renew, renew_here, sharing
from ikpipe.concurrency.temporary import LockedFolder
from ikpipe.request.policy import Policy
from ikpipe.run.existing.rules import ExistingRules
from ikpipe.run.options import limited_rate

if TYPE_CHECKING:
    from ikpipe.cluster.part import PreparedUpload
    from ikpipe.cluster.update import PreparedUpdate
    from ikpipe.concurrency.rate import RateLimiter


@dataclass(frozen=True)
class MachineLedger:
    """A ledger of parts that all run on one machine: in the process `pid`, or in processes that share a folder."""

    folder: str
    pid: int
    slots: int | None = None

    def renew(self, job: str, claim: Claim) -> Grant:
        """Carry out a claim; raise `OSError` or `ImportError` if this process cannot lock a file in the folder."""
        if os.getpid() == self.pid:
            return renew_here(job, claim)
        import fcntl

        with Path(self.folder, f"{job}.json").open("a+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            parts = json.loads(file.read() or "{}")
            grant = renew(parts, claim, time.monotonic())
            file.seek(0)
            file.truncate()
            file.write(json.dumps(parts))
        return grant


def machine_ledger(slots: int | None) -> MachineLedger | None:
    """Return a ledger for parts on this machine; None if there is no place for its folder."""
    try:
        return MachineLedger(str(_folder(os.getpid())), os.getpid(), slots)
    except OSError:
        return None


@cache
def _folder(_pid: int) -> Path:
    folder = LockedFolder()
    atexit.register(folder.cleanup)
    return folder.path


@lru_cache(64)
def share_of_policy(policy: Policy, slots: int) -> Policy:
    """Return the policy of one of `slots` parts: its share of the rates, which apply to the whole upload."""
    return replace(policy, look_ups=policy.look_ups / slots, changes=policy.changes / slots)


@asynccontextmanager
async def part_options(upload: PreparedUpload) -> AsyncIterator[dict[str, Any]]:
    """Yield what a part sends with while the block runs: all limits of the upload, and its share of them.

    Without a ledger that the part reaches, the limits are those of one of equal parts.
    """
    sending, rules = upload.send_options, ExistingRules.of(upload.mapping)
    limited = any(sending.get(name) is not None for name in ("concurrency", "rate", "bandwidth"))
    if upload.ledger is None or not (limited or rules.decides or rules.needs_state):
        yield upload.part_options()
        return
    units = sending["concurrency"] or UNITS
    async with sharing(upload.ledger, upload.id, units, upload.slots, interruptible_sleep) as share:
        if share is None:
            yield upload.part_options()
        else:
            yield {**sending, "policy": upload.policy, "share": share}


@asynccontextmanager
async def part_pace(update: PreparedUpdate) -> AsyncIterator[Callable[[float], RateLimiter]]:
    """Yield what limits a part of an update to its share of a rate of the whole update while the block runs."""
    async with AsyncExitStack() as stack:
        share = None
        if update.ledger is not None:
            held = sharing(update.ledger, update.id, UNITS, update.slots, interruptible_sleep)
            share = await stack.enter_async_context(held)
        slots = update.slots if share is None else 1
        yield lambda rate: limited_rate(rate / slots, share, time.monotonic())
