"""The mappings and journals of this process's runs, by the id in ``attrs["ikpipe"]["id"]``.

A results frame can come from any file, with its ``attrs``: pandas writes them to Parquet. Folders, downloads, journals
and URLs in them are not trusted; those that this process remembers under their id are.
"""

import secrets
from collections import OrderedDict
from collections.abc import Mapping
from threading import Lock
from typing import Any, NamedTuple

_MOST = 256  # runs; the oldest are dropped
_lock = Lock()


class KnownRun(NamedTuple):
    """A run of this process: its mapping, and the path of its journal, if it has one."""

    mapping: Mapping[str, Any]
    journal: str | None


_runs: OrderedDict[str, KnownRun] = OrderedDict()


def remember(mapping: Mapping[str, Any], journal: str | None, run_id: str | None = None) -> str:
    """Remember a run, and return the random id for its results.

    `mapping` is as `prepare.collect_mapping` returns it. `journal` is the path of the run's journal. `run_id` is the id
    of an earlier state of the same run.
    """
    run_id = run_id or secrets.token_hex(16)
    with _lock:
        _runs[run_id] = KnownRun(dict(mapping), journal)
        _runs.move_to_end(run_id)
        while len(_runs) > _MOST:
            _runs.popitem(last=False)
    return run_id


def known_run(run_id: object) -> KnownRun | None:
    """Return the run with an id; None if this process does not know it."""
    with _lock:
        return _runs.get(run_id) if isinstance(run_id, str) else None


def about(attrs: Mapping[Any, Any]) -> Mapping[str, Any]:
    """Return the run's summary in a frame's ``attrs``; an empty mapping if there is none."""
    summary = attrs.get("ikpipe")
    return summary if isinstance(summary, Mapping) else {}


def known_by(attrs: Mapping[Any, Any]) -> KnownRun | None:
    """Return the run whose results have these ``attrs``; None if this process does not know it."""
    return known_run(about(attrs).get("id"))
