"""What a caller may say about the sending itself."""

from __future__ import annotations

from dataclasses import KW_ONLY, asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from ikpipe.errors import MappingError
from ikpipe.request.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ikpipe.request.result import Result
    from ikpipe.run.progress import Progress
    from ikpipe.service.client import ServiceClient

KEPT = ("concurrency", "rate", "retries", "max_failures", "timeout", "on_unknown", "on_error")


@dataclass(frozen=True, slots=True)
class SendOptions:
    """How a run sends; `wire` are its connections, the others are the keywords of `ikpipe.upload`.

    `on_attempt` is called with the position of a row whenever it is sent. `shared_since`: others may have been sending
    the same rows since then, in seconds since 1970; None: nobody does. `trust_journal`: a journal that does not prove
    that this account wrote it is taken.
    """

    wire: ServiceClient
    policy: Policy
    _: KW_ONLY
    concurrency: int | None = None
    rate: float | None = None
    retries: int = 5
    max_failures: int | None = None
    timeout: float | None = None
    on_result: Callable[[Any, Result], None] | None = None
    on_attempt: Callable[[int], None] | None = None
    on_unknown: str = "hold"
    on_error: str = "return"
    progress: bool | Callable[[Progress], None] = True
    shared_since: float | None = None
    trust_journal: bool = False

    def __post_init__(self) -> None:
        if self.concurrency is not None and self.concurrency < 1:
            raise MappingError(f"concurrency={self.concurrency!r}: uploads in flight are counted from 1.")
        if self.rate is not None and self.rate <= 0:
            raise MappingError(f"rate={self.rate!r}: uploads begun per second are more than 0; None sets no limit.")
        if self.retries < 0:
            raise MappingError(f"retries={self.retries!r}: attempts after the first are counted from 0.")
        if self.max_failures is not None and self.max_failures < 1:
            raise MappingError(f"max_failures={self.max_failures!r}: give a number from 1; None sets no limit.")
        if self.on_unknown not in ("hold", "resend"):
            raise MappingError(f"on_unknown={self.on_unknown!r}: a row in doubt is put on 'hold', or 'resend'.")
        if self.on_error not in ("return", "raise"):
            raise MappingError(f"on_error={self.on_error!r}: a row that is not up lets the run 'return', or 'raise'.")

    def kept(self) -> dict[str, Any]:
        """Give what a journal keeps, as plain JSON values, so that the run is finished as it was begun."""
        return {**{name: getattr(self, name) for name in KEPT}, "policy": asdict(self.policy)}


def policy_of(kept: Mapping[str, Any]) -> Policy:
    """Read the policy that a journal kept; what another version of it had besides is left out."""
    known = {field.name for field in fields(Policy)}
    return Policy(**{name: value for name, value in kept["policy"].items() if name in known})
