"""The files that report a run: --summary, --metrics-file and --html."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import summaries
from prometheus_client.parser import text_string_to_metric_families
from shell import NAMED

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Ikp, Table

    from ikpipe.emulator import Emulator

REPORTS = ("--summary", "s.json", "--metrics-file", "products.prom", "--html", "r.html")


def metrics(path: str = "products.prom") -> dict[tuple[str, str], float]:
    """Return the values of a metrics file, by name and the last label."""
    return {
        (sample.name, [*sample.labels.values()][-1]): sample.value
        for family in text_string_to_metric_families(Path(path).read_text("utf-8"))
        for sample in family.samples
    }


@pytest.mark.usefixtures("signed_in")
def test_all_three_of_an_upload(ikp: Ikp, table: Table, pictures: Callable[[int], list[str]]) -> None:
    """They have the same numbers, and the exit status."""
    source = table(3, picture=[*pictures(1), None, "https://h.example/a.jpg?X-Amz-Signature=5ecre7"])
    ran = ikp("upload", source, "-o", "out.csv", *NAMED, "--run", "three-reports", *REPORTS)
    document, page = summaries.read("s.json"), Path("r.html").read_text("utf-8")
    assert (ran.status, document["exit_status"], document["run"]) == (1, 1, "three-reports")
    assert document["counts"]["uploaded"] == 1
    assert metrics()["ikpipe_run_rows", "uploaded"] == 1
    assert metrics()["ikpipe_run_exit_status", "products"] == 1
    assert "1 uploaded" in page
    assert "row 1 (line 3)" in page
    assert ">https://h.example/a.jpg?***<" in page  # which file it is, from the mapped column
    assert not [path for path in Path().iterdir() if path.name.startswith(".")]
    assert "5ecre7" not in page + Path("s.json").read_text("utf-8")


@pytest.mark.usefixtures("signed_in")
def test_of_a_mapping_error(ikp: Ikp, table: Table) -> None:
    """They are there, with the error in terms of options."""
    assert ikp("upload", table(1), "-o", "out.csv", *REPORTS).status == 2
    document = summaries.read("s.json")
    assert (document["status"], document["exit_status"], document["rows"]) == ("invalid", 2, 0)
    assert "--map file=" in document["error"]["message"]
    assert metrics()["ikpipe_run_status", "invalid"] == 1
    assert "--map file=" in Path("r.html").read_text("utf-8")


def test_without_an_account(ikp: Ikp, table: Table) -> None:
    """The status is that of a rejected account."""
    assert ikp("upload", table(1), "-o", "out.csv", *NAMED, *REPORTS).status == 3
    assert summaries.read("s.json")["status"] == "rejected"


def test_of_a_rejected_account(
    ikp: Ikp, table: Table, emulate: Callable[..., Emulator], sign_in: Callable[[Emulator], None]
) -> None:
    """They have the rows as far as they got."""
    sign_in(emulate(account_disabled=True))
    assert ikp("upload", table(3), "-o", "out.csv", *NAMED, "--concurrency", "1", *REPORTS).status == 3
    document = summaries.read("s.json")
    assert (document["status"], document["counts"]) == ("rejected", {"failed": 1, "cancelled": 2})
    assert metrics()["ikpipe_run_rows", "cancelled"] == 2


@pytest.mark.usefixtures("signed_in")
def test_of_too_many_failures(ikp: Ikp, table: Table) -> None:
    """The run stopped, with exit status 1."""
    ikp("upload", table(3, picture=[None] * 3), "-o", "o.csv", *NAMED, "--max-failures", "1", *REPORTS)
    document = summaries.read("s.json")
    assert (document["status"], document["exit_status"]) == ("stopped", 1)


def _uploaded(ikp: Ikp, table: Table) -> None:
    ikp("upload", table(2), "-o", "results.csv", *NAMED)
    Path("folder").mkdir()
    Path("folder/a.gif").write_bytes(b"GIF89a1")


@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize(
    ("words", "counts"),
    [
        (["check", "results.csv", *NAMED], {"valid": 2, "invalid": 0}),
        (["plan", "results.csv", *NAMED], {"upload": 2}),
        (["upload", "results.csv", "-o", "o.csv", *NAMED, "--dry-run"], {"upload": 2}),
        (["retry", "results.csv", "-o", "o.csv", *NAMED], {"uploaded": 2}),
        (["update", "results.csv", "--set", "add_tags=x", "--dry-run"], {"planned": 2}),
        (["undo", "results.csv"], {"planned": 2}),
        (["sync", "folder", "/of/a/sync"], {"uploaded": 1}),
        (["sync", "folder", "/of/a/sync", "--dry-run"], {"unchanged": 1}),
    ],
)
def test_of_each_command(ikp: Ikp, table: Table, words: list[str], counts: dict[str, int]) -> None:
    """Rows by what became of them, or would."""
    _uploaded(ikp, table)
    if "--dry-run" in words and words[0] == "sync":
        ikp(*words[:-1])
    ran = ikp(*words, *REPORTS)
    document = summaries.read("s.json")
    assert (document["command"], document["counts"]) == (words[0], counts)
    assert document["exit_status"] == ran.status == 0
    assert metrics()["ikpipe_run_exit_status", "products"] == 0
    assert "<h1" in Path("r.html").read_text("utf-8")


@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize(
    ("option", "file", "words"),
    [
        ("--summary", "no/s.json", "does not exist"),
        ("--html", ".", "is a folder"),
        ("--metrics-file", "out.csv", "OUT"),
        ("--html", "table.csv", "input"),
    ],
)
def test_a_file_that_cannot_be(ikp: Ikp, table: Table, option: str, file: str, words: str) -> None:
    """It is refused before anything is sent."""
    Path(table(1)).rename("table.csv")
    ran = ikp("upload", "table.csv", "-o", "out.csv", *NAMED, option, file)
    assert ran.status == 2
    assert words in ran.err
    assert not Path("out.csv").exists()


@pytest.mark.usefixtures("signed_in")
def test_two_reports_in_one_file(ikp: Ikp, table: Table) -> None:
    """One would replace the other."""
    assert ikp("upload", table(1), "-o", "o.csv", *NAMED, "--summary", "x", "--html", "x").status == 2


@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize("report", ["--summary", "--metrics-file", "--html"])
@pytest.mark.parametrize("option", ["--journal", "--state", "--log-file"])
def test_a_report_replaces_no_other_file(ikp: Ikp, table: Table, option: str, report: str) -> None:
    """Of the command, such as a journal, which would be lost."""
    Path("one.file").write_text("kept")
    ran = ikp("upload", table(1), "-o", "out.csv", *NAMED, option, "one.file", report, "one.file")
    assert (ran.status, Path("one.file").read_text()) == (2, "kept")
    assert ran.err.count("one.file") == 1


@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize("words", [("undo", "run.ikjournal"), ("resume", "run.ikjournal", "-o", "other.csv")])
def test_a_report_does_not_replace_the_journal_of_a_run(ikp: Ikp, table: Table, words: tuple[str, ...]) -> None:
    """The one that the command reads."""
    assert ikp("upload", table(1), "-o", "out.csv", *NAMED, "--journal", "run.ikjournal").status == 0
    before = Path("run.ikjournal").read_bytes()
    ran = ikp(*words, "--summary", "run.ikjournal")
    assert (ran.status, Path("run.ikjournal").read_bytes()) == (2, before)
    assert "run.ikjournal is the journal, which is never overwritten." in ran.err


@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize(
    ("words", "both"),
    [
        (("-o", "-", "--html", "-"), "the results and the page"),
        (("-o", "out.csv", "--summary", "-", "--metrics-file", "-"), "the summary and the metrics"),
    ],
)
def test_standard_output_has_one_thing(ikp: Ikp, table: Table, words: tuple[str, ...], both: str) -> None:
    """Two in one stream could be read by nothing."""
    ran = ikp("upload", table(1), *words, *NAMED)
    assert (ran.status, ran.out) == (2, "")
    assert f"Standard output cannot have both {both}." in ran.err


@pytest.mark.usefixtures("signed_in")
def test_a_summary_on_standard_output(ikp: Ikp, table: Table) -> None:
    """It can be piped to another program; the results cannot be there too."""
    ran = ikp("upload", table(1), "-o", "o.csv", *NAMED, "--summary", "-")
    assert summaries.valid(json.loads(ran.out))["exit_status"] == 0
    assert ikp("upload", table(1), "-o", "-", *NAMED, "--summary", "-").status == 2


@pytest.mark.usefixtures("signed_in")
def test_a_device_is_not_replaced(ikp: Ikp, table: Table) -> None:
    """It is written to."""
    assert ikp("upload", table(1), "-o", "o.csv", *NAMED, "--summary", os.devnull).status == 0
    assert Path(os.devnull).is_char_device()


@pytest.mark.usefixtures("signed_in")
def test_the_results_are_the_same_with_a_page(ikp: Ikp, table: Table) -> None:
    """The rows that a page shows are taken on their way to OUT."""
    source = table(3)
    ikp("upload", source, "-o", "a.csv", *NAMED, "--html", "r.html", "--on-existing", "replace")
    assert list(ikpipe.read_results("a.csv")["ik_status"]) == ["uploaded"] * 3


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
@pytest.mark.usefixtures("signed_in")
def test_a_summary_that_cannot_be_written(ikp: Ikp, table: Table) -> None:
    """It is reported; the results, the other files and the exit status are as they would be."""
    ran = ikp("upload", table(1), "-o", "o.csv", *NAMED, "--summary", "/dev/full", "--metrics-file", "m.prom")
    assert ran.status == 0
    assert "/dev/full could not be written" in ran.err
    assert metrics("m.prom")["ikpipe_run_exit_status", "m"] == 0
    assert list(ikpipe.read_results("o.csv")["ik_status"]) == ["uploaded"]
