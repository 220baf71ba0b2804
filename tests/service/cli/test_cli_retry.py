"""`ikpipe retry`: the rows of a results file that are not uploaded yet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from doubles import RawServer, answering, uploads_of
from rows import RETRIES
from shell import NAMED

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Ikp, Table

    from ikpipe.emulator import Emulator


@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize(
    ("out", "options"), [("r.parquet", ()), ("r.csv", NAMED), ("r.jsonl", NAMED), ("r.xlsx", NAMED)]
)
def test_mended_rows_go_up(
    ikp: Ikp,
    table: Table,
    arrived: Callable[[], list[dict[str, Any]]],
    pictures: Callable[[int], list[str]],
    out: str,
    options: tuple[str, ...],
) -> None:
    """Only rows that are not uploaded are sent, and OUT may be RESULTS; Parquet needs no mapping again."""
    assert ikp("upload", table(2, picture=[pictures(1)[0], None]), "-o", out, *NAMED).status == 1
    results = ikpipe.read_results(out)
    results.loc[1, "picture"] = pictures(2)[1]
    ikpipe.write_results(results, out)
    assert ikp("retry", out, "-o", out, *options).status == 0
    assert list(ikpipe.read_results(out)["ik_status"]) == ["uploaded", "uploaded"]
    assert len(arrived()) == 2


def test_unknown_rows(ikp: Ikp, table: Table, emulate: Callable[..., Emulator], sign_in: Any) -> None:
    """Rows that may be stored where nobody can look are held, and sent again only with `--on-unknown resend`."""
    sign_in(emulate(outage=503, outage_times=1 + RETRIES))
    ikp("upload", table(1), "-o", "r.csv", *NAMED, "--policy", "unique_names=service", "--policy", "first_wait=0.01")
    assert ikp("retry", "r.csv", "-o", "r.csv", *NAMED).status == 1
    assert ikp("retry", "r.csv", "-o", "r.csv", *NAMED, "--on-unknown", "resend").status == 0


def test_unknown_rows_are_looked_for(
    ikp: Ikp, table: Table, emulate: Callable[..., Emulator], sign_in: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that are stored in truth become `exists`, also from a CSV, and nothing is sent."""
    emulator = emulate(faults={"store-then-cut": 1}, index_lag=0)
    sign_in(emulator)
    with RawServer(answering(500, b"")) as host, monkeypatch.context() as dark:
        dark.setenv("IMAGEKIT_API_URL", host.url)
        soon = ("--policy", "first_wait=0.01")
        assert ikp("upload", table(1), "-o", "r.csv", *NAMED, "--quiet", *soon).status == 1
    assert ikpipe.read_results("r.csv")["ik_status"].tolist() == ["unknown"]
    sent = len(uploads_of(emulator))
    assert ikp("retry", "r.csv", "-o", "r.csv", *NAMED).status == 0
    assert ikpipe.read_results("r.csv")["ik_status"].tolist() == ["exists"]
    assert len(uploads_of(emulator)) == sent


@pytest.mark.usefixtures("signed_in")
def test_no_results(ikp: Ikp, table: Table) -> None:
    """A table that no run wrote is refused."""
    ran = ikp("retry", table(1), "-o", "out.csv", *NAMED)
    assert ran.status == 2
    assert "ik_status" in ran.err


@pytest.mark.usefixtures("signed_in")
def test_results_stay_when_the_account_is_missing(ikp: Ikp, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """A retry that never began leaves RESULTS as it was."""
    ikp("upload", table(1, picture=[""]), "-o", "r.csv", *NAMED)
    before = Path("r.csv").read_bytes()
    monkeypatch.delenv("IMAGEKIT_PUBLIC_KEY")
    assert ikp("retry", "r.csv", "-o", "r.csv", *NAMED).status == 3
    assert Path("r.csv").read_bytes() == before


def test_retry_on_an_emulator(ikp: Ikp, pictures: Callable[[int], list[str]], emulate: Callable[..., Emulator]) -> None:
    """A temporary emulator has the metadata fields that the mapping of an earlier run names."""
    frame = pd.DataFrame({"file": pictures(1), "size": [3]})
    mapping: dict[str, Any] = {"columns": {"custom_metadata": ["size"]}, "custom_metadata": {"new": True}}
    # This account has no such fields, so the row fails.
    results = ikpipe.upload(frame, emulate().account, file_name="a.png", progress=False, **mapping)
    assert list(results["ik_error"]) == ["unknown_name"]
    ikpipe.write_results(results, "r.parquet")
    assert ikp("retry", "r.parquet", "-o", "r.parquet", "--emulator").status == 0


@pytest.mark.usefixtures("signed_in")
def test_the_mapping_of_the_results_is_said_once(ikp: Ikp, table: Table, caplog: pytest.LogCaptureFixture) -> None:
    """Results that another process wrote are read, checked and mapped once."""
    ikp("upload", table(1), "-o", "r.parquet", *NAMED)
    results = ikpipe.read_results("r.parquet")
    results.attrs["ikpipe"]["id"] = "of-another-process"
    ikpipe.write_results(results, "r.parquet")
    caplog.clear()
    assert ikp("retry", "r.parquet", "-o", "r.parquet").status == 0
    assert [record.message for record in caplog.records].count(
        "Mapping taken from the results: file ← picture, file_name = {sku}.png"
    ) == 1


@pytest.mark.usefixtures("signed_in")
def test_a_dry_run(ikp: Ikp, table: Table, pictures: Callable[[int], list[str]]) -> None:
    """It counts the rows, and sends nothing."""
    ikp("upload", table(2, picture=[pictures(1)[0], None]), "-o", "out.csv", *NAMED)
    before = Path("out.csv").read_bytes()
    ran = ikp("retry", "out.csv", "-o", "out.csv", *NAMED, "--dry-run")
    assert (ran.status, Path("out.csv").read_bytes()) == (0, before)
    assert "2 rows: 1 would be sent, 0 searched for first, 1 stay as they are." in ran.err
