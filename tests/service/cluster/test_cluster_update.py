"""Updates in parts: the same on any machine and any number of times."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pytest

import ikpipe
from ikpipe.cluster.update import prepare_update

if TYPE_CHECKING:
    from ikpipe import Account

SOON = ikpipe.Policy(first_wait=0.01, changes=0, look_ups=0)


@pytest.fixture
def results(account: Account, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    """Upload four files; the process has the key in its environment, as a worker has."""
    monkeypatch.setenv("IMAGEKIT_PRIVATE_KEY", account.key())
    frame = pd.DataFrame({"file": [b"1", b"2", b"3", b"4"], "sku": [*"abcd"]})
    folder = f"/{request.node.name}".replace("[", "-").replace("]", "")
    return ikpipe.upload(frame, account, file_name="{sku}.txt", folder=folder, progress=False)[["ik_file_id", "sku"]]


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


def test_parts_share_the_rate(account: Account) -> None:
    """All parts together send no faster than one update does."""
    prepared = prepare_update(account, slots=4, description="x", policy=ikpipe.Policy(changes=8))
    assert prepared.part_policy().changes == 2


def test_a_dry_run_changes_nothing(results: pd.DataFrame, account: Account) -> None:
    """Its rows are planned."""
    prepared = prepare_update(account, slots=1, description="x", policy=SOON, dry_run=True)
    assert set(prepared(results)["ik_change"]) == {"planned"}


@pytest.mark.parametrize("options", [{"slots": 0, "tags": "x"}, {"slots": 1, "tag": "x"}, {"slots": 1, "journal": "x"}])
def test_mistakes(account: Account, options: dict[str, Any]) -> None:
    """They are found before anything is sent to workers."""
    with pytest.raises(ikpipe.MappingError):
        prepare_update(account, **options)
