"""Writing results: whole, or not at all."""

import io
import re
import sys
from pathlib import Path

import pandas as pd
import pytest

import ikpipe
from ikpipe.frames.io.csv_style import CsvStyle
from ikpipe.frames.io.results import read_results, write_csv, write_results


class _Unprintable:
    """A cell that nothing can be made of."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_failure_leaves_the_old_file_alone(ending: str, tmp_path: Path) -> None:
    """Where writing fails, the file that was there stays, and nothing is left beside it."""
    path = tmp_path / f"results.{ending}"
    path.write_text("old")
    with pytest.raises(RuntimeError, match="no text"):
        write_results(pd.DataFrame({"a": [_Unprintable()]}), path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_cell_that_cannot_be_read_costs_parquet_no_row(tmp_path: Path) -> None:
    """It is written as one that cannot be read, and the cells beside it as they are."""
    path = tmp_path / "results.parquet"
    write_results(pd.DataFrame({"a": [_Unprintable(), "kept"], "b": [1, 2]}), path)
    back = read_results(path)
    assert "_Unprintable cannot be read" in str(back["a"][0])
    assert (back["a"][1], back["b"].tolist()) == ("kept", [1, 2])


def test_file_is_readable_as_any_other_new_file(tmp_path: Path) -> None:
    """Results get the permissions that a new file gets here, not those of a private temporary file."""
    plain, path = tmp_path / "plain", tmp_path / "results.csv"
    plain.touch()
    write_results(pd.DataFrame({"a": [1]}), path)
    assert path.stat().st_mode == plain.stat().st_mode


def test_link_stays_a_link(tmp_path: Path) -> None:
    """Results written to a link go where it leads."""
    (tmp_path / "real.csv").touch()
    (tmp_path / "link.csv").symlink_to("real.csv")
    write_results(pd.DataFrame({"a": [1]}), tmp_path / "link.csv")
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text() == "a\n1\n"


@pytest.mark.parametrize("path", ["results.pdf", "results", "results.csv.gz"])
def test_unknown_ending_names_the_known_ones(path: str) -> None:
    """An ending that is no format of results is an error that names those that are."""
    known = re.escape(f"{path}: unsupported file type. Use one of .csv, .jsonl, .parquet")
    with pytest.raises(ikpipe.Error, match=known):
        write_results(pd.DataFrame(), path)


def test_unknown_ending_of_results_is_said() -> None:
    """Reading results names the formats that can be read."""
    with pytest.raises(ikpipe.Error, match=r"results\.pdf: unsupported file type. Use one of \.csv, "):
        read_results("results.pdf")


def test_ending_may_be_in_capitals(tmp_path: Path) -> None:
    """`.CSV` is CSV."""
    write_results(pd.DataFrame({"a": ["x"]}), tmp_path / "R.CSV")
    assert read_results(tmp_path / "R.CSV")["a"].tolist() == ["x"]


def test_missing_file_is_said(tmp_path: Path) -> None:
    """A file that is not there is an error with its name."""
    with pytest.raises(ikpipe.Error, match=r"There is no file .*gone\.csv\. Correct the path\."):
        read_results(tmp_path / "gone.csv")


def test_missing_extra_names_the_line_to_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pyarrow, writing Parquet says what to install, and leaves no file."""
    for module in ("pyarrow", "pyarrow.parquet"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ikpipe.MissingExtra, match=r"pip install 'ikpipe\[parquet\]'"):
        write_results(pd.DataFrame({"a": [1]}), tmp_path / "results.parquet")
    assert list(tmp_path.iterdir()) == []


def test_csv_goes_to_a_stream_too() -> None:
    """Standard output gets what a file would get."""
    stream = io.BytesIO()
    write_csv(pd.DataFrame({"sku": ["=1"]}), stream, CsvStyle(spreadsheet_safe=True))
    assert stream.getvalue() == b"sku\n'=1\n"
