"""What is logged of a run as a whole: how it starts, and how it ends."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ikpipe.errors import Error
from ikpipe.errors.logs import count_repeats, log_event
from ikpipe.request.account import Account
from ikpipe.run.options import SendOptions

if TYPE_CHECKING:
    from ikpipe.run.job import UploadJob

_log = logging.getLogger("ikpipe.run")

_OPTIONS = ("run", "concurrency", "rate", "retries", "max_failures", "timeout", "on_unknown", "on_error", "state")


def log_start(job: UploadJob, account: Account, options: SendOptions, journal: str | Path | None) -> None:
    """Log that a run starts: its account, rows, mapping, journal, and the options that are set."""
    rows, place = job.table.rows, account.url_endpoint or account.upload_url
    chosen = {name: value for name in _OPTIONS if (value := getattr(options, name)) is not None}
    chosen = {name: value if isinstance(value, int | float) else str(value) for name, value in chosen.items()}
    chosen |= {"fetch": job.mapping.get("fetch"), **job.mapping.get("existing", {})}
    details = {"account": place, "rows": rows, "mapping": job.mapping_text, "options": chosen}
    words = "The run starts: %s to %s."
    number = "a table" if rows is None else "1 row" if rows == 1 else f"{rows:,} rows"
    log_event(_log, "run_started", words, number, place, **details, journal=None if journal is None else str(journal))


def log_end(summary: Mapping[str, Any], error: Error | None) -> None:
    """Log how a run ended, and the error that stopped it, if one did."""
    count_repeats()
    if error is not None:
        log_event(_log, "run_stopped", "%s", error.text, journal=summary["journal"])
    counts = ", ".join(f"{count:,} {status}" for status, count in summary["counts"].items() if count) or "no rows"
    names = ("rows", "counts", "bytes", "seconds", "interrupted", "journal")
    details = {name: summary[name] for name in names}
    how = "was interrupted" if summary["interrupted"] else "has ended"
    log_event(_log, "run_ended", "The run %s after %.1f s: %s.", how, summary["seconds"], counts, **details)
