"""Write the results files of this folder, with the ikpipe of commit 7f61cca: ``python make.py FOLDER``."""

import datetime
import os
import sys
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import numpy as np
import pandas as pd

import ikpipe
from ikpipe.emulator import Emulator


def rich() -> pd.DataFrame:
    """Make a frame of many dtypes, with `Path` cells, a named index and attrs."""
    zone = "Europe/Paris"
    cells = [Path("a.txt"), (1, {"k": {2}}), b"\xff", Decimal("1.10"), UUID(int=7), np.array([[1, 2]], dtype="int8")]
    nested = [datetime.date(2026, 1, 1), datetime.timedelta(hours=1), pd.Timestamp("2026-01-01", tz=zone)]
    frame = pd.DataFrame(
        {
            "file": pd.Series([Path("a.txt"), Path("b.txt"), "data:text/plain;base64,aGVsbG8="] * 3, dtype=object),
            "cell": pd.Series([*cells, *nested], dtype=object),
            "Int64": pd.Series([2**62 + 1, None, 3] * 3, dtype="Int64"),
            "string": pd.Series(["007", None, "é"] * 3, dtype="string"),
            "boolean": pd.Series([True, None, False] * 3, dtype="boolean"),
            "category": pd.Categorical(["x", None, "y"] * 3, categories=["y", "x"], ordered=True),
            "when": pd.date_range("2026-03-29", periods=9, freq="h", tz=zone),
            "delta": pd.timedelta_range("1h", periods=9, freq="h"),
            "period": pd.period_range("2026", periods=9, freq="M"),
            "interval": pd.interval_range(0, 9),
            "sparse": pd.arrays.SparseArray([0, 1, 0] * 3),
            "complex": pd.Series([1 + 2j] * 9),
            "arrow": pd.Series([1, None, 3] * 3, dtype="int64[pyarrow]"),
            "lists": pd.Series([[1], None, [2, 3]] * 3, dtype=object),
        },
    ).set_axis(pd.Index(range(100, 109), name="sku"))
    frame.attrs = {"source": Path("spring.xlsx"), "pages": (1, 2)}
    return frame


def main(folder: Path) -> None:
    """Upload, and write what came back in each format."""
    os.chdir(folder)
    Path("photos").mkdir()
    for name in ("a.txt", "b.txt"):
        Path("photos", name).write_text(name)
    frame = rich()
    frame["hook"] = "https://shop.example/hook"
    with Emulator() as emulator:
        results = ikpipe.upload(
            frame,
            emulator.account,
            columns={"tags": ["string"], "webhook_url": "hook"},
            root="photos",
            fetch="client",
            file_name="{period}.txt",
            folder="/earlier/",
            journal="run.ikjournal",
            progress=False,
        )
    print(results["ik_status"].tolist())  # noqa: T201 - a script
    for ending in ("parquet", "csv", "jsonl"):
        ikpipe.write_results(results, f"results.{ending}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
