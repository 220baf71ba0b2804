"""Ids and times as the service writes them."""

import secrets
import time
from datetime import UTC, datetime
from itertools import count

_PROCESS = secrets.token_hex(5)
_COUNTER = count(secrets.randbelow(1 << 20))


def new_id() -> str:
    """Return a new id like the service's own: 24 hexadecimal digits from the time, a random number and a counter.

    Each is greater than the one before, so that an index of them grows at its end.
    """
    return f"{int(time.time()):08x}{_PROCESS}{next(_COUNTER) & 0xFFFFFF:06x}"


def timestamp() -> str:
    """Return the current time as the service writes it: `2026-11-23T19:18:24.000Z`."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
