"""The asset of the documentation in Dagster: its daemon runs and retries it while its process is killed."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from engines import EXAMPLES, FEW, Place, environment, free_port, kill_the_uploader, until

from ikpipe.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.soak


class Night(NamedTuple):
    """What is left of a night."""

    place: Place
    runs: list[str]
    materialized: list[dict[str, Any]]


def _runs(place: Place) -> list[str]:
    return [status for (status,) in _rows(place, "history/runs.db", "SELECT status FROM runs ORDER BY id")]


def _events(place: Place, kind: str) -> list[dict[str, Any]]:
    """Return the events of a kind, of all runs."""
    query = f"SELECT event FROM event_logs WHERE dagster_event_type = '{kind}' ORDER BY id"  # noqa: S608 - ours
    paths = (place.folder / "dagster").glob("history/runs/*-*.db")
    return [
        json.loads(event)
        for path in paths
        for (event,) in _rows(place, path.relative_to(place.folder / "dagster"), query)
    ]


def _rows(place: Place, database: Any, query: str) -> list[Any]:
    with closing(sqlite3.connect(f"file:{place.folder}/dagster/{database}?mode=ro", uri=True)) as connection:
        return connection.execute(query).fetchall()


def _disturb(place: Place, service: Any) -> None:
    """Kill the step in the middle, and let the attempt fail that then writes its results."""
    until(lambda: place.stored("/products/") >= FEW, "nothing is uploaded")
    kill_the_uploader(service, place.emulator)
    until(lambda: place.stored("/products/") == place.rows, "the rest is not uploaded")
    until(lambda: len(_events(place, "STEP_UP_FOR_RETRY")) == 2, "the attempt that cannot write does not fail")
    place.let_results_be_written()
    until(lambda: "SUCCESS" in _runs(place), "the run does not end")


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    """Let Dagster materialize a day's partition, and disturb it."""
    programs, folder = environment("dagster", "dagster", "dagster-webserver"), tmp_path_factory.mktemp("dagster")
    with Emulator(latency=0.3) as emulator:
        place = Place(programs, emulator, folder, DAGSTER_HOME=str(folder / "dagster"))
        place.variables["IMAGEKIT_KEYS"] = json.dumps(place.keys)
        (folder / "dagster").mkdir()
        (folder / "dagster" / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
        shutil.copy(EXAMPLES / "dagster_assets.py", folder)
        code, tags = ("-f", "dagster_assets.py"), {"dagster/partition": place.days[0]}
        with place.service("dagster", "dev", "--host", "127.0.0.1", "--port", str(free_port()), *code) as service:
            until(lambda: "Serving dagster-webserver" in (folder / "dagster.out").read_text(), "no server")
            place.run("dagster", "job", "launch", *code, "--job", "upload_job", "--tags", json.dumps(tags))
            _disturb(place, service)
        ended = Night(place, _runs(place), _events(place, "ASSET_MATERIALIZATION"))
        yield ended


def test_a_retried_step_stores_each_file_once(night: Night) -> None:
    """The step is killed in the middle, and another attempt fails after the uploads; retries do the rest."""
    assert night.runs == ["SUCCESS"]
    assert night.place.stored("/products/") == night.place.rows


def test_the_summary_is_metadata_of_the_materialization(night: Night) -> None:
    """It has the number of rows and the counts."""
    assert '"uploaded"' in json.dumps(night.materialized)
    assert '"schema_version"' in json.dumps(night.materialized)


def test_the_key_is_in_no_file(night: Night) -> None:
    """Neither logs nor the databases nor results have it: a resource has the name of its variable."""
    assert night.place.files_with_the_key() == []
