"""Spark: tasks upload the partitions of a DataFrame where these are.

`upload` returns a lazy frame, which uploads when it is written. `docs/cluster.md` has an example.

Spark runs a partition again if a task fails, is slow (speculation) or loses its machine, and for each
action on a frame that is not persisted. Nothing is stored twice because of that: see `ikpipe.cluster`.

The private key is not sent to workers: each has it in its environment, as ``IMAGEKIT_PRIVATE_KEY``, or in a `profile`.
Let the cluster put it there, for example by ``spark.kubernetes.executor.secretKeyRef.IMAGEKIT_PRIVATE_KEY``.
``spark.executorEnv.IMAGEKIT_PRIVATE_KEY`` works too, but Spark writes it into its event log unless
``spark.redaction.regex`` matches this name, which it does not by default. Workers on this machine have the environment
that this process had when its session was started.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Unpack

from ikpipe.cluster import PrepareOptions, prepare
from ikpipe.cluster.notices import FIRST_ROWS, notice_part
from ikpipe.cluster.part import PreparedUpload
from ikpipe.cluster.shares import machine_ledger
from ikpipe.cluster.update import PreparedUpdate, prepare_update
from ikpipe.errors import MappingError
from ikpipe.frames.edits import CHANGE, MESSAGE
from ikpipe.frames.io.opening import import_extra
from ikpipe.request.account import Account
from ikpipe.request.result import EXTRA, LISTED, RESULT_COLUMNS
from ikpipe.run.keywords import PartUpdateKeywords

if TYPE_CHECKING:
    from pyspark import SparkContext
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

_DOING = {"upload": "Uploading", "update": "Updating"}
_SET_SLOTS = "set slots= to the maximum number of tasks that run at the same time."


def upload(
    frame: DataFrame,
    account: Account,
    *,
    slots: int | None = None,
    **keywords: Unpack[PrepareOptions],
) -> DataFrame:
    """Upload one file per row of a Spark DataFrame when an action runs, and return the results as columns.

    The mapping is checked at once. Each action on a frame that is not persisted computes it again: every row is sent
    again, its file is found, and the row ends as ``exists``. So write the results to a file or a table, and continue
    with the written results.

    Parameters
    ----------
    frame
        One file per row. Columns of any type stay as they are; columns named like a column of the results are
        replaced. If cells contain files, a task has as many of them in memory at a time as
        ``spark.sql.execution.arrow.maxRecordsPerBatch`` says.
    account
        Keys and addresses; workers have the private key in their environment, or in a `profile`.
    slots
        Maximum number of tasks that run at the same time; None: the number in Spark's configuration. Each task has an
        equal share of the limits of the upload; if all run on this machine, fewer tasks have larger shares.
    **keywords
        As for `ikpipe.cluster.prepare`. A `concurrency` below the number of slots limits the number of tasks, each
        with one upload in flight; copies that Spark starts of slow tasks are not counted.

    Returns
    -------
    pyspark.sql.DataFrame
        The frame's columns, then the ``ik_`` columns. Nested results are JSON; `ik_tags` and `ik_warnings` are arrays
        of strings.

    Raises
    ------
    MappingError
        The mapping does not fit the frame, or Spark's configuration does not say how many tasks run at the same time.
    AccountError, JournalError
        As for `ikpipe.cluster.prepare`.
    MissingExtra
        PyArrow is not installed.
    """
    ledger = machine_ledger(slots) if _runs_here(frame) else None
    slots = _checked_slots(frame, slots, "upload")
    concurrency = keywords.get("concurrency")
    if concurrency is not None and 0 < concurrency < slots:
        frame, slots = frame.coalesce(concurrency), concurrency
    prepared = prepare(account, slots=slots, **keywords).replaced(ledger=ledger)
    prepared.begin(_empty_table(frame))  # raises MappingError if the mapping does not fit
    return _in_partitions(frame, prepared, _results_schema(frame))


def update(
    frame: DataFrame,
    account: Account,
    *,
    slots: int | None = None,
    profile: str | None = None,
    dry_run: bool = False,
    **keywords: Unpack[PartUpdateKeywords],
) -> DataFrame:
    """Change the files that rows of a Spark DataFrame name, in place, when an action runs.

    Each action on a frame that is not persisted computes it again, and changes nothing more: the rows are ``unchanged``
    then. Partitions do not know of each other, so two of them must not name the same file. There is no journal, so
    `undo` cannot revert the changes.

    Parameters
    ----------
    frame
        One file per row; columns are mapped as by `ikpipe.update`.
    account, slots, profile
        As for `upload`; each task has its share of `Policy(changes=5)`.
    dry_run, **keywords
        As for `ikpipe.update`.

    Returns
    -------
    pyspark.sql.DataFrame
        The frame's columns, then `ik_change` and `ik_change_message`.

    Raises
    ------
    MappingError, MissingExtra
        As for `upload`.
    """
    ledger = machine_ledger(slots) if _runs_here(frame) else None
    slots = _checked_slots(frame, slots, "update")
    prepared = prepare_update(account, slots=slots, profile=profile, dry_run=dry_run, **keywords)
    prepared = prepared.replaced(ledger=ledger)
    prepared.begin(_empty_table(frame))  # raises MappingError if the mapping does not fit
    types: Any = import_module("pyspark.sql.types")
    kept = [field for field in frame.schema.fields if field.name not in (CHANGE, MESSAGE)]
    added = [types.StructField(name, types.StringType()) for name in (CHANGE, MESSAGE)]
    return _in_partitions(frame, prepared, types.StructType([*kept, *added]))


def _checked_slots(frame: DataFrame, slots: int | None, function: str) -> int:
    """Return how many tasks can run at the same time.

    Raise `MappingError` if the frame is not one of Spark; `function` is the name of the function that takes it.
    """
    if not hasattr(frame, "mapInArrow"):
        kind = type(frame)
        raise MappingError(
            f"The frame is a {kind.__module__.partition('.')[0]} {kind.__name__}, and ikpipe.spark.{function} takes a "
            f"Spark DataFrame. For tables in memory, use ikpipe.{function}."
        )
    for name in ("narwhals", "pyarrow"):
        import_extra(name, "spark", f"{_DOING[function]} a Spark DataFrame")
    return _configured_slots(getattr(frame.sparkSession, "sparkContext", None)) if slots is None else slots


def _runs_here(frame: DataFrame) -> bool:
    """Whether all tasks run on this machine."""
    context = getattr(getattr(frame, "sparkSession", None), "sparkContext", None)
    return context is not None and re.match(r"local(\[|$)", context.master or "") is not None


def _in_partitions(frame: DataFrame, prepared: PreparedUpload | PreparedUpdate, schema: StructType) -> DataFrame:
    """Return a frame whose partitions are computed by a prepared function."""
    # Spark does not find a column whose name contains a dot, as in customMetadata.brand.
    numbered = frame.toDF(*(f"column{number}" for number in range(len(frame.columns))))
    return numbered.mapInArrow(_PartitionWork(prepared, frame.columns), schema)


@dataclass(frozen=True)
class _PartitionWork:
    """The function that Spark sends to its workers, which uploads or updates a partition there."""

    prepared: PreparedUpload | PreparedUpdate
    columns: list[str]

    def __call__(self, batches: Iterable[Any]) -> Iterator[Any]:
        """Process the record batches of a partition, and yield those of the results."""
        pa: Any = import_module("pyarrow")
        tables = (pa.Table.from_batches([batch]).rename_columns(self.columns) for batch in batches)
        first, rows = None, 0
        for results in self.prepared.each(tables):
            first = first or results.slice(0, FIRST_ROWS).select(self._kept(results)).to_pylist()
            rows += len(results)
            yield from results.to_batches()
        if first and isinstance(self.prepared, PreparedUpload):
            notice_part(self.prepared, first, rows, _task_id())

    def _kept(self, results: Any) -> list[str]:
        """Return the columns of the results that are the input's."""
        return [name for name in self.columns if name in results.column_names and not name.startswith("ik_")]


def _task_id() -> str:
    """Return an id of the task that runs this; a task that Spark repeats by itself has the same."""
    task = import_module("pyspark").TaskContext.get()
    return "" if task is None else f"{task.stageId()} {task.partitionId()}"


def _configured_slots(context: SparkContext | None) -> int:
    """Return how many tasks can run at the same time, from Spark's configuration."""
    if context is None:
        raise MappingError(f"Spark Connect does not report how many tasks the cluster runs: {_SET_SLOTS}")
    conf = context.getConf()
    cores = int(conf.get("spark.executor.cores") or 1)
    executors = [conf.get("spark.executor.instances") or 0]
    if conf.get("spark.dynamicAllocation.enabled") == "true":
        maximum = conf.get("spark.dynamicAllocation.maxExecutors")
        if maximum is None:
            raise MappingError(
                "Spark can add any number of executors: set spark.dynamicAllocation.maxExecutors in its configuration, "
                f"or {_SET_SLOTS}"
            )
        executors.append(maximum)
    local = re.match(r"local\[(\d+)", context.master or "")
    return max(
        context.defaultParallelism,
        int(local[1]) if local else 1,
        int(conf.get("spark.cores.max") or 1),
        *(int(count) * cores for count in executors),
    )


def _empty_table(frame: DataFrame) -> Any:
    """Return an Arrow table with the frame's columns and no rows."""
    if repeated := [name for name, count in Counter(frame.columns).items() if count > 1]:
        raise MappingError(f"The frame has two columns named {repeated[0]!r}. Rename or drop one of them.")
    pa: Any = import_module("pyarrow")
    return pa.table([pa.nulls(0)] * len(frame.columns), names=frame.columns)


def _results_schema(frame: DataFrame) -> StructType:
    """Return the Spark schema of the frame's results."""
    types: Any = import_module("pyspark.sql.types")
    spark_types = {
        "string": types.StringType(),
        "Int64": types.LongType(),
        "Float64": types.DoubleType(),
        "boolean": types.BooleanType(),
        "object": types.StringType(),  # JSON
    }
    results = {name: spark_types[dtype] for name, dtype in {**RESULT_COLUMNS, EXTRA: "object"}.items()}
    results |= dict.fromkeys(LISTED, types.ArrayType(types.StringType()))
    kept = [field for field in frame.schema.fields if field.name not in results]
    schema: StructType = types.StructType([*kept, *(types.StructField(*column) for column in results.items())])
    return schema
