"""When an upload started, by a clock that all machines have in common: the service's.

A row with a fixed name may have been sent by another machine before. Its file is recognized by the time when it was
stored, which is not before the upload started. The driver's clock and a worker's can differ by hours, so each asks the
service for its time, once in a while, if names can be fixed.
"""

from __future__ import annotations

import logging
import math
import platform
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ikpipe.errors import Error
from ikpipe.request.account import Account
from ikpipe.request.recovery import duration
from ikpipe.request.token import times_of
from ikpipe.service.account_check import LARGEST_OFFSET
from ikpipe.service.clock import clock_offset

if TYPE_CHECKING:
    from ikpipe.cluster.part import PreparedUpload

_log = logging.getLogger("ikpipe.cluster")

_REMEMBERED = 600.0  # seconds
_MARGIN = 5.0  # seconds by which the clock of a response can differ, which has whole seconds
_TIMEOUT = 3.0  # seconds: a driver may have no way to the service
_NAMES = {"use_unique_file_name", "useUniqueFileName"}
_SET_IT = "Set its clock, for example by NTP."

_ANSWERS: dict[str, tuple[float, float | None]] = {}
"""When a service was asked, by the monotonic clock, which nobody sets, and the time that it had; by its address."""
_LOCK = threading.Lock()


def start_time(account: Account, mapping: Mapping[str, Any]) -> tuple[float, bool]:
    """Return when an upload that is prepared now starts, in seconds since 1970, and whether by the service's clock.

    `mapping` is that of the upload. If the service cannot be asked, this machine's clock counts.
    """
    fixed = bool(_NAMES & (mapping["parameters"].keys() | mapping["columns"].keys()))
    now = _service_now(account) if fixed else None
    here = time.time()
    if now is None or abs(now - here) <= _MARGIN:
        return here, now is not None
    return now - _MARGIN, True


def since_here(upload: PreparedUpload, account: Account, *, fixed_names: bool) -> float:
    """Return when an upload started, by the clock of this machine.

    `fixed_names`: whether rows can have them; otherwise nobody needs it. Raise `Error` if the driver's clock is ahead,
    and nobody knows how much.
    """
    now = _service_now(account) if fixed_names else None
    if now is None:
        return upload.since
    if upload.since > now + LARGEST_OFFSET and not upload.service_clock:
        ahead = duration(upload.since - now)
        raise Error(
            f"The clock of the driver is at least {ahead} ahead of ImageKit's, so the files of this upload cannot be "
            "told from those that were there before. The rows of this part were not sent.",
            fix="Set the clock of the driver, for example by NTP, or prepare the upload where ImageKit can be reached.",
        )
    times = times_of(account.upload_url)
    times.note_service_time(now)
    times.correct(times.ahead(now))
    since = times.machine_time(upload.since)
    # What is known of a wrong clock differs by seconds from one response to the next.
    return since if since == upload.since else since - _MARGIN


def _service_now(account: Account) -> float | None:
    """Return the service's time, in seconds since 1970; None if it cannot be asked."""
    service, offset = account.upload_url, None
    with _LOCK:
        asked, there = _ANSWERS.get(service, (-math.inf, None))
        if time.monotonic() - asked > _REMEMBERED:
            offset = clock_offset(service, _TIMEOUT)
            asked, there = time.monotonic(), None if offset is None else time.time() - offset
            _ANSWERS[service] = asked, there
    if offset is not None and abs(offset) > LARGEST_OFFSET:
        _log.warning(
            "The clock of the machine %s is %s %s ImageKit's. The times of this upload are corrected by that. %s",
            *(platform.node(), duration(abs(offset)), "ahead of" if offset > 0 else "behind", _SET_IT),
        )
    return None if there is None else there + time.monotonic() - asked
