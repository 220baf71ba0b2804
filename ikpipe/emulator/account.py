"""One account of the service."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from ikpipe.emulator.background import Background
    from ikpipe.emulator.faults import Faults
    from ikpipe.emulator.load import Load
    from ikpipe.emulator.log import Log
    from ikpipe.emulator.settings import Rules
    from ikpipe.emulator.store import Store
    from ikpipe.emulator.upload.jwt_reading import AccountKeys
    from ikpipe.emulator.webhooks import Webhooks

Address = tuple[str, int]
"""A client's host and port."""


@dataclass(slots=True)
class EmulatedAccount:
    """All that belongs to one account: its keys, its rules, what it has stored and what it has used up."""

    keys: AccountKeys
    rules: Rules
    store: Store
    load: Load
    log: Log
    faults: Faults
    background: Background
    webhooks: Webhooks
    origin: str = ""
    clock: Callable[[], float] = time.time
    """Gives the time, in seconds since 1970."""
    cut: Callable[[Address], None] = lambda _client: None
    """Resets a client's connection."""

    @property
    def endpoint(self) -> str:
        """The account's `urlEndpoint`."""
        return f"{self.origin}/{self.rules.imagekit_id}"
