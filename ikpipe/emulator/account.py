"""The emulated account, which all parts of the emulator share."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from ikpipe.emulator.background import Background
from ikpipe.emulator.faults import Faults
from ikpipe.emulator.keys import AccountKeys
from ikpipe.emulator.request_log import RequestLog
from ikpipe.emulator.rules import Rules
from ikpipe.emulator.store import Store
from ikpipe.emulator.store.settings import NAMED_TRANSFORMATIONS, URL_ENDPOINTS
from ikpipe.emulator.usage_limits import DailyUsage, UsageLimits
from ikpipe.emulator.webhooks import Webhooks

Address = tuple[str, int]
"""A client's host and port."""
MOST_PURGES = 10_000
"""Maximum number of purge requests that are remembered; the oldest are forgotten first."""


@dataclass(slots=True)
class EmulatedAccount:
    """Everything that belongs to one account: its keys, rules, files, counters and log."""

    keys: AccountKeys
    rules: Rules
    store: Store
    limits: UsageLimits
    log: RequestLog
    faults: Faults
    background: Background
    webhooks: Webhooks
    origin: str = ""
    clock: Callable[[], float] = time.time
    """Returns the time in seconds since 1970."""
    reset_connection: Callable[[Address], None] = lambda _client: None
    """Resets the connection of a client."""
    purges: deque[str] = field(default_factory=lambda: deque(maxlen=MOST_PURGES))
    """The ids of purge requests."""
    full_search: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by a search that looks at each file."""

    usage: DailyUsage = field(init=False)

    def __post_init__(self) -> None:
        self.usage = DailyUsage(self.clock)

    @property
    def endpoint(self) -> str:
        """The account's `urlEndpoint`."""
        return f"{self.origin}/{self.rules.imagekit_id}"

    @property
    def named_transformations(self) -> dict[str, str]:
        """The named transformations by name: those of the rule, and those of the API that are enabled."""
        stored = self.store.settings.all(NAMED_TRANSFORMATIONS)
        return self.rules.named_transformations | {
            named["name"]: named["transformation"] for named in stored if named["enabled"]
        }

    @property
    def url_prefixes(self) -> set[str]:
        """The prefixes of URL-endpoints, which delivery URLs may have before the path of a file."""
        return {endpoint["urlPrefix"] for endpoint in self.store.settings.all(URL_ENDPOINTS)} - {""}
