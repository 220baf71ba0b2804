"""The destination of the documentation in dlt: a load that is killed, or fails after its uploads, is repeated."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from engines import EXAMPLES, FEW, Place, environment, kill_the_uploader, until

from ikpipe.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.soak


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Load a table: the program is killed in the middle, fails after its uploads, and ends."""
    programs, folder = environment("dlt", "dlt"), tmp_path_factory.mktemp("dlt")
    with Emulator(latency=0.3) as emulator:
        place = Place(programs, emulator, folder, DLT_DATA_DIR=str(folder / "dlt"), RUNTIME__DLTHUB_TELEMETRY="false")
        place.variables |= {"SHOP": str(place.catalog), "DESTINATION__IMAGEKIT__SECRET": json.dumps(place.keys)}
        shutil.copy(EXAMPLES / "recipes" / "dlt_destination.py", folder)
        (place.catalog / f"products-{place.days[0]}.csv").rename(place.catalog / "products.csv")
        results = place.catalog / "results"
        results.rename(place.catalog / "elsewhere")
        with place.service("python", "dlt_destination.py") as service:
            until(lambda: place.stored("/products/") >= FEW, "nothing is uploaded")
            kill_the_uploader(service, emulator)
        with place.service("python", "dlt_destination.py") as service:
            until(lambda: place.stored("/products/") == place.rows, "the rest is not uploaded")
            until(
                lambda: "results" in (folder / "python.out").read_text(), "the attempt that cannot write does not fail"
            )
            results.mkdir()
            service.wait(60)
        if not list(results.glob("*.parquet")):  # dlt gave up before there was a place for results
            place.run("python", "dlt_destination.py")
        yield place


def test_a_repeated_load_stores_each_file_once(place: Place) -> None:
    """The results of the last attempt have all rows."""
    results = pd.concat([pd.read_parquet(path) for path in (place.catalog / "results").glob("*.parquet")])
    assert len(results) == place.rows
    assert set(results["ik_status"]) <= {"uploaded", "exists"}
    assert place.stored("/products/") == place.rows


def test_the_key_is_in_no_file(place: Place) -> None:
    """dlt keeps tables, states and logs in its folder."""  # noqa: D403 - its name
    assert place.files_with_the_key() == []
