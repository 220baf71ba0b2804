"""The flow of the documentation in Prefect: its server and runner run and retry it while its process is killed."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import pytest
from engines import EXAMPLES, FEW, Place, environment, free_port, kill_the_uploader, until

from ikpipe.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.soak

SAVE = "import sys, json; from prefect.blocks.system import Secret; Secret(value=json.load(sys.stdin)).save('imagekit')"
"""A script that stores the account in a block."""


class Night(NamedTuple):
    """What is left of a night."""

    place: Place
    state: str
    artifacts: list[dict[str, Any]]


def _found(place: Place, what: str) -> list[dict[str, Any]]:
    """Return all objects of a kind that Prefect's server has."""
    response = httpx.post(f"{place.variables['PREFECT_API_URL']}/{what}/filter", json={}, timeout=30)
    found: list[dict[str, Any]] = response.raise_for_status().json()
    return found


def _answers(place: Place) -> bool:
    try:
        return httpx.get(f"{place.variables['PREFECT_API_URL']}/health").is_success
    except httpx.TransportError:
        return False


def _disturb(place: Place, service: Any) -> str:
    """Kill the run in the middle, retry it, let the next attempt fail after its uploads; return the last state."""

    def run(*states: str) -> dict[str, Any] | None:
        return next((one for one in _found(place, "flow_runs") if one["state_type"] in states), None)

    until(lambda: place.stored("/products/") >= FEW, "nothing is uploaded")
    kill_the_uploader(service, place.emulator)
    crashed = until(lambda: run("CRASHED"), "the run does not crash")
    place.run("prefect", "flow-run", "retry", crashed["id"])
    until(lambda: place.stored("/products/") == place.rows, "the rest is not uploaded")
    until(lambda: _waits_for_a_retry(place), "the attempt that cannot write does not fail")
    place.let_results_be_written()
    ended: str = until(lambda: run("COMPLETED", "FAILED"), "the run does not end")["state_type"]
    return ended


def _waits_for_a_retry(place: Place) -> bool:
    return any(one["state_name"] == "AwaitingRetry" for one in _found(place, "task_runs"))


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    """Let Prefect run the flow for a day, and disturb it."""
    programs, folder, port = environment("prefect", "prefect>=3"), tmp_path_factory.mktemp("prefect"), free_port()
    settings = {
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PYTHONUNBUFFERED": "1",
    }
    with Emulator(latency=0.3) as emulator:
        place = Place(programs, emulator, folder, **settings)
        shutil.copy(EXAMPLES / "prefect_flow.py", folder)
        with place.service("prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)):
            until(lambda: _answers(place), "no server")
            place.run("python", "-c", SAVE, keys=place.keys)
            with place.service("python", "prefect_flow.py") as service:
                until(lambda: _found(place, "deployments"), "no deployment")
                place.run("prefect", "deployment", "run", "products/nightly")
                state = _disturb(place, service)
                ended = Night(place, state, _found(place, "artifacts"))
        yield ended


def test_a_retried_run_stores_each_file_once(night: Night) -> None:
    """The process is killed in the middle, and another attempt fails after the uploads; retries do the rest."""
    assert night.state == "COMPLETED"
    assert night.place.stored("/products/") == night.place.rows


def test_the_summary_is_an_artifact(night: Night) -> None:
    """Each attempt that ends leaves one."""
    assert '"status": "finished"' in night.artifacts[0]["data"]
    assert {one["key"] for one in night.artifacts} == {"ikpipe-summary"}


def test_the_key_is_in_no_file(night: Night) -> None:
    """Neither logs nor the database nor results have it: a block is encrypted."""
    assert night.place.files_with_the_key() == []
