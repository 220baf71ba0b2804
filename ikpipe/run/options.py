"""How a run sends: the keywords of `ikpipe.upload` that are not about the files."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ikpipe.concurrency.bandwidth import Bandwidth
from ikpipe.concurrency.bandwidth_schedule import BandwidthSchedule
from ikpipe.concurrency.rate import RateLimiter
from ikpipe.concurrency.shares import Share
from ikpipe.errors import MappingError, keyword
from ikpipe.request.policy import Policy
from ikpipe.request.result import Result
from ikpipe.run.existing.state import place_of
from ikpipe.run.progress_display import Shown

if TYPE_CHECKING:
    from ikpipe.run.existing.library_files import SharedListings
    from ikpipe.service.client import ServiceClient

RECORDED = (
    *("concurrency", "rate", "bandwidth", "retries", "max_failures", "timeout", "on_unknown", "on_error"),
    *("run", "state"),
)
_LONGEST_SLEEP = 0.25  # seconds until a request notices that the share of its part has changed


@dataclass(frozen=True, slots=True)
class SendOptions:
    """How a run sends; `client` is its client, the others are the keywords of `ikpipe.upload`.

    `on_attempt` is called with the position of a row whenever it is sent. `shared_since`: others may have been sending
    the same rows since then, in seconds since 1970; None: nobody does. `run` is the name of the run, which
    unique names are made of; None: it has none. `state` is where records of stored files are. `listings` are those of
    the library that parts of a table share. `share` is the share of all limits that this part has; None: it has them
    alone.
    """

    client: ServiceClient
    policy: Policy
    _: KW_ONLY
    concurrency: int | None = None
    rate: float | None = None
    bandwidth: float | str | None = None
    retries: int = 5
    max_failures: int | None = None
    timeout: float | None = None
    on_result: Callable[[Any, Result], None] | None = None
    on_attempt: Callable[[int], None] | None = None
    on_unknown: str = "hold"
    on_error: str = "return"
    progress: Shown = True
    shared_since: float | None = None
    trust_journal: bool = False
    run: str | None = None
    state: str | Path | None = None
    listings: SharedListings | None = None
    share: Share | None = None

    def __post_init__(self) -> None:
        for name, minimum in (("concurrency", 1), ("retries", 0), ("max_failures", 1)):
            value = getattr(self, name)
            if value is not None and value < minimum:
                raise self._invalid(name, f"at least {minimum}")
        if self.rate is not None and self.rate <= 0:
            raise self._invalid("rate", "more than 0 (uploads per second), or None")
        if self.run is not None:
            self._check_run(self.run)
        for name, choices in (("on_unknown", ("hold", "resend")), ("on_error", ("return", "raise"))):
            if getattr(self, name) not in choices:
                raise self._invalid(name, " or ".join(map(repr, choices)))

    def _check_run(self, run: str) -> None:
        """Check the name of the run; raise `MappingError` if it is not valid, or has no effect."""
        if not str(run).strip():
            raise self._invalid("run", "text that names the run, such as 'night-2026-11-30'")
        if self.policy.unique_names == "service":
            words, fix = (
                "Names that the service makes are others each time.",
                "Omit it, or use Policy(unique_names='client').",
            )
            raise MappingError(words, fix=fix, about=keyword("run", run))

    def _invalid(self, name: str, rule: str) -> MappingError:
        return MappingError(f"The value must be {rule}.", about=keyword(name, getattr(self, name)))

    @property
    def starts_after(self) -> float:
        """When the last request before the run may have been sent, by the monotonic clock.

        Parts of a shared run follow each other: each waits as if the one before had sent something just now.
        """
        return -math.inf if self.shared_since is None else time.monotonic()

    def pace(self, rate: float | None) -> RateLimiter:
        """Return what limits how many requests a second start, given the limit of all parts of a run."""
        return limited_rate(rate, self.share, self.starts_after)

    def recorded(self) -> dict[str, Any]:
        """Return what a journal records, as plain JSON values, so that the run is finished as it was started."""
        recorded = {name: getattr(self, name) for name in RECORDED}
        recorded["state"] = None if self.state is None else place_of(self.state)
        return {**recorded, "policy": asdict(self.policy)}


def limited_rate(rate: float | None, share: Share | None = None, since: float = -math.inf) -> RateLimiter:
    """Return what limits how many requests a second start, given the limit of all parts of a run.

    `share` is the share that this part of the run has; `since` is as for `RateLimiter`.
    """
    limiter = RateLimiter(rate, since)
    if rate and share is not None:
        limiter.longest_sleep = _LONGEST_SLEEP
        share.follow(lambda fraction: limiter.set_rate(time.monotonic(), rate * fraction))
    return limiter


def limited_bandwidth(value: float | str | None, share: Share | None = None) -> Bandwidth | None:
    """Return what limits the bytes per second of a run by the keyword `bandwidth`; None sets no limit.

    `share` is the share that this part of the run has. Raise `MappingError` if the value is not valid.
    """
    if value is None:
        return None
    try:
        bandwidth = Bandwidth(BandwidthSchedule.read(value))
    except ValueError as error:
        raise MappingError(str(error), about=keyword("bandwidth", value)) from None
    if share is not None:
        share.follow(bandwidth.set_share)
    return bandwidth


def policy_of(recorded: Mapping[str, Any]) -> Policy:
    """Return the policy of options from a journal, without the settings of other versions."""
    names = {field.name for field in fields(Policy)}
    return Policy(**{name: value for name, value in recorded["policy"].items() if name in names})
