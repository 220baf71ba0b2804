"""The metrics of a run as text that Prometheus reads, for the textfile collector of its node_exporter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from ikpipe.request.result import SETTLED

_METRICS = {
    "ikpipe_run_info": "The last run, its name, and the version of ikpipe.",
    "ikpipe_run_started_timestamp_seconds": "When the last run started, in seconds since 1970.",
    "ikpipe_run_ended_timestamp_seconds": "When the last run ended, in seconds since 1970.",
    "ikpipe_run_duration_seconds": "Duration of the last run.",
    "ikpipe_run_exit_status": "Exit status: 0 all done, 1 some rows not, 2 bad input, 3 refused, 130 interrupted.",
    "ikpipe_run_status": "How the last run ended: 1 for its status.",
    "ikpipe_run_rows": "Rows of the last run by status.",
    "ikpipe_run_problems": "Rows of the last run that are not uploaded, by error code.",
    "ikpipe_run_warned_rows": "Rows of the last run with warnings.",
    "ikpipe_run_stored_bytes": "Bytes of the files that the last run stored.",
    "ikpipe_run_sent_bytes": "Bytes that the last run sent from this machine.",
    "ikpipe_run_retries": "Attempts of the last run after the first of a row.",
}
"""Name of a metric → its description. All are gauges: each run replaces the file."""

_STATUSES_OF_ROWS = (*sorted(SETTLED), "invalid", "failed", "unknown", "cancelled")
_STATUSES = ("finished", "interrupted", "stopped", "rejected", "unreachable", "invalid", "crashed")

Sample = tuple[str, Mapping[str, object], float | None]


def metrics_text(document: Mapping[str, Any], name: str) -> str:
    """Return the metrics of a run's summary in Prometheus' text format.

    `name` is the label that distinguishes jobs with the same command on one machine.
    """
    labels = {"command": document["command"], "name": name}
    samples: dict[str, list[str]] = {}
    for metric, more, value in _samples(document):
        if value is not None:
            samples.setdefault(metric, []).append(f"{metric}{_labels({**labels, **more})} {_number(value)}\n")
    return "".join(
        f"# HELP {metric} {_METRICS[metric]}\n# TYPE {metric} gauge\n{''.join(lines)}"
        for metric, lines in samples.items()
    )


def _samples(document: Mapping[str, Any]) -> Iterator[Sample]:
    yield "ikpipe_run_info", {"run": document["run"] or "", "version": document["versions"]["ikpipe"]}, 1
    for name in ("started", "ended"):
        yield f"ikpipe_run_{name}_timestamp_seconds", {}, _seconds(document[name])
    yield "ikpipe_run_duration_seconds", {}, document["seconds"]
    yield "ikpipe_run_exit_status", {}, document["exit_status"]
    for status in _STATUSES:
        yield "ikpipe_run_status", {"status": status}, float(status == document["status"])
    counts, errors = document["counts"], document["errors"]
    sends = document["command"] in ("upload", "retry", "resume", "sync") and not document["dry_run"]
    for status in dict.fromkeys([*(_STATUSES_OF_ROWS if sends else ()), *counts]):  # an alert needs a 0, too
        yield "ikpipe_run_rows", {"status": status}, counts.get(status, 0)
    for code, count in errors.items():
        yield "ikpipe_run_problems", {"code": code}, count
    yield "ikpipe_run_warned_rows", {}, document["rows_with_warnings"]
    yield "ikpipe_run_stored_bytes", {}, document["bytes_stored"]
    yield "ikpipe_run_sent_bytes", {}, document["bytes_sent"]
    yield "ikpipe_run_retries", {}, document["retries"]


def _seconds(time: str | None) -> float | None:
    return None if time is None else datetime.fromisoformat(time).timestamp()


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _labels(labels: Mapping[str, object]) -> str:
    pairs = [f'{name}="{_escaped(str(value))}"' for name, value in labels.items()]
    return f"{{{','.join(pairs)}}}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
