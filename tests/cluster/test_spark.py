"""Uploads by Spark's tasks, which fail, are killed, and run again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Self

import pandas as pd
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import second_uploads
from doubles import uploads_of
from fresh import fresh
from history import ledger
from pyspark import cloudpickle
from pyspark.errors import PySparkException
from pyspark.sql.types import StringType, StructField, StructType
from sessions import session

import ikpipe
import ikpipe.spark
from ikpipe import Policy
from ikpipe.emulator import Emulator
from ikpipe.emulator.faults import KINDS
from ikpipe.request.result import EXTRA, LISTED, RESULT_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pyspark.sql import DataFrame, SparkSession

    from ikpipe import Account

    Emulate = Callable[..., Emulator]
    Batches = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]

pytestmark = pytest.mark.filterwarnings(
    r"ignore:PySpark does not yet fully support pandas >= 3\.0\.0\. Some features may not work correctly\. "
    r"It is recommended to use pandas < 3\.0\.0 for now\.:FutureWarning"
)

SWIFT = Policy(index_lag=0.5, first_wait=0.05, look_ups=0)
BATCH = 5  # rows of a record batch
TIMEOUT = 120  # s, for anything that Spark does
UPLOADED = {"uploaded", "exists"}
RESULTS = [*RESULT_COLUMNS, EXTRA]
FAULTS = {"faults": dict.fromkeys(KINDS, 0.2 / len(KINDS)), "seed": 6, "fault_index_delay": 0.3, "fault_slow": 0.05}


@pytest.fixture(scope="session")
def events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of Spark's event logs."""
    return tmp_path_factory.mktemp("events")


@pytest.fixture
def emulate(emulator: Emulator) -> Iterator[Callable[..., Emulator]]:
    """Start emulators with other rules for one test, all with the key that the workers have."""
    with ExitStack() as stack:
        keys = {"public_key": emulator.public_key, "private_key": emulator.private_key}
        yield lambda **rules: stack.enter_context(Emulator(**keys, **rules))


@pytest.fixture(scope="session")
def spark(emulator: Emulator, events: Path) -> Iterator[SparkSession]:
    """Start Spark once for all tests: two concurrent tasks, small batches, and an event log."""
    conf = {
        "spark.sql.execution.arrow.maxRecordsPerBatch": BATCH,
        "spark.sql.shuffle.partitions": 2,
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": events.as_uri(),
        "spark.eventLog.compress": "false",
        "spark.sql.session.timeZone": "UTC",
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMAGEKIT_PRIVATE_KEY", emulator.private_key)  # the key of all emulators here
        running = session("local[2,4]", **conf)
    yield running
    running.stop()


def table(spark: SparkSession, rows: int = 12, parts: int = 3, *more: str) -> DataFrame:
    """Return rows with different files, which Spark makes."""
    columns = ["concat('s', id) AS sku", "encode(concat('GIF89a', id), 'UTF-8') AS file", *more]
    return spark.range(0, rows, 1, parts).selectExpr(*columns)


def send(frame: Any, account: Account, **options: Any) -> Any:
    """Return the lazy results of an upload of such rows."""
    usual = {"file_name": "{sku}.gif", "folder": "/spark/", "policy": SWIFT}
    return ikpipe.spark.upload(frame, account, **usual | options)


def first_attempt(act: Callable[[], None]) -> Batches:
    """Return a function that calls another one in a task's first attempt, after the rows of a batch."""

    def after(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from pyspark import TaskContext

        for batch in batches:
            yield batch
            task = TaskContext.get()
            if task is not None and task.attemptNumber() == 0:
                act()

    return after


def with_failing_tasks(results: DataFrame) -> DataFrame:
    """Return results whose tasks fail at their first attempt, after some of their rows were uploaded."""

    def fail() -> None:
        raise RuntimeError("injected")

    return results.mapInArrow(first_attempt(fail), results.schema)


def statuses(results: DataFrame) -> Counter[str]:
    """Run an upload, and return the number of rows by status."""
    return Counter(row["ik_status"] for row in results.select("ik_status").collect())


def check_stored_once(emulator: Emulator, counts: Counter[str], rows: int) -> None:
    """Check that all rows are uploaded and each file is stored once."""
    assert set(counts) <= UPLOADED
    assert counts.total() == rows
    assert Counter(ledger(emulator).values()) == {1: rows}


def wait_until(condition: Callable[[], object]) -> None:
    """Wait until a condition is true."""
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def stored(emulator: Emulator) -> int:
    """Return the number of stored files, or 0 if the log cannot be read at the moment."""
    try:
        return sum(ledger(emulator).values())
    except RuntimeError:  # an entry of the log was being written
        return 0


def senders(emulator: Emulator) -> list[int]:
    """Return the ids of the processes that are connected to an emulator."""
    port = int(emulator.url.rpartition(":")[2])
    pids = []
    for process in psutil.Process().children(recursive=True):
        try:
            ports = [connection.raddr.port for connection in process.net_connections() if connection.raddr]
        except (psutil.NoSuchProcess, psutil.AccessDenied):  # it has just ended
            continue
        pids += [process.pid] * (port in ports)
    return pids


def kill_one(emulator: Emulator) -> None:
    """Kill a process that is sending."""
    pids: list[int] = []
    wait_until(lambda: pids.extend(senders(emulator)) or pids)
    os.kill(pids[0], 9)


def in_thread(results: DataFrame) -> tuple[threading.Thread, list[Any]]:
    """Run an upload in a thread; its counts or its error are added to the list."""
    outcome: list[Any] = []

    def target() -> None:
        try:
            outcome.append(statuses(results))
        except Exception as error:  # noqa: BLE001 - Spark's, or Py4J's
            outcome.append(error)

    thread = threading.Thread(target=target)
    thread.start()
    return thread, outcome


# Results


def plain(results: list[dict[str, Any]], emulator: Emulator) -> list[dict[str, Any]]:
    """Return results without ids, times and the emulator's address."""
    ignored = {"file", "ik_seconds", "ik_request_id", "ik_file_id", "ik_version_id", EXTRA}
    rows = [{name: cell for name, cell in row.items() if name not in ignored} for row in results]
    comparable: list[dict[str, Any]] = json.loads(json.dumps(rows).replace(emulator.url, ""))
    return comparable


def test_results_are_those_of_upload(spark: SparkSession, emulate: Emulate) -> None:
    """With Spark and with pandas, results are equal except for times and ids, after JSON is decoded."""
    spark_emulator, pandas_emulator = emulate(), emulate()
    frame = table(spark, 12, 3, "IF(id = 3, 'perhaps', 'no') AS isPrivateFile", "array('a', concat('s', id)) AS tags")
    checks = "IF(sku = 's5', '\"request.folder\" : \"other\"', NULL) AS checks"
    frame = frame.selectExpr("*", checks, "sku AS `custom_metadata.brand`")
    rows = pd.DataFrame([row.asDict() for row in frame.collect()])
    options: dict[str, Any] = {
        "file_name": "{sku}.gif",
        "folder": "/same/",
        "use_unique_file_name": False,
        "response_fields": ["tags", "customMetadata", "metadata"],
        "policy": SWIFT,
    }
    for emulator in (spark_emulator, pandas_emulator):
        ikpipe.create_metadata_fields(rows[["custom_metadata.brand"]], emulator.account, dry_run=False)
    results = [row.asDict() for row in send(frame, spark_emulator.account, **options).collect()]
    nested = [name for name, dtype in RESULT_COLUMNS.items() if dtype == "object" and name not in LISTED]
    for row in results:
        row |= {name: json.loads(row[name]) for name in nested if row[name] is not None}
    wanted = ikpipe.upload(rows, pandas_emulator.account, progress=False, **options).astype(object)
    assert {*wanted["ik_status"]} == {"uploaded", "invalid", "failed"}
    assert plain(results, spark_emulator) == plain(
        wanted.where(wanted.notna(), None).to_dict("records"), pandas_emulator
    )


def test_columns_of_any_type_stay_as_they_are(spark: SparkSession, account: Account) -> None:
    """They keep type and value, also empty cells."""
    frame = table(
        spark,
        4,
        2,
        "timestamp_seconds(id) AS time",
        "to_timestamp_ntz('2026-11-25 10:00:00') AS local",
        "CAST(id / 7 AS DECIMAL(20, 6)) AS decimal",
        "IF(id = 1, NULL, array(id, NULL)) AS list",
        "named_struct('x', id, 'y', array('z')) AS struct",
        "map('k', id) AS map",
        "date_add(DATE'2026-11-25', CAST(id AS INT)) AS date",
        "CAST(id AS TINYINT) AS small",
        "IF(id = 2, NULL, id > 1) AS truth",
        "CAST('NaN' AS FLOAT) AS float",
        "NULL AS nothing",
    )
    results = send(frame, account)
    assert [field.dataType for field in results.schema][: len(frame.columns)] == [
        field.dataType for field in frame.schema
    ]
    kept = results.select(frame.columns).collect()
    assert str(kept) == str(frame.collect())  # as text, since NaN does not equal NaN


def test_columns_named_like_results_are_replaced(spark: SparkSession, account: Account) -> None:
    """Each name is there once; the other columns stay before the results."""
    frame = table(spark, 2, 1, "'before' AS ik_status", "1.5D AS ik_size", "'kept' AS brand")
    results = send(frame, account)
    assert results.columns == ["sku", "file", "brand", *RESULTS]
    assert [(row["ik_status"], row["ik_size"]) for row in results.collect()] == [("uploaded", 7)] * 2


@pytest.mark.parametrize("rows", ["sku IN ('s1', 's2')", "false"])
def test_partitions_without_rows_have_the_same_schema(
    rows: str, spark: SparkSession, account: Account, tmp_path: Path
) -> None:
    """Results in Parquet can be read as one table, whichever partitions have rows."""
    results = send(table(spark).where(rows), account)
    results.write.parquet(str(tmp_path / "results"))
    read = spark.read.parquet(str(tmp_path / "results"))
    assert [(field.name, field.dataType) for field in read.schema] == [
        (field.name, field.dataType) for field in results.schema
    ]
    files = [pq.read_schema(path) for path in (tmp_path / "results").glob("*.parquet")]
    assert all(schema.equals(files[0]) for schema in files)
    assert read.count() == (0 if rows == "false" else 2)


def test_equal_rows_are_counted_over_a_partition(spark: SparkSession, emulate: Emulate) -> None:
    """Equal rows are different files, also in different record batches."""
    emulator = emulate()
    frame = table(spark, BATCH + 2, 1).selectExpr("'same' AS sku", "encode('GIF89a', 'UTF-8') AS file")
    assert statuses(send(frame, emulator.account)) == {"uploaded": BATCH + 2}
    assert len(ikpipe.files(emulator.account)) == BATCH + 2


def test_a_summary_is_of_the_whole_run(spark: SparkSession, account: Account, tmp_path: Path) -> None:
    """It has the totals of rows, statuses, codes and bytes of written results, and reasons without row numbers."""
    frame = table(spark, 12, 3, "IF(id = 3, 'perhaps', 'no') AS isPrivateFile")
    send(frame, account).write.parquet(str(tmp_path / "results"))
    summary = ikpipe.summary(spark.read.parquet(str(tmp_path / "results")))
    assert (summary.rows, summary.counts, summary.bytes) == (12, {"uploaded": 11, "invalid": 1}, 9 * 7 + 2 * 8)
    assert '\n    is_private_file must be true or false, not "perhaps"' in str(summary)


def test_a_summary_of_no_rows(spark: SparkSession, account: Account) -> None:
    """It has zeros, not empty values."""
    summary = ikpipe.summary(send(table(spark, 0), account))
    assert (summary.rows, summary.counts, summary.bytes) == (0, {}, 0)


def test_a_summary_of_other_frames_is_refused(spark: SparkSession) -> None:
    """The error names the column that is missing."""
    with pytest.raises(ikpipe.MappingError, match="no column 'ik_status'"):
        ikpipe.summary(table(spark))


# Lazy evaluation


def test_nothing_is_sent_before_an_action(spark: SparkSession, emulate: Emulate) -> None:
    """Evaluation is lazy."""
    emulator = emulate()
    results = send(table(spark), emulator.account).where("ik_status = 'uploaded'")
    assert emulator.log() == []
    assert results.count() == 12


def test_a_second_action_stores_nothing_twice(spark: SparkSession, emulate: Emulate) -> None:
    """A frame that is not persisted is computed again; each row finds its file, with the same id."""
    emulator = emulate()
    results = send(table(spark), emulator.account)
    first, second = results.select("ik_file_id").collect(), results.select("ik_file_id", "ik_status").collect()
    check_stored_once(emulator, Counter(row["ik_status"] for row in second), 12)
    assert [row["ik_file_id"] for row in first] == [row["ik_file_id"] for row in second]


# Tasks that run again


def test_a_partition_twice_at_once(spark: SparkSession, emulate: Emulate) -> None:
    """Two tasks with the same rows run at the same time, as when Spark starts a copy of a slow one."""
    emulator = emulate(latency=0.05)
    results = send(table(spark, 20, 1), emulator.account)
    counts = statuses(results.union(results))
    assert counts.total() == 40
    assert set(counts) <= UPLOADED
    assert Counter(ledger(emulator).values()) == {1: 20}


def test_a_copy_of_a_slow_task_stores_nothing_twice(tmp_path: Path) -> None:
    """With speculation, Spark starts a hanging task again on another host, where its files are found."""
    script = [sys.executable, Path(__file__).with_name("speculating.py"), tmp_path]
    done = subprocess.run(script, capture_output=True, text=True, check=False, timeout=3 * TIMEOUT)  # noqa: S603 - ours
    assert done.stdout, done.stderr
    printed = json.loads(done.stdout)
    assert printed["stored"] == {"1": 40}
    assert sum(printed["statuses"].values()) == 40
    assert set(printed["statuses"]) == UPLOADED
    assert printed["statuses"]["exists"] >= 10


@pytest.mark.parametrize("options", [{}, {"key": "sku"}, {"use_unique_file_name": False, "overwrite_file": False}])
def test_a_task_that_fails_stores_nothing_twice(options: dict[str, Any], spark: SparkSession, emulate: Emulate) -> None:
    """It runs again and finds the files that it had uploaded."""
    emulator = emulate()
    counts = statuses(with_failing_tasks(send(table(spark, 20, 2), emulator.account, **options)))
    check_stored_once(emulator, counts, 20)
    assert counts["exists"] >= 2 * BATCH


def test_a_worker_that_is_killed_stores_nothing_twice(spark: SparkSession, emulate: Emulate) -> None:
    """A worker process is killed during the run; its task runs again in another process."""
    emulator = emulate(latency=0.5)
    thread, outcome = in_thread(send(table(spark, 40, 4), emulator.account, concurrency=4))
    wait_until(lambda: stored(emulator) >= 4)
    kill_one(emulator)
    thread.join()
    check_stored_once(emulator, outcome[0], 40)


def test_faults_of_the_service_and_of_tasks(spark: SparkSession, emulate: Emulate) -> None:
    """One request in five fails, in every way, and each task once: every file is stored once."""
    emulator = emulate(index_lag=0.1, **FAULTS)
    results = send(table(spark, 60, 2), emulator.account, retries=30, concurrency=16)
    check_stored_once(emulator, statuses(with_failing_tasks(results)), 60)
    assert sum(emulator.fired.values())


@pytest.mark.soak
def test_many_rows_with_faults_everywhere(spark: SparkSession, emulate: Emulate) -> None:
    """With 5,000 rows, requests and tasks fail, and a worker is killed."""
    emulator = emulate(index_lag=0.1, **FAULTS)
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", 250)
    try:
        results = send(table(spark, 5000, 8), emulator.account, retries=30, concurrency=64)
        thread, outcome = in_thread(with_failing_tasks(results))
        wait_until(lambda: stored(emulator) >= 1000)
        kill_one(emulator)
        thread.join()
    finally:
        spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", BATCH)
    check_stored_once(emulator, outcome[0], 5000)


# Nights


def night(emulator: Emulator, frame: DataFrame, state: Path, **options: Any) -> DataFrame:
    """Return the lazy results of a nightly upload."""
    policy = Policy(index_lag=0.5, first_wait=0.05, look_ups=0, changes=0)
    usual = {"on_existing": "sync", "state": f"{state}/", "policy": policy}
    return send(frame, emulator.account, **usual | options)


def rows_of_night(spark: SparkSession, parts: int, changed: str = "false", tagged: str = "false") -> DataFrame:
    """Return 200 rows; those for which SQL conditions hold have other contents of the same size, or other tags."""
    file = f"encode(concat('GIF89a', lpad(id, 6, '0'), if({changed}, 'B', 'A')), 'UTF-8') AS file"
    columns = ["concat('s', id) AS sku", file, f"if({tagged}, 'other', 'some') AS tags"]
    return spark.range(0, 200, 1, parts).selectExpr(*columns)


def arrived(emulator: Emulator, before: int) -> Counter[str]:
    """Return the number of requests by method, since an entry of the log."""
    return Counter(entry["method"] for entry in emulator.log()[before:])


def test_nights_send_what_has_changed(spark: SparkSession, emulate: Emulate, tmp_path: Path) -> None:
    """In other partitions each time; a second action sends nothing."""
    emulator = emulate()
    assert statuses(night(emulator, rows_of_night(spark, 3), tmp_path)) == {"uploaded": 200}
    before = len(emulator.log())
    assert statuses(night(emulator, rows_of_night(spark, 4), tmp_path)) == {"unchanged": 200}
    assert arrived(emulator, before).keys() == {"GET"}
    before, changed = len(emulator.log()), rows_of_night(spark, 2, "id % 100 = 7", "id % 100 = 9")
    results = night(emulator, changed, tmp_path)
    assert statuses(results) == {"uploaded": 2, "updated": 2, "unchanged": 196}
    assert arrived(emulator, before).items() >= {"POST": 2, "PATCH": 2}.items()
    before = len(emulator.log())
    assert statuses(results) == {"unchanged": 200}
    assert arrived(emulator, before).keys() == {"GET"}


@pytest.mark.parametrize("mode", ["sync", "skip", "error"])
def test_tasks_that_fail_by_night_leave_nothing_to_send_twice(
    mode: str, spark: SparkSession, emulate: Emulate, tmp_path: Path
) -> None:
    """Their second attempts know what the first ones stored."""
    emulator = emulate()
    results = with_failing_tasks(night(emulator, rows_of_night(spark, 4), tmp_path, on_existing=mode))
    counts = statuses(results)
    again = "unchanged" if mode == "sync" else "exists"
    assert {again} <= counts.keys() <= {again, "uploaded"}
    assert arrived(emulator, 0)["POST"] == 200
    assert sum(ledger(emulator).values()) == 200


def test_a_summary_counts_the_rows_of_a_night(spark: SparkSession, emulate: Emulate, tmp_path: Path) -> None:
    """Each new status is success, and its count is shown."""
    emulator = emulate()
    statuses(night(emulator, rows_of_night(spark, 2), tmp_path))
    changed = rows_of_night(spark, 2, "id % 100 = 7", "id % 100 = 9")
    summary = ikpipe.summary(night(emulator, changed, tmp_path))
    assert summary.counts == {"uploaded": 2, "updated": 2, "unchanged": 196}
    assert "196" in str(summary)


# Journals


def test_a_task_that_fails_continues_with_its_journal(spark: SparkSession, emulate: Emulate, tmp_path: Path) -> None:
    """Uploaded rows are not sent again; they have the results of the first attempt."""
    emulator = emulate()
    counts = statuses(with_failing_tasks(send(table(spark, 20, 2), emulator.account, journal=tmp_path / "run")))
    assert counts == {"uploaded": 20}
    assert sum(entry["path"].endswith("/upload") for entry in emulator.log()) == 20
    check_stored_once(emulator, counts, 20)


def test_a_job_that_was_stopped_is_finished_by_another(spark: SparkSession, emulate: Emulate, tmp_path: Path) -> None:
    """The same journal is the same run: uploaded rows keep their results."""
    emulator = emulate(latency=0.1)
    frame, journal = table(spark, 60, 4), tmp_path / "run"
    thread, outcome = in_thread(send(frame, emulator.account, journal=journal, concurrency=4))
    wait_until(lambda: stored(emulator) >= 15)
    spark.sparkContext.cancelAllJobs()
    thread.join()
    assert isinstance(outcome[0], Exception)
    assert stored(emulator) < 60
    check_stored_once(emulator, statuses(send(frame, emulator.account, journal=journal)), 60)


# Secrets


def test_spark_logs_no_secrets(spark: SparkSession, emulate: Emulate, events: Path, tmp_path: Path) -> None:
    """Neither its event log nor its plans have the private key or a token."""
    emulator = emulate()
    results = send(table(spark), emulator.account, journal=tmp_path / "run", file_name="{sku}_secrets.gif")
    results.write.parquet(str(tmp_path / "results"))
    plans = results._jdf.queryExecution().toString()  # noqa: SLF001 - what explain() prints
    assert "MapInArrow" in plans
    log = b"".join(path.read_bytes() for path in events.rglob("*") if path.is_file())
    assert b"MapInArrow" in log
    for secret in (emulator.private_key, "eyJ"):
        assert secret not in plans
        assert secret.encode() not in log


def test_a_driver_needs_no_key(spark: SparkSession, emulate: Emulate, tmp_path: Path) -> None:
    """The workers have it, and start the journal; a second upload sends nothing."""
    emulator = emulate()
    driver = ikpipe.Account(emulator.public_key, upload_url=emulator.upload_url, api_url=emulator.url)
    for parts in (3, 2):
        results = send(
            table(spark, 12, parts), driver, journal=tmp_path / "run", key="sku", file_name="{sku}_keyless.gif"
        )
        assert statuses(results) == {"uploaded": 12}
    assert stored(emulator) == 12


def test_the_key_is_not_pickled(account: Account) -> None:
    """It is not in the function that Spark pickles for its workers."""
    frame = Frame()
    send(frame, account)
    pickled = cloudpickle.dumps(frame.function)
    assert account.private_key is not None
    assert account.private_key.encode() not in pickled
    assert account.public_key.encode() in pickled


# Shares of the limits


class Frame:
    """A fake of a Spark DataFrame, which records what is done with it."""

    def __init__(self, **conf: Any) -> None:
        self.schema = StructType([StructField("sku", StringType()), StructField("file", StringType())])
        self.columns = ["sku", "file"]
        self.conf = {"parallelism": 2, **{name.replace("_", "."): str(value) for name, value in conf.items()}}
        self.partitions = 100
        self.function: Any = None

    @property
    def sparkSession(self) -> Any:  # noqa: N802 - Spark's name
        """Return a fake session with the settings."""
        about = {"defaultParallelism": self.conf["parallelism"], "getConf": lambda: self.conf}
        return SimpleNamespace(sparkContext=SimpleNamespace(**about, master=self.conf.get("master")))

    def toDF(self, *names: str) -> Self:  # noqa: N802 - Spark's name
        """Return the same frame."""
        return self

    def coalesce(self, partitions: int) -> Self:
        """Record the number of partitions."""
        self.partitions = partitions
        return self

    def mapInArrow(self, function: Any, schema: Any) -> Self:  # noqa: N802 - Spark's name
        """Record the function for each partition."""
        self.function = function
        return self


class Remote(Frame):
    """A fake of a DataFrame of Spark Connect."""

    sparkSession = SimpleNamespace()  # noqa: N815 - Spark's name


def task_options(frame: Frame, account: Account, **options: Any) -> dict[str, Any]:
    """Return the send options of a task."""
    send(frame, account, **options)
    shared: dict[str, Any] = frame.function.prepared.part_options()
    return shared


def test_tasks_share_the_limits(account: Account) -> None:
    """Each of two tasks has half of the concurrency and the rate."""
    shared = task_options(Frame(), account, concurrency=64, rate=10.0)
    assert (shared["concurrency"], shared["rate"]) == (32, 5.0)


@pytest.mark.parametrize(
    ("conf", "slots"),
    [
        ({}, 2),
        ({"master": "local[8]"}, 8),
        ({"spark_cores_max": 12}, 12),
        ({"spark_executor_instances": 5}, 5),
        ({"spark_executor_instances": 5, "spark_executor_cores": 4}, 20),
        (
            {
                "spark_executor_cores": 4,
                "spark_dynamicAllocation_enabled": "true",
                "spark_dynamicAllocation_maxExecutors": 6,
            },
            24,
        ),
    ],
)
def test_slots_come_from_spark_s_configuration(conf: dict[str, Any], slots: int, account: Account) -> None:
    """The setting with the highest number counts, since executors come and go."""
    assert task_options(Frame(**conf), account, rate=120.0)["rate"] == 120.0 / slots


def test_slots_can_be_set(account: Account) -> None:
    """The keyword overrides the configuration."""
    assert task_options(Frame(), account, rate=120.0, slots=3)["rate"] == 40.0
    assert task_options(Remote(), account, rate=120.0, slots=3)["rate"] == 40.0


@pytest.mark.parametrize("frame", [Remote(), Frame(spark_dynamicAllocation_enabled="true")])
def test_unknown_slots_have_to_be_set(frame: Frame, account: Account) -> None:
    """With Spark Connect, or with unlimited dynamic allocation."""
    with pytest.raises(ikpipe.MappingError, match="set slots= to the maximum number of tasks"):
        send(frame, account)


def test_fewer_uploads_than_slots_mean_fewer_partitions(account: Account) -> None:
    """There are as many tasks as uploads, with one each."""
    frame = Frame(parallelism=8)
    frame.conf["parallelism"] = 8
    shared = task_options(frame, account, concurrency=3, rate=9.0)
    assert (frame.partitions, shared["concurrency"], shared["rate"]) == (3, 1, 3.0)


@pytest.mark.parametrize("concurrency", [1, 4])
def test_concurrency_limits_the_whole_run(concurrency: int, spark: SparkSession, emulate: Emulate) -> None:
    """For any number of tasks."""
    emulator = emulate(latency=0.05)
    frame = table(spark, 24, 4)
    assert statuses(send(frame, emulator.account, concurrency=concurrency)) == {"uploaded": 24}
    assert emulator.peak <= concurrency


def test_one_task_of_two_has_everything(spark: SparkSession, emulate: Emulate) -> None:
    """A shuffle or `coalesce` after the upload can leave one task, which has all uploads in flight."""
    emulator = emulate(latency=0.2)
    assert statuses(send(table(spark, 20, 4), emulator.account, concurrency=4).coalesce(1)) == {"uploaded": 20}
    assert emulator.peak == 4


# Invalid options


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"file_name": "{sk}.gif"}, "did you mean 'sku'"),
        ({"key": "skus"}, "did you mean 'sku'"),
        ({"ignore": ["skus"]}, "did you mean 'sku'"),
    ],
)
def test_a_mapping_is_checked_at_once(options: dict[str, Any], words: str, account: Account) -> None:
    """From the columns, before Spark does anything."""
    with pytest.raises(ikpipe.MappingError, match=words):
        send(Frame(), account, **options)


def test_two_columns_of_one_name_are_refused(account: Account) -> None:
    """The name would be ambiguous."""
    frame = Frame()
    frame.columns.append("sku")
    with pytest.raises(ikpipe.MappingError, match="The frame has two columns named 'sku'"):
        send(frame, account)


def test_a_table_in_memory_is_refused(account: Account) -> None:
    """The error names the function for it."""
    with pytest.raises(ikpipe.MappingError, match=r"is a pandas DataFrame, .* use ikpipe\.upload"):
        send(pd.DataFrame({"file": []}), account)


def test_a_row_that_is_not_uploaded_can_stop_the_job(spark: SparkSession, account: Account) -> None:
    """The action raises what a worker raises."""
    frame = table(spark, 2, 1, "'perhaps' AS isPrivateFile")
    with pytest.raises(PySparkException, match=r"UploadError: Row 0 of its part is invalid \(not_boolean\)"):
        send(frame, account, on_error="raise").collect()


# Dependencies


def test_no_engine_is_loaded_before_it_is_used() -> None:
    """Neither the core nor `ikpipe.cluster` loads one."""
    code = "import sys, ikpipe, ikpipe.cluster, ikpipe.spark; print(*{name.partition('.')[0] for name in sys.modules})"
    assert not {"pyspark", "py4j", "dask", "distributed"} & {*fresh(code).split()}


@pytest.mark.parametrize("missing", ["narwhals", "pyarrow"])
def test_a_missing_package_is_named(missing: str) -> None:
    """The error names the extra to install."""
    code = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "import ikpipe.spark\n"
        "class Frame: mapInArrow = None\n"
        "try: ikpipe.spark.upload(Frame(), None)\n"
        "except ikpipe.MissingExtra as error: print(error)"
    )
    assert "Uploading a Spark DataFrame needs the extra 'spark'" in fresh(code)


def test_a_session_listens_on_loopback_only(spark: SparkSession) -> None:
    """Other machines cannot connect to it."""
    java = [process for process in psutil.Process().children(recursive=True) if process.name() == "java"]
    connections = [one for process in java for one in process.net_connections("inet")]
    addresses = [one.laddr.ip for one in connections if one.status == "LISTEN"]
    assert addresses
    assert {address.removeprefix("::ffff:") for address in addresses} == {"127.0.0.1"}


def test_files_are_updated_by_tasks(spark: SparkSession, emulate: Emulate) -> None:
    """Each action computes the frame again, and changes nothing more."""
    account = emulate().account
    rows = ikpipe.upload(
        pd.DataFrame({"file": [b"1", b"2", b"3"], "sku": [*"abc"]}), account, file_name="{sku}.gif", progress=False
    )
    frame = spark.createDataFrame(rows[["ik_file_id", "sku"]].astype(object)).repartition(2)
    changed = ikpipe.spark.update(frame, account, description="{sku}", policy=ikpipe.Policy(changes=0, look_ups=0))
    assert ikpipe.files(account)["description"].isna().all()
    assert [row["ik_change"] for row in changed.collect()] == ["done"] * 3
    assert [row["ik_change"] for row in changed.collect()] == ["unchanged"] * 3
    assert sorted(ikpipe.files(account)["description"]) == [*"abc"]


# A second upload with the same journal


@pytest.mark.parametrize(("change", "unique", "key"), second_uploads.cases())
def test_a_second_upload_sends_what_has_changed(
    change: str, *, unique: bool, key: bool, spark: SparkSession, emulate: Emulate, tmp_path: Path
) -> None:
    """Whatever the partitions, the record batches and the order of rows."""
    emulator = emulate()
    options = {"use_unique_file_name": unique, "key": "sku" if key else None, "journal": tmp_path / "journal"}
    with uploading(spark, emulator, tmp_path) as upload:
        second_uploads.check(upload, emulator, change, **options)


@contextmanager
def uploading(spark: SparkSession, emulator: Emulator, folder: Path) -> Iterator[second_uploads.Upload]:
    """Yield a function that uploads a table in a number of partitions, with larger record batches."""

    def upload(frame: pd.DataFrame, partitions: int, options: dict[str, Any]) -> pd.DataFrame:
        pq.write_table(pa.Table.from_pandas(frame), folder / "rows.parquet")
        rows = spark.read.parquet(str(folder / "rows.parquet")).repartition(partitions)
        return pd.DataFrame([row.asDict() for row in send(rows, emulator.account, **options).collect()])

    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", 100)
    try:
        yield upload
    finally:
        spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", BATCH)


@pytest.mark.parametrize(("change", "options"), second_uploads.cases_without_a_journal())
def test_a_second_upload_without_a_journal(
    change: str, options: dict[str, Any], spark: SparkSession, emulate: Emulate, tmp_path: Path
) -> None:
    """By the run's name, or by what the library and the state have."""
    emulator = emulate()
    if "run" not in options:
        options = {**options, "state": f"{tmp_path}/state/"}
    with uploading(spark, emulator, tmp_path) as upload:
        second_uploads.check_without_a_journal(upload, emulator, change, **options)


NIGHT = """
import sys
sys.path[:0] = sys.argv[1].split(":")
import ikpipe, ikpipe.spark
from sessions import session

_, _, journal, upload_url, api_url, public_key, cores, batch, partitions = sys.argv
import os
account = ikpipe.Account(public_key, os.environ["IMAGEKIT_PRIVATE_KEY"], upload_url=upload_url, api_url=api_url)
spark = session(f"local[{cores}]", **{"spark.sql.execution.arrow.maxRecordsPerBatch": batch})
rows = spark.range(0, 20000, 1, int(partitions)).selectExpr(
    "concat('s', id) AS sku", "encode(concat('GIF89a', id), 'UTF-8') AS file"
)
results = ikpipe.spark.upload(
    rows, account, file_name="{sku}.gif", folder="/spark/", use_unique_file_name=False, journal=journal
)
print(sorted((row["ik_status"], row["count"]) for row in results.groupBy("ik_status").count().collect()))
spark.stop()
"""


@pytest.mark.soak
def test_another_number_of_cores_sends_nothing_again(emulate: Emulate, tmp_path: Path) -> None:
    """20,000 rows on 2 cores, then on 3 with other partitions and record batches."""
    emulator = emulate()
    account = emulator.account
    facts = [tmp_path / "journal", account.upload_url, account.api_url, account.public_key]
    for cores, batch, partitions in ((2, 2_000, 8), (3, 777, 13)):
        given = [os.pathsep.join(sys.path), *facts, cores, batch, partitions]
        began, environment = time.monotonic(), {**os.environ, "IMAGEKIT_PRIVATE_KEY": emulator.private_key}
        command = [sys.executable, "-c", NIGHT, *map(str, given)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
        assert done.stdout.splitlines()[-1:] == ["[('uploaded', 20000)]"], done.stderr[-2000:]
        sys.stderr.write(f"{cores} cores: {time.monotonic() - began:.1f} s, {len(uploads_of(emulator))} uploads\n")
    assert len(uploads_of(emulator)) == 20_000
