"""What is checked of a mapping before a run, and how the run reports it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pandas as pd
import polars as pl
import pytest
from rows import quiet

import ikpipe
from ikpipe import cluster

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ikpipe import Account

    Arrived = Callable[[], list[dict[str, Any]]]

FRAME = pd.DataFrame({"bild": pd.Series([b"one", b"two"], dtype=object), "Tags": ["x", "y"], "descripton": ["p", "q"]})
LINE = "file ← bild, file_name = a.txt; unused: Tags, descripton"
MAPPED: dict[str, Any] = {"columns": {"file": "bild"}, "file_name": "a.txt", "ignore": ["Tags"]}

CALLS: dict[str, Callable[..., Any]] = {
    "upload": lambda frame, account, **options: ikpipe.upload(frame, account, progress=False, **options),
    "check": lambda frame, _account, **options: ikpipe.check(frame, **options),
    "check with account": ikpipe.check,
    "retry": lambda frame, account, **options: ikpipe.retry(
        frame.assign(ik_status="failed"), account, progress=False, **options
    ),
    "Uploader": lambda frame, account, **options: ikpipe.Uploader(account, frame, **options),
    "cluster": lambda frame, account, **options: cluster.prepare(account, slots=1, **options)(frame),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_table_without_a_file_is_one_error(call: str, account: Account, arrived: Arrived) -> None:
    """Wherever it is uploaded or checked; nothing is sent."""
    with pytest.raises(ikpipe.MappingError, match=r"provides the file\. .*'bild'.* columns=\{'file': 'bild'"):
        CALLS[call](FRAME, account)
    assert arrived() == []


@pytest.mark.parametrize("call", CALLS)
def test_a_column_that_would_be_ignored_by_mistake_is_an_error(call: str, account: Account, arrived: Arrived) -> None:
    """Wherever it is uploaded or checked; nothing is sent."""
    with pytest.raises(ikpipe.MappingError, match=r"'Tags' .*ignore=\['Tags'\]"):
        CALLS[call](FRAME, account, columns={"file": "bild"})
    assert arrived() == []


@pytest.mark.parametrize("call", CALLS)
def test_an_ignored_column_is_no_error(call: str, account: Account) -> None:
    """The caller has stated that it is not a mistake."""
    CALLS[call](FRAME, account, **MAPPED)


def test_an_ignored_column_can_be_given_as_text(account: Account) -> None:
    """One column does not need a list."""
    assert ikpipe.check(FRAME, **{**MAPPED, "ignore": "Tags"})["severity"].tolist() == ["warning"]


def test_no_journal_is_started(account: Account, tmp_path: Path) -> None:
    """The mapping is checked before there is any file."""
    with pytest.raises(ikpipe.MappingError):
        quiet(FRAME, account, journal=tmp_path / "run.ikjournal")
    assert list(tmp_path.iterdir()) == []


# Warnings


def test_check_has_a_warning_about_a_column_once() -> None:
    """Without a row, and with the dtypes of other problems."""
    found = ikpipe.check(FRAME.assign(folder=["a" * 3, "/".join("a" * 60)]), **MAPPED)
    assert found["position"].isna().tolist() == [True, False]
    assert type(found["row"][1]) is int
    first = found.iloc[0]
    assert (first["row"], first["column"], first["parameter"]) == (None, "descripton", "description")
    assert (first["severity"], first["code"]) == ("warning", "similar_column")
    assert found.dtypes.equals(ikpipe.check(pd.DataFrame({"file": [b"x"]}), file_name="a").dtypes)


def test_a_warning_changes_no_status(account: Account, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged once, and is in the summary, but in no row."""
    results = quiet(FRAME, account, **MAPPED)
    assert results["ik_status"].tolist() == ["uploaded", "uploaded"]
    assert results["ik_warnings"].isna().all()
    assert [record.getMessage() for record in caplog.records].count(
        "The column 'descripton' (description) is not used. Its name is similar to a parameter. To use it, pass "
        "columns={'description': 'descripton'}; to ignore it, pass ignore=['descripton']."
    ) == 1
    assert len(results.attrs["ikpipe"]["warnings"]) == 1


# The report


def test_the_mapping_is_printed_once(account: Account, capsys: pytest.CaptureFixture[str]) -> None:
    """Where the progress is printed."""
    ikpipe.upload(FRAME, account, **MAPPED)
    assert capsys.readouterr().err.count(f"ikpipe: Mapping: {LINE}\n") == 1


@pytest.mark.parametrize("progress", [False, lambda _progress: None])
def test_the_mapping_is_not_printed_without_progress(
    progress: Any, account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is."""
    ikpipe.upload(FRAME, account, progress=progress, **MAPPED)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("call", ["upload", "check", "retry"])
def test_the_mapping_is_logged_once(call: str, account: Account, caplog: pytest.LogCaptureFixture) -> None:
    """At the level of information."""
    with caplog.at_level(logging.INFO, "ikpipe"):
        CALLS[call](FRAME, account, **MAPPED)
    assert [one.getMessage() for one in caplog.records if "←" in one.getMessage()] == [f"Mapping: {LINE}"]


def test_the_mapping_is_in_the_summaries(account: Account) -> None:
    """Of a run, and of a check."""
    assert quiet(FRAME, account, **MAPPED).attrs["ikpipe"]["effective_mapping"] == LINE
    assert ikpipe.check(FRAME, **MAPPED).attrs["ikpipe"]["effective_mapping"] == LINE


def test_a_single_file_reports_nothing(account: Account, caplog: pytest.LogCaptureFixture) -> None:
    """It has no table."""
    with caplog.at_level(logging.INFO, "ikpipe"):
        ikpipe.upload_file(b"one", account, file_name="a.txt")
    assert not [one for one in caplog.records if "Mapping" in one.getMessage()]


# Results


def failed(account: Account) -> pd.DataFrame:
    """Return results with a row that was rejected, as a run returns them."""
    results = quiet(FRAME, account, **MAPPED, checks='"file.size" > "1mb"')
    assert results["ik_status"].tolist() == ["failed", "failed"]
    return results


@pytest.mark.parametrize("lose", ["csv", "polars", "attrs"])
def test_retry_without_its_mapping_keeps_what_rows_say(lose: str, account: Account, tmp_path: Path) -> None:
    """It is one error, instead of results that say that the file is missing."""
    results: Any = failed(account)
    if lose == "csv":
        ikpipe.write_results(results, tmp_path / "results.csv")
        results = ikpipe.read_results(tmp_path / "results.csv")
    elif lose == "polars":
        results = pl.DataFrame({name: results[name].tolist() for name in ("bild", "ik_status", "ik_message")})
    else:
        results.attrs = {}
    with pytest.raises(ikpipe.MappingError, match="do not have the mapping of their run"):
        ikpipe.retry(results, account, progress=False)


def test_retry_with_its_mapping_has_no_near_misses(account: Account) -> None:
    """They were checked when the run started, possibly by a version that ignored them."""
    results = failed(account)
    results.attrs["ikpipe"]["mapping"].pop("ignore")
    results.attrs["ikpipe"]["id"] = "0" * 32
    again = ikpipe.retry(results, account, checks='"file.size" > "0b"', progress=False)
    assert again["ik_status"].tolist() == ["uploaded", "uploaded"]


def test_retry_of_uploaded_rows_needs_no_mapping(account: Account, arrived: Arrived) -> None:
    """There is nothing to send."""
    results = quiet(FRAME, account, **MAPPED)
    results.attrs = {}
    before = len(arrived())
    again = ikpipe.retry(results, account, progress=False)
    assert again["ik_url"].tolist() == results["ik_url"].tolist()
    assert len(arrived()) == before


# Keywords


@pytest.mark.parametrize(
    ("call", "keyword", "suggestion"),
    [
        ("upload", "concurency", "concurrency"),
        ("upload", "jurnal", "journal"),
        ("upload", "colums", "columns"),
        ("upload", "ignor", "ignore"),
        ("upload", "file_nam", "file_name"),
        ("check", "prob", "probe"),
        ("retry", "earlier_jurnal", "earlier_journal"),
        ("Uploader", "concurency", "concurrency"),
        ("Uploader", "tag_seperator", "tag_separator"),
        ("cluster", "profil", "profile"),
    ],
)
def test_a_keyword_of_a_similar_name_is_suggested(call: str, keyword: str, suggestion: str, account: Account) -> None:
    """It can be a parameter or an option."""
    with pytest.raises(ikpipe.MappingError, match=rf"'{keyword}' \(did you mean '{suggestion}'\?\)"):
        CALLS[call](FRAME, account, **{**MAPPED, keyword: 3})


def test_resume_suggests_a_keyword(account: Account) -> None:
    """Of its options."""
    with pytest.raises(TypeError, match=r"'concurency' \(did you mean 'concurrency'\?\)"):
        ikpipe.resume("run.ikjournal", account, concurency=3)  # type: ignore[call-arg]


# Distributed uploads


def test_a_part_reports_nothing(account: Account, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever starts the upload has reported the mapping once."""
    prepared = cluster.prepare(account, slots=1, **MAPPED)
    with caplog.at_level(logging.INFO, "ikpipe"):
        prepared.begin(FRAME)
        assert [one.getMessage() for one in caplog.records if "Mapping: file" in one.getMessage()] == [
            f"Mapping: {LINE}"
        ]
        assert len([one for one in caplog.records if one.levelno == logging.WARNING]) == 1
        caplog.clear()
        prepared(FRAME)
    assert not [one for one in caplog.records if "descripton" in one.getMessage()]
