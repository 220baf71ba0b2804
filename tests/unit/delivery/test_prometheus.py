"""The metrics of a run for Prometheus, read by its own parser."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

import ikpipe
from ikpipe.delivery.prometheus import metrics_text
from ikpipe.request.result import Result
from ikpipe.run.report import StatusCounts
from ikpipe.run.summaries import SummaryRecorder


def document(error: Exception | None = None, **run: Any) -> dict[str, Any]:
    """Return the summary of a run of three rows."""
    recorder = SummaryRecorder("upload")
    results = [Result("uploaded", size=5), Result("failed", "server_error"), Result("failed", "server_error")]
    recorder.counts, recorder.run = StatusCounts.of("abc", results), run
    return recorder.document(error, 1)


def values(text: str) -> dict[str, list[tuple[dict[str, str], float]]]:
    """Return the samples of each metric."""
    found = {}
    for family in text_string_to_metric_families(text):
        assert family.type == "gauge"
        assert family.documentation
        found[family.name] = [(sample.labels, sample.value) for sample in family.samples]
    return found


def test_the_numbers_of_a_run() -> None:
    """Rows by status, codes, bytes, seconds, exit status, and when it was."""
    found = values(metrics_text(document(seconds=2.5, bytes=7, retries=3), "products"))
    rows = {labels["status"]: value for labels, value in found["ikpipe_run_rows"]}
    assert (rows["uploaded"], rows["failed"], rows["unknown"]) == (1, 2, 0)
    labels = {"command": "upload", "name": "products"}
    assert found["ikpipe_run_problems"] == [({**labels, "code": "server_error"}, 2)]
    assert found["ikpipe_run_duration_seconds"] == [(labels, 2.5)]
    assert found["ikpipe_run_exit_status"] == [(labels, 1)]
    assert found["ikpipe_run_stored_bytes"] == [(labels, 5)]
    assert found["ikpipe_run_sent_bytes"] == [(labels, 7)]
    assert found["ikpipe_run_retries"] == [(labels, 3)]
    assert found["ikpipe_run_ended_timestamp_seconds"][0][1] > 1.7e9


def test_what_is_not_known_is_left_out() -> None:
    """A 0 would be a number of the run."""
    assert "ikpipe_run_retries" not in values(metrics_text(document(), "x"))


def test_one_status_is_set() -> None:
    """All others are 0, so that an alert can be about each."""
    found = values(metrics_text(document(ikpipe.UploadError("stopped")), "x"))["ikpipe_run_status"]
    assert [labels["status"] for labels, value in found if value] == ["stopped"]


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a\nb", "é", "\\", '"', "{}"])
def test_any_name_is_a_label(name: str) -> None:
    """Quotes, backslashes and line breaks are escaped."""
    found = values(metrics_text(document(run="night"), name))
    assert found["ikpipe_run_info"][0][0]["name"] == name
    assert found["ikpipe_run_info"][0][0]["run"] == "night"


def test_each_metric_is_described_once() -> None:
    """node_exporter rejects a file that repeats one."""
    lines = metrics_text(document(seconds=1.0), "x").splitlines()
    for kind in ("# HELP ", "# TYPE "):
        names = [line.split()[2] for line in lines if line.startswith(kind)]
        assert len(names) == len({*names}) > 5
