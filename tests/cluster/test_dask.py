"""Uploads by a Dask cluster: workers that are killed, partitions that run again, and what is sent to workers."""

from __future__ import annotations

import base64
import json
import os
import pickle
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.parse import quote, urljoin
from urllib.request import urlopen

import dask
import dask.dataframe as dd
import nights
import pandas as pd
import pyarrow as pa
import pytest
import second_uploads
from distributed import Client, LocalCluster, wait
from doubles import LOOPBACK, uploads_of
from pandas.testing import assert_frame_equal
from rows import sha

import ikpipe
import ikpipe.dask
from ikpipe import Policy
from ikpipe.emulator import Emulator
from ikpipe.emulator.faults import KINDS
from ikpipe.request.result import RESULT_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ikpipe import Account

SWIFT = Policy(index_lag=0.5, first_wait=0.02, look_ups=0)
BINARY = pd.ArrowDtype(pa.binary())
MEASURED = {"ik_attempts", "ik_seconds", "ik_request_id", "ik_file_id", "ik_version_id", "ik_url", "ik_thumbnail_url"}


KEYS = {"public_key": "public_dask", "private_key": "private_dask_long_enough_for_its_hash"}
"""Workers start before the emulators of the tests, with this key in their environment."""


@pytest.fixture
def emulate() -> Iterator[Callable[..., Emulator]]:
    """Start emulators with other rules for one test, all with the key that the workers have."""
    with ExitStack() as stack:
        yield lambda **rules: stack.enter_context(Emulator(**KEYS, **rules))


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    """One emulator that tests share, with the key that the workers have."""
    with Emulator(**LOOPBACK, **KEYS) as running:
        yield running


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """Run two workers, each a process with the key in its environment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMAGEKIT_PRIVATE_KEY", KEYS["private_key"])
        with (
            LocalCluster(
                n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0"
            ) as cluster,
            Client(cluster) as client,
        ):
            yield client


def table(rows: int) -> pd.DataFrame:
    """Return rows with different bytes."""
    files = pd.array([b"GIF89a%d" % row for row in range(rows)], dtype=BINARY)
    return pd.DataFrame({"sku": [f"s{row}" for row in range(rows)], "file": files})


def lazy_upload(frame: pd.DataFrame, account: Account, partitions: int = 8, **options: Any) -> Any:
    """Return the lazy results of an upload."""
    usual = {"file_name": "{sku}.gif", "folder": "/dask/", "policy": SWIFT}
    return ikpipe.dask.upload(dd.from_pandas(frame, npartitions=partitions), account, **{**usual, **options})


def stored(emulator: Emulator) -> Counter[str]:
    """Return how often each file was stored, by the hash of its bytes."""
    return Counter(entry["file"]["sha256"] for entry in emulator.log() if entry.get("stored"))


def calls(emulator: Emulator) -> int:
    """Return the number of calls of the API: a process that has just started also asks for the time, at "/"."""
    return sum(entry["path"] != "/" for entry in emulator.log())


def check_stored_once(emulator: Emulator, results: pd.DataFrame) -> None:
    """Check that each row is stored once, and has the details of its own file."""
    assert set(results["ik_status"]) <= {"uploaded", "exists"}
    ledger = {entry["file"]["sha256"]: entry["fileId"] for entry in emulator.log() if entry.get("stored")}
    assert {*stored(emulator).values()} == {1}
    assert [ledger[sha(content)] for content in results["file"]] == [*results["ik_file_id"]]


# Keys


def test_a_key_can_be_the_index(client: Client, emulate: Callable[..., Emulator]) -> None:
    """After `set_index`, rows are in other partitions, and still the same."""
    emulator = emulate()
    frame = table(12).assign(id=[f"k{row}" for row in range(12)])
    options: dict[str, Any] = {"key": "id", "run": "night", "folder": "/dask/", "policy": SWIFT}
    first = lazy_upload(frame, emulator.account, **options).compute()
    ordered = dd.from_pandas(frame, npartitions=3).set_index("id")
    again = ikpipe.dask.upload(ordered, emulator.account, file_name="{sku}.gif", **options).compute()
    assert dict(zip(again.index, again["ik_name"], strict=True)) == dict(
        zip(first["id"], first["ik_name"], strict=True)
    )
    check_stored_once(emulator, again)


# Lazy


def test_nothing_is_sent_before_the_results_are_computed(client: Client, emulate: Callable[..., Emulator]) -> None:
    """Evaluation is lazy."""
    emulator = emulate()
    results = lazy_upload(table(10), emulator.account)
    assert isinstance(results, dd.DataFrame)
    assert not stored(emulator)
    check_stored_once(emulator, results.compute())


def test_computing_twice_stores_nothing_twice(client: Client, emulate: Callable[..., Emulator]) -> None:
    """The second time, without the cluster, each row finds its file."""
    emulator = emulate()
    results = lazy_upload(table(40), emulator.account)
    first, second = results.compute(), results.compute(scheduler="threads")
    check_stored_once(emulator, second)
    assert set(second["ik_status"]) == {"exists"}
    assert [*first["ik_file_id"]] == [*second["ik_file_id"]]


def test_persisted_results_are_sent_once(client: Client, emulate: Callable[..., Emulator]) -> None:
    """Using them again sends nothing."""
    emulator = emulate()
    results = lazy_upload(table(40), emulator.account).persist()
    wait(results)
    before = calls(emulator)
    assert set(results.compute()["ik_status"]) == {"uploaded"}
    assert calls(emulator) == before


def test_the_index_and_the_partitions_stay(client: Client, emulate: Callable[..., Emulator]) -> None:
    """The results have the index and divisions of the rows."""
    rows = table(20).set_index("sku").sort_index().assign(file_name="a.gif")
    frame = dd.from_pandas(rows, npartitions=4)
    results = ikpipe.dask.upload(frame, emulate().account, folder="/dask/", policy=SWIFT)
    assert results.divisions == frame.divisions
    assert results.compute().index.equals(rows.index)


def test_a_task_does_not_carry_the_columns_of_the_results(account: Account) -> None:
    """To pickle these for each task cost more than the upload of a row, on the scheduler and on the worker."""
    results = lazy_upload(table(4), account, 4).optimize()
    tasks = [task for (name, _), task in results.__dask_graph__().items() if "upload" in name]
    assert len(tasks) == 4
    assert len(pickle.dumps(tasks[0])) < 4_000  # bytes, of which the columns would take 5,700


def test_results_are_those_of_a_frame_of_pandas(client: Client, emulate: Callable[..., Emulator]) -> None:
    """They are the same, except times, ids, and nested values, which are JSON."""
    rows = table(12).assign(tags=["a, b", "c", None] * 4, isPrivateFile=["no", "perhaps", "no"] * 4)
    options = {"use_unique_file_name": False, "file_name": "{sku}.gif", "response_fields": ["tags", "metadata"]}
    results = lazy_upload(rows, emulate().account, 3, **options).compute()
    wanted = ikpipe.upload(rows, emulate().account, progress=False, policy=SWIFT, folder="/dask/", **options)
    nested = [name for name, dtype in RESULT_COLUMNS.items() if dtype == "object"]
    decoded = results.assign(**{name: [_read(cell) for cell in results[name]] for name in nested})
    same = [name for name in RESULT_COLUMNS if name not in MEASURED]
    assert_frame_equal(decoded[same].astype(object), wanted[same].astype(object))


def _read(cell: Any) -> Any:
    return None if pd.isna(cell) else json.loads(cell)


@pytest.mark.filterwarnings("ignore:The inplace keyword in DataFrame")  # which Dask uses
def test_parquet_has_one_schema(client: Client, emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """For all partitions, also for empty ones."""
    rows = table(8).assign(tags=["a"] * 4 + [None] * 4)
    results = lazy_upload(rows, emulate().account, 4)
    some = results[results["sku"].isin(["s0", "s1", "s7"])]
    some.to_parquet(tmp_path)
    schemas = {str(pa.parquet.read_schema(path).remove_metadata()) for path in tmp_path.glob("*.parquet")}
    assert len(schemas) == 1
    assert len(dd.read_parquet(tmp_path).compute()) == 3


# Workers that are killed


def kill_one(client: Client, emulator: Emulator, after: int) -> Thread:
    """Kill a worker's process when the given number of files is stored."""

    def wait_and_kill() -> None:
        deadline = time.monotonic() + 120
        while sum(stored(emulator).values()) < after and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(victim, signal.SIGKILL)

    victim = next(iter(client.run(os.getpid).values()))
    thread = Thread(target=wait_and_kill)
    thread.start()
    return thread


FAULTS = dict.fromkeys(KINDS, 0.2 / len(KINDS))


@pytest.mark.parametrize(
    ("rows", "faults"),
    [
        pytest.param(1_000, {}, id="quiet"),
        pytest.param(5_000, {}, id="quiet, many rows", marks=pytest.mark.soak),
        pytest.param(1_000, FAULTS, id="faults at 20 %"),
        pytest.param(5_000, FAULTS, id="faults at 20 %, many rows", marks=pytest.mark.soak),
    ],
)
def test_a_worker_that_is_killed_leaves_nothing_twice(
    rows: int, faults: dict[str, float], client: Client, emulate: Callable[..., Emulator]
) -> None:
    """One of two workers is killed, and later two partitions run again: each row is stored once."""
    emulator = emulate(faults=faults, seed=7, fault_slow=0.05)
    lazy = lazy_upload(table(rows), emulator.account, retries=30)
    killer = kill_one(client, emulator, rows // 3)
    results = lazy.compute()
    killer.join()
    check_stored_once(emulator, results)
    assert (results["ik_status"] == "exists").any(), "the worker was killed too late"
    again = lazy.partitions[[0, 5]].compute()
    check_stored_once(emulator, again)
    assert set(again["ik_status"]) == {"exists"}


@pytest.mark.parametrize("place", ["{}", "file://{}"])
def test_with_a_journal_a_killed_worker_s_rows_are_not_sent_again(
    place: str, client: Client, emulate: Callable[..., Emulator], tmp_path: Path
) -> None:
    """Files that replace others have no unique names: only rows that were in flight are searched for."""
    emulator = emulate()
    journal = place.format(tmp_path)
    lazy = lazy_upload(table(1_000), emulator.account, 4, use_unique_file_name=False, journal=journal)
    killer = kill_one(client, emulator, 300)
    results = lazy.compute()
    killer.join()
    check_stored_once(emulator, results)
    assert {*stored(emulator).values()} == {1}
    before = calls(emulator)
    assert_frame_equal(lazy.compute(), results)
    assert calls(emulator) == before


def test_a_second_upload_finishes_what_was_killed(
    client: Client, emulate: Callable[..., Emulator], tmp_path: Path
) -> None:
    """All processes are killed; a second upload reads from the journal what is uploaded, and sends the rest."""
    emulator = emulate(latency=0.02)
    keys = {f"IMAGEKIT_{name.upper()}": key for name, key in KEYS.items()}
    urls = {"IMAGEKIT_UPLOAD_URL": emulator.upload_url, "IMAGEKIT_API_URL": emulator.url}
    paths = {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, __file__, str(tmp_path)]
    with subprocess.Popen(command, env={**os.environ, **paths, **keys, **urls}, start_new_session=True) as process:  # noqa: S603 - our own
        while sum(stored(emulator).values()) < 150 and process.poll() is None:
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
    before = sum(stored(emulator).values())
    results = killed_upload(emulator.account, tmp_path).compute()
    check_stored_once(emulator, results)
    assert 150 <= before < 600


def killed_upload(account: Account, journal: Path) -> Any:
    """Return the lazy results of the upload that is killed and then repeated."""
    return lazy_upload(table(600), account, 3, journal=journal, concurrency=4)


# Actions that run the upload again


AGAIN = "This upload runs again"


def said(caplog: pytest.LogCaptureFixture) -> int:
    """Return how often it was said that an upload runs again."""
    return sum(AGAIN in record.getMessage() for record in caplog.records)


def test_a_second_action_is_noticed_once(
    client: Client, emulate: Callable[..., Emulator], caplog: pytest.LogCaptureFixture
) -> None:
    """By the process of the client, whichever workers have the partitions; persisted results are not uploaded again."""
    account = emulate().account
    persisted = lazy_upload(table(20), account, 4).persist()
    persisted.head()
    results = lazy_upload(table(20), account, 4)
    results.compute()
    assert said(caplog) == 0
    results[["sku"]].compute()
    results.compute()
    deadline = time.monotonic() + 30
    while said(caplog) < 1 and time.monotonic() < deadline:  # events of workers come a little later
        time.sleep(0.05)
    assert said(caplog) == 1


def test_partitions_of_a_worker_that_died_are_no_second_action(
    client: Client, emulate: Callable[..., Emulator], caplog: pytest.LogCaptureFixture
) -> None:
    """Dask computes them again by itself."""
    emulator = emulate(latency=0.02)
    lazy = lazy_upload(table(100), emulator.account, 10)
    killer = kill_one(client, emulator, 50)
    check_stored_once(emulator, lazy.compute())
    killer.join()
    assert said(caplog) == 0


@pytest.mark.parametrize("scheduler", ["threads", "processes"])
def test_a_second_action_is_noticed_without_a_cluster(
    scheduler: str,
    emulate: Callable[..., Emulator],
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The processes of one machine know of each other's partitions."""
    results = lazy_upload(table(8), emulate().account, 2)
    for _ in range(2):
        results.compute(scheduler=scheduler, num_workers=2)
    assert said(caplog) + capfd.readouterr().err.count(AGAIN) == 1


def filling(part: pd.DataFrame, marker: Path) -> pd.DataFrame:
    """Fill the memory of the worker, the first time, until its nanny ends it."""
    blocks = []
    while not marker.exists() or blocks:
        marker.touch()
        blocks.append(os.urandom(20_000_000))
        time.sleep(0.05)
    return part


@pytest.mark.soak
@pytest.mark.parametrize("journal", [True, False])
def test_a_worker_that_runs_out_of_memory_stores_nothing_twice(
    journal: bool,  # noqa: FBT001
    emulate: Callable[..., Emulator],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its nanny starts it again, and its partitions run again; with a journal, nothing is sent again."""
    monkeypatch.setenv("IMAGEKIT_PRIVATE_KEY", KEYS["private_key"])
    emulator = emulate()
    local = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0", "memory_limit": "500MiB"}
    with LocalCluster(n_workers=2, threads_per_worker=1, **local) as cluster, Client(cluster):
        options = {"journal": tmp_path / "journal"} if journal else {}
        results = lazy_upload(table(80), emulator.account, key="sku", **options)
        marker = tmp_path / "filled"
        check_stored_once(emulator, results.map_partitions(filling, marker, meta=results._meta).compute())  # noqa: SLF001
    assert marker.exists()
    assert len(uploads_of(emulator)) == 80 if journal else len(uploads_of(emulator)) > 80


# Shares of the limits


def test_concurrency_is_that_of_all_partitions(client: Client, emulate: Callable[..., Emulator]) -> None:
    """It does not depend on the number of partitions and workers."""
    emulator = emulate(latency=0.05)
    lazy_upload(table(60), emulator.account, 6, concurrency=5).compute()
    assert 2 <= emulator.peak <= 5


def test_one_upload_at_a_time(client: Client, emulate: Callable[..., Emulator]) -> None:
    """Partitions take turns if there are more workers than allowed uploads."""
    emulator = emulate(latency=0.02)
    lazy_upload(table(20), emulator.account, 4, concurrency=1).compute()
    assert emulator.peak == 1


def test_the_rate_is_that_of_all_partitions(client: Client, emulate: Callable[..., Emulator]) -> None:
    """Each of two workers starts half as many uploads per second."""
    emulator = emulate()
    lazy_upload(table(40), emulator.account, 2, rate=20.0).compute()
    times = sorted(entry["time"] for entry in emulator.log() if entry.get("stored"))
    # Each of the two workers starts 20 rows, 0.1 s apart.
    assert 1.5 < times[-1] - times[0] < 60


def fused(rows: int, folder: Path) -> Any:
    """Return a frame of rows with files, which Dask reads as fewer partitions than it says."""
    files = [f"data:image/gif;base64,{base64.b64encode(b'GIF89a%d' % row).decode()}" for row in range(rows)]
    return read_fused(pd.DataFrame({"sku": [f"s{row}" for row in range(rows)], "file": files}), folder)


def read_fused(frame: pd.DataFrame, folder: Path) -> Any:
    """Return 20 partitions of a frame, of which Dask makes 4 when it reads them: only two of many columns are read."""
    for part in range(20):
        rows = frame.iloc[part::20]
        rows.assign(**{f"x{at}": range(len(rows)) for at in range(30)}).to_parquet(folder / f"{part}.parquet")
    return dd.read_parquet(folder, columns=[*frame.columns])


@pytest.mark.filterwarnings("ignore:The inplace keyword in DataFrame")  # Dask uses it when it reads Parquet
@pytest.mark.parametrize("scheduler", ["cluster", "threads", "processes"])
def test_fewer_partitions_than_expected_have_the_whole_rate(
    scheduler: str, client: Client, emulate: Callable[..., Emulator], tmp_path: Path
) -> None:
    """Dask joins partitions when it computes them; then, fewer run than there are threads, and in the end only one."""
    emulator = emulate()
    lazy = ikpipe.dask.upload(fused(120, tmp_path), emulator.account, file_name="{sku}.gif", policy=SWIFT, rate=40.0)
    assert (lazy.npartitions, lazy.optimize().npartitions) == (20, 4)
    with dask.config.set(scheduler=None if scheduler == "cluster" else scheduler, num_workers=64):
        lazy.compute()
    times = sorted(entry["time"] for entry in emulator.log() if entry.get("stored"))
    assert len(times) == 120
    # Four partitions with a 64th of the rate each would take 48 s.
    assert 2.7 < times[-1] - times[0] < 24


@pytest.mark.filterwarnings("ignore:The inplace keyword in DataFrame")  # Dask uses it when it reads Parquet
@pytest.mark.parametrize("scheduler", ["cluster", "threads"])
def test_fewer_partitions_than_expected_have_the_whole_concurrency(
    scheduler: str, client: Client, emulate: Callable[..., Emulator], tmp_path: Path
) -> None:
    """As many uploads are in flight as are allowed, and no more."""
    emulator = emulate(latency=0.1)
    options: dict[str, Any] = {"file_name": "{sku}.gif", "policy": SWIFT, "concurrency": 16}
    with dask.config.set(scheduler=None if scheduler == "cluster" else scheduler, num_workers=16):
        ikpipe.dask.upload(fused(200, tmp_path).partitions[:7], emulator.account, **options).compute()
    assert 12 <= emulator.peak <= 16


@pytest.mark.filterwarnings("ignore:The inplace keyword in DataFrame")  # Dask uses it when it reads Parquet
@pytest.mark.parametrize("scheduler", ["cluster", "threads", "processes"])
def test_an_update_in_fewer_partitions_than_expected_has_the_whole_rate(
    scheduler: str, client: Client, emulate: Callable[..., Emulator], tmp_path: Path
) -> None:
    """Its rates follow the partitions that run, as those of an upload do."""
    emulator = emulate()
    rows = ikpipe.upload(table(60), emulator.account, file_name="{sku}.gif", progress=False)
    policy = Policy(changes=10.0, look_ups=0)
    frame = read_fused(rows[["sku", "ik_file_id"]], tmp_path)
    lazy = ikpipe.dask.update(frame, emulator.account, description="{sku}", policy=policy)
    assert (lazy.npartitions, lazy.optimize().npartitions) == (20, 4)
    with dask.config.set(scheduler=None if scheduler == "cluster" else scheduler, num_workers=64):
        assert set(lazy.compute()["ik_change"]) == {"done"}
    times = sorted(entry["time"] for entry in emulator.log() if entry["method"] == "PATCH")
    assert len(times) == 60
    # Four partitions with a 20th of the rate each would take 28 s.
    assert 5.5 < times[-1] - times[0] < 24


def test_a_run_can_continue_with_another_concurrency(client: Client, emulate: Callable[..., Emulator]) -> None:
    """On the same cluster, which still has the semaphore of the first one."""
    emulator = emulate()
    for concurrency in (1, 2):
        results = lazy_upload(table(8), emulator.account, 4, run="nightly", concurrency=concurrency, slots=3).compute()
    assert set(results["ik_status"]) == {"exists"}


# Nights


def night(
    emulator: Emulator, state: object, partitions: int, rows: int, **changes: Any
) -> tuple[Counter[str], Counter[str]]:
    """Upload a night's table; return its statuses, and the requests that arrived."""
    frame = nights.table(rows, **changes)
    frame["file"] = frame["file"].astype(BINARY)
    options = {name: value for name, value in nights.OPTIONS.items() if name != "progress"}
    lazy = ikpipe.dask.upload(dd.from_pandas(frame, npartitions=partitions), emulator.account, state=state, **options)
    before, began = len(emulator.log()), time.monotonic()
    results = lazy.compute()
    counts, arrived = Counter(results["ik_status"]), nights.requests(emulator, before)
    sys.stderr.write(f"{partitions} partitions: {time.monotonic() - began:.1f} s, {dict(counts)}, {dict(arrived)}\n")
    return counts, arrived


@pytest.mark.parametrize("rows", [pytest.param(100_000, marks=pytest.mark.soak), 2_000])
def test_nights_send_what_has_changed(
    rows: int, client: Client, emulate: Callable[..., Emulator], tmp_path: Path
) -> None:
    """Everything; nothing; 1 % other contents and 1 % other details: in other partitions each time."""
    emulator, per_cent, state = nights.open_library(emulate()), rows // 100, f"{tmp_path}/state/"
    assert night(emulator, state, 20, rows)[0] == {"uploaded": rows}
    counts, arrived = night(emulator, state, 30, rows)
    assert counts == {"unchanged": rows}
    assert arrived.keys() == {"read"}
    # Both workers list the folder once, and each partition asks for the metadata fields.
    assert arrived["read"] <= 30 + 2 * (rows / 1000 * 1.5 + 10)
    changes = {"night": 2, "changed": range(0, rows, 100), "tagged": range(50, rows, 100)}
    counts, arrived = night(emulator, state, 25, rows, **changes)
    assert counts == {"uploaded": per_cent, "updated": per_cent, "unchanged": rows - 2 * per_cent}
    assert (arrived["upload"], arrived["update"]) == (per_cent, per_cent)
    assert nights.missing(emulator, nights.table(rows, **changes)) == nights.second_copies(emulator) == []
    counts, arrived = night(emulator, state, 20, rows, **changes)
    assert (counts, arrived.keys()) == ({"unchanged": rows}, {"read"})


def test_small_partitions_share_a_listing(client: Client, emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """200 partitions of 10 rows do not list a folder of 2,000 files 200 times."""
    emulator, state = nights.open_library(emulate()), f"{tmp_path}/state/"
    night(emulator, state, 2, 2_000)
    counts, arrived = night(emulator, state, 200, 2_000)
    assert counts == {"unchanged": 2_000}
    assert arrived["read"] <= 200 + 60


def test_a_worker_that_is_killed_by_night_leaves_nothing_to_send_twice(
    client: Client, emulate: Callable[..., Emulator], tmp_path: Path
) -> None:
    """All contents have changed; the state knows what was stored when the worker died, and it is not sent again."""
    emulator, rows, state = nights.open_library(emulate(latency=0.005)), 600, f"{tmp_path}/state/"
    assert night(emulator, state, 6, rows)[0] == {"uploaded": rows}
    killer = kill_one(client, emulator, rows + 200)
    counts, _ = night(emulator, state, 6, rows, night=2, changed=range(rows))
    killer.join()
    assert counts.keys() == {"uploaded", "unchanged"}, "the worker was killed too late"
    assert nights.missing(emulator, nights.table(rows, night=2, changed=range(rows))) == []
    assert nights.second_copies(emulator) == []
    assert night(emulator, state, 6, rows, night=2, changed=range(rows))[1].keys() == {"read"}


# Secrets


def test_the_key_is_in_no_graph_and_no_log(client: Client, emulate: Callable[..., Emulator]) -> None:
    """It is neither in the graph for the scheduler nor in the logs of scheduler and workers."""
    emulator = emulate()
    results = lazy_upload(table(10), emulator.account)
    graph = pickle.dumps(dict(results.__dask_graph__())) + repr(results.__dask_graph__()).encode()
    results.compute()
    logs = repr((client.get_scheduler_logs(), client.get_worker_logs(), client.get_events())).encode()
    for text in (graph, logs, repr(results.expr).encode()):
        assert KEYS["private_key"].encode() not in text
        assert b"eyJ" not in text


def pages(client: Client) -> dict[str, str]:
    """Return the pages of the dashboard by their addresses, and its documents for programs."""
    base = client.dashboard_link.removesuffix("/status")
    waiting = [f"{base}/{name}" for name in ("info/main/workers.html", "json/index.html", "metrics")]
    waiting += [f"{base}/info/task/{quote(key, safe='')}.html" for key in client.run_on_scheduler(keys_of_tasks)]
    found: dict[str, str] = {}
    while waiting:
        if (address := waiting.pop()) not in found:
            found[address] = ""
            with suppress(HTTPError), urlopen(address, timeout=60) as response:  # noqa: S310 - of loopback
                found[address] = response.read().decode()
            hrefs = re.findall('href="([^"]+)"', found[address])
            links = {urljoin(address, href.replace("+", "%20")) for href in hrefs}
            waiting += [link for link in links if link.startswith((f"{base}/info/", f"{base}/json/"))]
    return found


def keys_of_tasks(dask_scheduler: Any) -> list[str]:
    """Return the names of the tasks that a scheduler has."""
    return [str(key) for key in dask_scheduler.tasks]


def test_the_key_is_on_no_page_of_the_dashboard(client: Client, emulate: Callable[..., Emulator]) -> None:
    """While partitions run, wait and have failed."""
    emulator = emulate(latency=0.5)
    failed = lazy_upload(table(4), emulator.account, 2, columns={"tags": "file"}, on_error="raise").persist()
    wait(failed)
    running = lazy_upload(table(60), emulator.account, 12, concurrency=2).persist()
    while not uploads_of(emulator):
        time.sleep(0.05)
    found = pages(client)
    assert any("UploadError" in text for text in found.values())
    assert any("_upload_partition" in text for text in found.values())
    assert any("/call-stack/" in address for address, text in found.items() if text)
    assert [address for address, text in found.items() if KEYS["private_key"] in text or "eyJ" in text] == []
    wait(running)


@pytest.mark.parametrize("options", [{}, {"on_existing": "sync"}])
def test_a_driver_needs_no_key(
    options: dict[str, Any], client: Client, emulate: Callable[..., Emulator], tmp_path: Path
) -> None:
    """The workers have it, and start the journal; a second upload sends nothing."""
    emulator = emulate()
    driver = ikpipe.Account(KEYS["public_key"], upload_url=emulator.upload_url, api_url=emulator.url)
    options = {"key": "sku", "journal": tmp_path / "journal", "state": f"{tmp_path / 'state'}/", **options}
    assert set(lazy_upload(table(20), driver, **options).compute()["ik_status"]) == {"uploaded"}
    assert (tmp_path / "journal" / "run.json").exists()
    again = lazy_upload(table(20), driver, 3, **options).compute()
    assert set(again["ik_status"]) == {"uploaded"}
    assert len(uploads_of(emulator)) == 20


def test_an_error_of_a_worker_has_text_only(client: Client, emulate: Callable[..., Emulator]) -> None:
    """It names the row, and comes back with neither files nor the exceptions behind it."""
    results = lazy_upload(table(8), emulate().account, key="sku", columns={"tags": "file"}, on_error="raise")
    with pytest.raises(ikpipe.UploadError, match=r"Row 0 of its part \(sku='s\d'\) is invalid") as caught:
        results.compute()
    assert (caught.value.results, caught.value.__cause__) == (None, None)
    assert b"GIF89a" not in pickle.dumps(caught.value)
    assert "GIF89a" not in repr((client.get_scheduler_logs(), client.get_worker_logs(), client.get_events()))


# Totals


def test_a_summary_has_the_totals(client: Client, emulate: Callable[..., Emulator]) -> None:
    """Totals of all partitions."""
    rows = table(10).assign(isPrivateFile=["no"] * 9 + ["perhaps"])
    summary = ikpipe.summary(lazy_upload(rows, emulate().account, 3).persist())
    assert (summary.rows, summary.counts, summary.errors) == (10, {"uploaded": 9, "invalid": 1}, {"not_boolean": 1})
    assert summary.bytes == sum(map(len, rows["file"][:9]))


# Without a cluster


def test_threads_need_no_cluster(emulate: Callable[..., Emulator]) -> None:
    """Dask's threads need no workers, and no key in the environment."""
    emulator = emulate()
    check_stored_once(emulator, lazy_upload(table(20), emulator.account).compute(scheduler="threads"))


@pytest.mark.parametrize("concurrency", [1, 2])
def test_threads_take_turns_too(concurrency: int, emulate: Callable[..., Emulator]) -> None:
    """For any number of threads, which a partition cannot know."""
    emulator = emulate(latency=0.02)
    results = lazy_upload(table(20), emulator.account, 5, concurrency=concurrency)
    results.compute(scheduler="threads", num_workers=5)
    assert emulator.peak == concurrency


def test_threads_share_the_rate(emulate: Callable[..., Emulator]) -> None:
    """Threads together keep the rate."""
    emulator = emulate()
    lazy_upload(table(20), emulator.account, 10, rate=20.0).compute(scheduler="threads", num_workers=5)
    times = sorted(entry["time"] for entry in emulator.log() if entry.get("stored"))
    assert 0.85 < times[-1] - times[0] < 60


def test_a_pandas_frame_is_refused(account: Account) -> None:
    """The message says how to convert it."""
    with pytest.raises(ikpipe.MappingError, match=r"dask\.dataframe\.from_pandas"):
        ikpipe.dask.upload(table(1), account)


def test_a_wrong_mapping_is_found_at_once(account: Account) -> None:
    """Before there is any task."""
    with pytest.raises(ikpipe.MappingError, match="did you mean 'sku'"):
        lazy_upload(table(1), account, 1, file_name="{skuu}.gif")


if __name__ == "__main__":
    killed_upload(ikpipe.Account.from_env(), Path(sys.argv[1])).compute(scheduler="processes", num_workers=2)


def test_the_mapping_is_reported_once_by_the_driver(
    emulate: Callable[..., Emulator], caplog: pytest.LogCaptureFixture
) -> None:
    """Not by each partition; a column that would be ignored by mistake is an error at once."""
    account = emulate().account
    files = pd.Series([b"1", b"2", b"3", b"4"], dtype=BINARY)
    frame = dd.from_pandas(pd.DataFrame({"file": files, "Tags": ["a"] * 4, "descripton": ["b"] * 4}), npartitions=4)
    with pytest.raises(ikpipe.MappingError, match=r"ignore=\['Tags'\]"):
        ikpipe.dask.upload(frame, account, file_name="a")
    with caplog.at_level("INFO", "ikpipe"):
        results = ikpipe.dask.upload(frame, account, file_name="a", ignore=["Tags"])
        assert results.compute(scheduler="sync")["ik_status"].tolist() == ["uploaded"] * 4
    texts = [record.getMessage() for record in caplog.records if "file" in record.getMessage()]
    assert [text for text in texts if "←" in text] == ["Mapping: file ← file, file_name = a; unused: Tags, descripton"]
    assert [record.getMessage()[:24] for record in caplog.records if record.levelname == "WARNING"] == [
        "The column 'descripton' "
    ]


def test_files_are_updated_by_workers(client: Client, emulate: Callable[..., Emulator]) -> None:
    """Nothing is sent before the results are computed; computed again, nothing more is."""
    account = emulate().account
    results = ikpipe.upload(table(8), account, file_name="{sku}.gif", progress=False)[["ik_file_id", "sku"]]
    options = {"description": "{sku}", "policy": Policy(changes=0, look_ups=0)}
    changed = ikpipe.dask.update(dd.from_pandas(results, npartitions=3), account, **options)
    assert ikpipe.files(account)["description"].isna().all()
    assert changed.compute()["ik_change"].tolist() == ["done"] * 8
    # Other partitions, since Dask may still have the results of these.
    again = ikpipe.dask.update(dd.from_pandas(results, npartitions=2), account, **options)
    assert again.compute()["ik_change"].tolist() == ["unchanged"] * 8
    assert sorted(ikpipe.files(account)["description"]) == sorted(results["sku"])


def test_an_update_of_a_pandas_frame_is_refused(account: Account) -> None:
    """The error names the function to use instead."""
    with pytest.raises(ikpipe.MappingError, match=r"ikpipe\.dask\.update takes a Dask DataFrame.* ikpipe\.update\."):
        ikpipe.dask.update(table(1), account, description="x")


# A second upload with the same journal


def upload_table(frame: pd.DataFrame, account: Account, partitions: int, **options: Any) -> pd.DataFrame:
    """Return the results of such rows, whose files are bytes."""
    results: pd.DataFrame = lazy_upload(frame.astype({"file": BINARY}), account, partitions, **options).compute()
    return results


@pytest.mark.parametrize(("change", "unique", "key"), second_uploads.cases())
def test_a_second_upload_sends_what_has_changed(
    change: str, *, unique: bool, key: bool, client: Client, emulate: Callable[..., Emulator], tmp_path: Path
) -> None:
    """Whatever the partitions and the order of rows."""
    emulator = emulate()
    options = {"use_unique_file_name": unique, "key": "sku" if key else None, "journal": tmp_path / "journal"}
    second_uploads.check(
        lambda frame, parts, options: upload_table(frame, emulator.account, parts, **options),
        emulator,
        change,
        **options,
    )


@pytest.mark.parametrize(("change", "options"), second_uploads.cases_without_a_journal())
def test_a_second_upload_without_a_journal(
    change: str, options: dict[str, Any], client: Client, emulate: Callable[..., Emulator], tmp_path: Path
) -> None:
    """By the run's name, or by what the library and the state have."""
    emulator = emulate()
    if "run" not in options:
        options = {**options, "state": f"{tmp_path}/state/"}
    second_uploads.check_without_a_journal(
        lambda frame, parts, options: upload_table(frame, emulator.account, parts, **options),
        emulator,
        change,
        **options,
    )


@pytest.mark.soak
def test_another_number_of_workers_sends_nothing_again(
    client: Client, emulate: Callable[..., Emulator], tmp_path: Path
) -> None:
    """20,000 rows with 2 workers in 16 partitions, then with 3 workers in 23."""
    emulator, rows = emulate(), second_uploads.table(20_000)
    options: dict[str, Any] = {"use_unique_file_name": False, "journal": tmp_path / "journal"}
    for workers, partitions in ((2, 16), (3, 23)):
        client.cluster.scale(workers)
        client.wait_for_workers(workers)
        began = time.monotonic()
        assert {*upload_table(rows, emulator.account, partitions, **options)["ik_status"]} == {"uploaded"}
        sys.stderr.write(f"{workers} workers: {time.monotonic() - began:.1f} s, {len(uploads_of(emulator))} uploads\n")
    client.cluster.scale(2)
    assert len(uploads_of(emulator)) == 20_000
