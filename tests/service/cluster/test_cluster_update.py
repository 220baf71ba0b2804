"""Updates in parts: the same on any machine and any number of times."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pytest

import ikpipe
from ikpipe.cluster.shares import machine_ledger
from ikpipe.cluster.update import prepare_update

if TYPE_CHECKING:
    from collections.abc import Callable

    from ikpipe import Account
    from ikpipe.emulator import Emulator

SOON = ikpipe.Policy(first_wait=0.01, changes=0, look_ups=0)


@pytest.fixture
def results(account: Account, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    """Upload four files for a test."""
    folder = f"/{request.node.name}".replace("[", "-").replace("]", "")
    return uploaded(account, 4, monkeypatch, folder=folder)


def uploaded(account: Account, rows: int, monkeypatch: pytest.MonkeyPatch, **options: Any) -> pd.DataFrame:
    """Upload files, and return their ids; the process has the key in its environment, as a worker has."""
    monkeypatch.setenv("IMAGEKIT_PRIVATE_KEY", account.key())
    frame = pd.DataFrame({"file": [b"%d" % row for row in range(rows)], "sku": [f"s{row}" for row in range(rows)]})
    return ikpipe.upload(frame, account, file_name="{sku}.txt", progress=False, **options)[["ik_file_id", "sku"]]


@pytest.mark.parametrize("kind", ["pandas", "arrow"])
def test_parts_are_updated_and_repeated(results: pd.DataFrame, account: Account, kind: str) -> None:
    """A pickled function without the key updates a part; again, its rows are unchanged."""
    prepared = prepare_update(account, slots=2, description="{sku}", policy=SOON)
    pickled = pickle.dumps(prepared)
    assert account.key().encode() not in pickled
    again = pickle.loads(pickled)  # noqa: S301 - our own

    def part(first: int) -> Any:
        rows = results.iloc[first : first + 2]
        return rows if kind == "pandas" else pa.Table.from_pandas(rows)

    outcomes = [again(part(first)) for first in (0, 2, 2)]
    assert {type(one) for one in outcomes} == {type(part(0))}
    assert [[str(cell) for cell in one["ik_change"]] for one in outcomes] == [["done"] * 2] * 2 + [["unchanged"] * 2]
    empty = again.empty(part(0)[:0])
    assert list(getattr(empty, "column_names", empty.columns)) == [*results, "ik_change", "ik_change_message"]


def changes(emulator: Emulator) -> list[float]:
    """Return when details of files were changed."""
    return sorted(entry["time"] for entry in emulator.log() if entry["method"] == "PATCH")


def test_parts_without_a_ledger_have_equal_shares_of_the_rate(
    emulate: Callable[..., Emulator], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parts that follow each other wait as if all slots were in use, each before its first change, too."""
    emulator = emulate()
    files = uploaded(emulator.account, 6, monkeypatch)
    prepared = prepare_update(emulator.account, slots=4, description="x", policy=replace(SOON, changes=40))
    for row in range(6):
        prepared(files.iloc[row : row + 1])
    times = changes(emulator)
    assert len(times) == 6
    assert times[-1] - times[0] > 0.4


def test_a_part_that_runs_alone_has_the_whole_rate(
    emulate: Callable[..., Emulator], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever number of parts was expected."""
    emulator = emulate()
    files = uploaded(emulator.account, 20, monkeypatch)
    prepared = prepare_update(emulator.account, slots=1_000, description="x", policy=replace(SOON, changes=40))
    prepared.replaced(ledger=machine_ledger(None))(files)
    times = changes(emulator)
    assert len(times) == 20
    # A thousandth of the rate would take 475 s.
    assert 0.4 < times[-1] - times[0] < 100


def test_a_dry_run_changes_nothing(results: pd.DataFrame, account: Account) -> None:
    """Its rows are planned."""
    prepared = prepare_update(account, slots=1, description="x", policy=SOON, dry_run=True)
    assert set(prepared(results)["ik_change"]) == {"planned"}


@pytest.mark.parametrize("options", [{"slots": 0, "tags": "x"}, {"slots": 1, "tag": "x"}, {"slots": 1, "journal": "x"}])
def test_mistakes(account: Account, options: dict[str, Any]) -> None:
    """They are found before anything is sent to workers."""
    with pytest.raises(ikpipe.MappingError):
        prepare_update(account, **options)
