"""`ikpipe plan` and `--dry-run`: totals and reasons on the terminal, the plan in a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

import ikpipe
from ikpipe.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from shell import Completed

SYNC = ("--map", "file=picture", "--set", "file_name={sku}.png", "--on-existing", "sync")


@pytest.fixture
def service(sign_in: Callable[[Emulator], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """Have an emulator and a state folder of its own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with Emulator() as running:
        sign_in(running)
        yield running


def test_a_plan_is_printed(ikp: Callable[..., Completed], service: Emulator, table: Callable[..., str]) -> None:
    """The totals, with the reasons of what is not plain; nothing is uploaded."""
    table(3)
    ikp("upload", "in.csv", "-o", "out.csv", *SYNC)
    table(4, tags=["", "new", "", "x" * 501])
    done = ikp("plan", "in.csv", *SYNC)
    assert done.status == 1
    assert done.err.splitlines()[0] == "ikpipe: Plan for 4 rows: 2 unchanged, 1 update, 1 invalid"
    assert "row 1 (line 3)  The same content as when the file was stored. Different: tags." in done.err
    assert "Nothing was sent or changed." in done.err
    assert len(ikpipe.files(service.account)) == 3


def test_a_plan_is_a_table(ikp: Callable[..., Completed], service: Emulator, table: Callable[..., str]) -> None:
    """PLAN has the rows of IN with the columns of the plan."""
    table(2)
    assert ikp("plan", "in.csv", "-o", "plan.csv", *SYNC).status == 0
    plan = pd.read_csv("plan.csv")
    assert list(plan["ik_action"]) == ["upload", "upload"]
    assert list(plan["ik_target"]) == ["/00000.png", "/00001.png"]
    assert list(plan.columns[:2]) == ["sku", "picture"]
    assert len(ikpipe.files(service.account)) == 0


def test_standard_output(ikp: Callable[..., Completed], service: Emulator, table: Callable[..., str]) -> None:
    """`-o -` is CSV on standard output."""
    del service
    table(1)
    done = ikp("plan", "in.csv", "-o", "-", *SYNC)
    assert done.out.splitlines()[0] == "sku,picture,ik_action,ik_target,ik_reason,ik_bytes,ik_file_id,ik_versions"


@pytest.mark.parametrize("option", ["-n", "--dry-run"])
def test_a_dry_run(
    ikp: Callable[..., Completed], service: Emulator, table: Callable[..., str], tmp_path: Path, option: str
) -> None:
    """`upload --dry-run` plans, and leaves OUT as it is."""
    table(2)
    done = ikp("upload", "in.csv", "-o", "out.csv", *SYNC, option)
    assert (done.status, done.err.splitlines()[0]) == (0, "ikpipe: Plan for 2 rows: 2 upload; 154 B to send")
    assert not (tmp_path / "out.csv").exists()
    assert len(ikpipe.files(service.account)) == 0


def test_without_an_account(ikp: Callable[..., Completed], table: Callable[..., str]) -> None:
    """The error says what is missing."""
    table(1)
    assert ikp("plan", "in.csv", *SYNC).status == 3


def test_a_temporary_service_has_nothing(ikp: Callable[..., Completed], table: Callable[..., str]) -> None:
    """A plan of an empty library would say nothing."""
    table(1)
    done = ikp("upload", "in.csv", "-o", "out.csv", *SYNC, "-n", "--emulator")
    assert (done.status, "nothing to plan" in done.err) == (2, True)


@pytest.mark.usefixtures("service")
@pytest.mark.parametrize("mode", ["skip", "error", "replace", "sync"])
def test_nobody_listens(
    mode: str, ikp: Callable[..., Completed], table: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no plan for a library that cannot be read."""
    monkeypatch.setenv("IMAGEKIT_API_URL", "http://127.0.0.1:9")
    ran = ikp("plan", table(1), *SYNC[:-1], mode)
    assert (ran.status, "cannot be reached" in ran.err) == (3, True)
