"""The DAGs of the documentation in Airflow: its scheduler runs and retries them while their processes are killed."""

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

DAGS = {"products": "/products/", "products_by_command": "/command/"}
"""The DAGs, and the folders of the library to which they upload."""


def _settings(folder: Any) -> dict[str, str]:
    """Return Airflow's settings: everything in one folder, and servers on loopback only."""
    port = free_port()
    return {
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
        "AIRFLOW__CORE__DAGS_FOLDER": str(folder / "dags"),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
        "AIRFLOW__TRIGGERER__TRIGGERER_LOG_SERVER_PORT": str(free_port()),
    }


class Night(NamedTuple):
    """What is left of a night."""

    place: Place
    attempts: dict[str, tuple[str, int]]
    """The state of each DAG's task, and the number of its attempts."""
    xcoms: dict[str, Any]


def _rows(place: Place, query: str) -> list[Any]:
    with closing(sqlite3.connect(f"file:{place.folder}/airflow/airflow.db?mode=ro", uri=True)) as database:
        return database.execute(query).fetchall()


def _attempts(place: Place, *states: str) -> dict[str, tuple[str, int]]:
    """Return the tasks in some states, with the number of their attempts."""
    found = _rows(place, "SELECT dag_id, state, try_number FROM task_instance")
    return {dag: (state, attempt) for dag, state, attempt in found if state in states}


def _disturb(place: Place, service: Any) -> None:
    """Kill the uploads in the middle, and let the attempt fail that then writes its results."""
    for folder in DAGS.values():
        until(lambda folder=folder: place.stored(folder) >= FEW, f"nothing is uploaded to {folder}")
        kill_the_uploader(service, place.emulator)
    until(lambda: place.stored("/products/") == place.rows, "the rest is not uploaded")
    until(lambda: "products" in _attempts(place, "up_for_retry"), "the attempt that cannot write does not fail")
    place.let_results_be_written()


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    """Let Airflow run both DAGs for a day, and disturb them."""
    programs = environment("airflow", "apache-airflow>=3")
    folder = tmp_path_factory.mktemp("airflow")
    with Emulator(latency=0.3) as emulator:
        place = Place(programs, emulator, folder, **_settings(folder))
        shutil.copytree(EXAMPLES, folder / "dags", ignore=lambda _, names: [n for n in names if "_dag.py" not in n])
        keys = place.keys
        connection = {"login": keys.pop("public_key"), "password": keys.pop("private_key"), "extra": keys}
        place.run("airflow", "db", "migrate")
        place.run(
            "airflow",
            "connections",
            "add",
            "imagekit",
            "--conn-json",
            json.dumps({"conn_type": "generic", **connection}),
        )
        with place.service("airflow", "standalone") as service:
            until(lambda: len(_rows(place, "SELECT dag_id FROM dag")) == len(DAGS), "no DAGs")
            for dag in DAGS:
                place.run("airflow", "dags", "unpause", "--yes", dag)
            _disturb(place, service)
            until(lambda: len(_attempts(place, "success", "failed")) == len(DAGS), "the DAGs do not end")
            xcoms = {dag: json.loads(value) for dag, value in _rows(place, "SELECT dag_id, value FROM xcom")}
            ended = Night(place, _attempts(place, "success", "failed"), xcoms)
        yield ended


@pytest.mark.parametrize("dag", DAGS)
def test_a_retried_task_stores_each_file_once(night: Night, dag: str) -> None:
    """A process is killed in the middle, and another attempt fails after the uploads; Airflow's retries do the rest."""
    state, attempt = night.attempts[dag]
    assert state == "success"
    assert attempt >= 2
    assert night.place.stored(DAGS[dag]) == night.place.rows


def test_the_retry_after_the_uploads_sends_nothing(night: Night) -> None:
    """Only uploads that were in flight when the process was killed are sent twice."""
    assert len(night.place.uploads("/products/")) < 2 * night.place.rows


@pytest.mark.parametrize("dag", DAGS)
def test_the_summary_is_an_xcom(night: Night, dag: str) -> None:
    """It has the counts of the last attempt."""
    summary = night.xcoms[dag]
    summary = json.loads(summary) if isinstance(summary, str) else summary
    assert summary["status"] == "finished"
    assert sum(summary["counts"].values()) == night.place.rows


def test_the_key_is_in_no_file(night: Night) -> None:
    """Neither logs nor the metadata database nor results have it: rendered templates show ***."""
    assert '"IMAGEKIT_PRIVATE_KEY": "***"' in str(
        _rows(night.place, "SELECT rendered_fields FROM rendered_task_instance_fields")
    )
    assert night.place.files_with_the_key() == []
