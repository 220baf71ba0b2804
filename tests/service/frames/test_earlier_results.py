"""Results files of the version before: read as they were, and obeyed only as far as a file may be."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from ikpipe import Account

EARLIER = Path(__file__).parents[2] / "data" / "earlier"


@pytest.fixture(scope="module")
def rich() -> pd.DataFrame:
    """Give the frame that the results were made of, its paths as text."""
    frame: pd.DataFrame = runpy.run_path(str(EARLIER / "make.py"))["rich"]()
    paths = frame[["file", "cell"]].map(lambda cell: str(cell) if isinstance(cell, Path) else cell)
    return frame.assign(**{name: paths[name].astype(object) for name in paths})


def alike(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame with one storage of text and one unit of time, whose defaults pandas changed."""
    texts = [name for name, dtype in frame.dtypes.items() if isinstance(dtype, pd.StringDtype)]
    times = {name: frame[name].dt.as_unit("ns") for name, dtype in frame.dtypes.items() if dtype.kind in "mM"}
    return frame.astype(dict.fromkeys(texts, "string[python]")).assign(**times)


def test_parquet_gives_all_back(rich: pd.DataFrame) -> None:
    """Equal values and dtypes, the index, `attrs`: all but paths, which are text."""
    found = ikpipe.read_results(EARLIER / "results.parquet")
    one, other = (alike(frame[rich.columns].drop(columns="cell")) for frame in (found, rich))
    pd.testing.assert_frame_equal(one, other, check_freq=False)
    for one, other in zip(found["cell"], rich["cell"], strict=True):
        assert type(one) is type(other)
        np.testing.assert_array_equal(one, other) if isinstance(one, np.ndarray) else None
        assert isinstance(one, np.ndarray) or one == other
    assert (found.attrs["source"], found.attrs["pages"]) == ("spring.xlsx", (1, 2))
    assert found["ik_status"].tolist() == ["uploaded"] * 9
    assert found["ik_status"].dtype == "string"


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_text_gives_the_columns_of_the_run_back(ending: str) -> None:
    """The `ik_` columns have the values and dtypes of the Parquet file."""
    found = ikpipe.read_results(EARLIER / f"results.{ending}")
    before = ikpipe.read_results(EARLIER / "results.parquet").reset_index(drop=True)
    columns = [name for name in before.columns if name.startswith("ik_")]
    pd.testing.assert_frame_equal(alike(found[columns]), alike(before[columns]))


def to_send() -> pd.DataFrame:
    """Give the results as they would be if the first row had failed."""
    results = ikpipe.read_results(EARLIER / "results.parquet")
    return results.assign(ik_status=pd.array(["failed", *["uploaded"] * 8], dtype="string"))


def test_what_only_a_caller_says_is_said_again(account: Account, tmp_path: Path) -> None:
    """The file says a folder, who downloads, and an address: one error names all three, and none of their values."""
    with pytest.raises(ikpipe.MappingError) as caught:
        ikpipe.retry(to_send(), account, progress=False)
    assert "root=…, fetch='client', columns={'webhook_url': …}" in str(caught.value)
    assert "photos" not in str(caught.value)


def test_the_rest_is_as_it_was(
    account: Account, tmp_path: Path, arrived: Callable[[], list[dict[str, Any]]], caplog: pytest.LogCaptureFixture
) -> None:
    """With these said again, the columns and parameters of the file are its run's, and the run says so."""
    (tmp_path / "a.txt").write_text("a.txt")
    again = ikpipe.retry(
        to_send(), account, root=tmp_path, fetch="client", columns={"webhook_url": "hook"}, progress=False
    )
    assert again["ik_status"].tolist() == ["uploaded"] * 9
    (sent,) = arrived()
    assert (sent["fields"]["folder"], sent["fields"]["tags"]) == ("/earlier/", "007")
    assert sent["fields"]["webhookUrl"] == "https://shop.example/hook"
    assert (
        "Mapping taken from the results: tags ← string, file_name = {period}.txt, folder = /earlier/\n" in caplog.text
    )
