"""What this process itself knows of its runs, under the id in ``attrs["ikpipe"]["id"]``.

A results frame can come from anybody's file, ``attrs`` too: pandas writes them into Parquet and reads them back. What
they say of folders, downloads, journals and addresses is not obeyed; what this process remembers under their id is.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Mapping
from threading import Lock
from typing import Any, NamedTuple

_MOST = 256  # runs; the oldest are forgotten
_runs: OrderedDict[str, KnownRun] = OrderedDict()
_lock = Lock()


class KnownRun(NamedTuple):
    """A run of this process: its whole mapping, and the path of its journal, if it has one."""

    mapping: Mapping[str, Any]
    journal: str | None


def remember(mapping: Mapping[str, Any], journal: str | None, run_id: str | None = None) -> str:
    """Remember a run, and return the id for its results, which nobody can guess.

    Parameters
    ----------
    mapping
        As `prepare.gather` returns it.
    journal
        The path of the run's journal.
    run_id
        The id under which an earlier state of the same run is known.
    """
    run_id = run_id or secrets.token_hex(16)
    with _lock:
        _runs[run_id] = KnownRun(dict(mapping), journal)
        _runs.move_to_end(run_id)
        while len(_runs) > _MOST:
            _runs.popitem(last=False)
    return run_id


def known_run(run_id: object) -> KnownRun | None:
    """Return the run of this id, or None where this process does not know it."""
    with _lock:
        return _runs.get(run_id) if isinstance(run_id, str) else None


def about(attrs: Mapping[Any, Any]) -> Mapping[str, Any]:
    """Return the run's summary in a frame's ``attrs``; an empty one where there is none, or what is no summary."""
    found = attrs.get("ikpipe")
    return found if isinstance(found, Mapping) else {}


def known_by(attrs: Mapping[Any, Any]) -> KnownRun | None:
    """Return the run whose results have these ``attrs``, or None where this process does not know it."""
    return known_run(about(attrs).get("id"))
