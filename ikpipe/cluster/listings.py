"""Listings of the media library that the parts of an upload share in this process, one after another or in threads.

A part of 50 rows must not list a folder of 100,000 files again. What is old in a listing is noticed: see
`ikpipe.run.existing.library_files`.
"""

from __future__ import annotations

import os
import threading
import time
from typing import NamedTuple

from ikpipe.request.policy import Policy
from ikpipe.run.existing.library_files import SharedListings

LONGEST_USE = 600.0
"""Seconds after which the library is listed anew, since details of files may have changed that are not compared."""
CHECKED_EVERY = 1.0
"""Seconds after which the end of a listing is read again; more if that took over a tenth of the requests."""


class _Use(NamedTuple):
    listings: SharedListings
    until: float


_USES: dict[tuple[int, str], _Use] = {}
"""Listings by process and the id of the prepared upload: copies of a process would share the position in its files."""
_LOCK = threading.Lock()


def listings_of(upload: str, policy: Policy) -> SharedListings:
    """Return the listings of the upload with this id; `policy` is that of one of its parts."""
    key = (os.getpid(), upload)
    with _LOCK:
        now = time.monotonic()
        for other in [one for one, use in _USES.items() if use.until < now]:
            del _USES[other]
        if key not in _USES:
            every = max(CHECKED_EVERY, 10 / policy.look_ups) if policy.look_ups else CHECKED_EVERY
            _USES[key] = _Use(SharedListings(every), now + LONGEST_USE)
        return _USES[key].listings
