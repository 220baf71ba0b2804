"""Spark: each partition of a DataFrame is uploaded where it is.

::

    results = ikpipe.spark.upload(frame, account, file_name="{sku}.jpg", folder="/products/", columns={"file": "url"})
    results.write.parquet("results")                    # which sends
    ikpipe.spark.summary(spark.read.parquet("results"))

Spark runs a partition again where a task fails, where a machine is lost, beside a slow task (speculation), and for each
action on a frame that is not persisted. Nothing is stored twice by that: see `ikpipe.cluster`.

The private key does not travel: each worker has it in its environment, as ``IMAGEKIT_PRIVATE_KEY``, or in a `profile`.
Have the cluster's own means put it there, such as ``spark.kubernetes.executor.secretKeyRef.IMAGEKIT_PRIVATE_KEY``.
``spark.executorEnv.IMAGEKIT_PRIVATE_KEY`` works too, but Spark then writes it into its event log, unless
``spark.redaction.regex`` matches this name; by default it does not. Workers on this machine have the environment that
this process had when its session was started.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Unpack

from ikpipe.cluster import PrepareOptions, prepare
from ikpipe.errors import CODES, MappingError, MissingExtra
from ikpipe.request.result import EXTRA, LISTED, RESULT_COLUMNS, SETTLED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pyspark import SparkContext
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

    from ikpipe.cluster.part import PreparedUpload
    from ikpipe.request.account import Account

_SLOTS = "say how many tasks run at once, at most, with slots="


def upload(
    frame: DataFrame,
    account: Account,
    *,
    slots: int | None = None,
    **how: Unpack[PrepareOptions],
) -> DataFrame:
    """Upload each row of a Spark DataFrame: lazily, as Spark does all; an action sends.

    The mapping is checked at once. Another action on a frame that is not persisted computes it again: each row is then
    sent again, found to be there, and ends as ``exists``. So write the results to a file or a table, and go on from it.

    Parameters
    ----------
    frame
        A row a file. Its columns stay as they are, of whatever type; those that are named like a column of the results
        are replaced. Where files are cells, a task has as many in its memory at a time as
        ``spark.sql.execution.arrow.maxRecordsPerBatch`` says.
    account
        Keys and addresses; workers find the private key in their environment, or in a `profile`.
    slots
        How many tasks run at once, at most; None: what Spark's configuration says.
    **how
        As for `ikpipe.cluster.prepare`. A `concurrency` below the number of slots limits the tasks, each with one
        upload in flight; copies that Spark starts of slow tasks are not counted.

    Returns
    -------
    pyspark.sql.DataFrame
        The frame's columns, then the ``ik_`` columns. Nested results are JSON; `ik_tags` is an array of strings.

    Raises
    ------
    MappingError
        The mapping does not fit the frame, or nobody knows how many tasks run at once.
    AccountError, JournalError
        As for `ikpipe.cluster.prepare`.
    MissingExtra
        PyArrow is not installed.
    """
    if not hasattr(frame, "mapInArrow"):
        words = f"The frame is a {type(frame).__name__}; ikpipe.spark takes a Spark DataFrame"
        raise MappingError(f"{words}: for tables in memory there is ikpipe.upload.")
    try:
        for name in ("narwhals", "pyarrow"):
            import_module(name)
    except ImportError:
        raise MissingExtra.for_extra("spark", "Uploading a Spark DataFrame") from None
    context = getattr(frame.sparkSession, "sparkContext", None)
    slots = _slots(context) if slots is None else slots
    concurrency = how.get("concurrency")
    if concurrency is not None and 0 < concurrency < slots:
        frame, slots = frame.coalesce(concurrency), concurrency
    planned = prepare(account, slots=slots, **how)
    planned.empty(_none_of(frame))
    part = _Part(planned, frame.columns)
    # Spark does not find a column whose name has a dot, as in customMetadata.brand.
    return frame.toDF(*(f"column{at}" for at in range(len(frame.columns)))).mapInArrow(part, _schema(frame))


def summary(results: DataFrame) -> dict[str, Any]:
    """Sum results up, by one pass over them.

    What is not persisted is computed for that, which is to say sent once more and found to be there: so write results
    to Parquet first, say, and sum up what is read from there.

    Parameters
    ----------
    results
        What `upload` gave, or what was written of it.

    Returns
    -------
    dict
        ``rows``; ``counts``, by status; ``bytes`` of the rows' files in the library; ``files``: how many different ones
        these are.

    Raises
    ------
    MappingError
        The frame is none of results.
    """
    if missing := {"ik_status", "ik_size", "ik_file_id"} - set(results.columns):
        raise MappingError(f"The frame has no column {min(missing)!r}: ikpipe.spark.upload makes it.")
    functions: Any = import_module("pyspark.sql.functions")
    column, statuses = functions.col, sorted(SETTLED | {code.status for code in CODES.values()})
    (row,) = results.agg(
        functions.count(functions.lit(1)).alias("rows"),
        functions.sum(column("ik_size")).alias("bytes"),
        functions.countDistinct(column("ik_file_id")).alias("files"),
        *(functions.count(functions.when(column("ik_status") == one, 1)).alias(one) for one in statuses),
    ).collect()
    counts = {one: row[one] for one in statuses if row[one]}
    return {"rows": row["rows"], "counts": counts, "bytes": row["bytes"] or 0, "files": row["files"]}


@dataclass(frozen=True)
class _Part:
    """What travels to the workers, and uploads a partition there."""

    planned: PreparedUpload
    columns: list[str]

    def __call__(self, batches: Iterable[Any]) -> Iterator[Any]:
        """Upload the record batches of a partition."""
        pa: Any = import_module("pyarrow")
        tables = (pa.Table.from_batches([batch]).rename_columns(self.columns) for batch in batches)
        for results in self.planned.each(tables):
            yield from results.to_batches()


def _slots(context: SparkContext | None) -> int:
    """Read how many tasks can run at once from Spark's configuration."""
    if context is None:
        raise MappingError(f"Spark Connect does not tell how much the cluster does at once: {_SLOTS}")
    conf = context.getConf()
    cores = int(conf.get("spark.executor.cores") or 1)
    executors = [conf.get("spark.executor.instances") or 0]
    if conf.get("spark.dynamicAllocation.enabled") == "true":
        most = conf.get("spark.dynamicAllocation.maxExecutors")
        if most is None:
            raise MappingError(
                f"Spark may add executors without end: set spark.dynamicAllocation.maxExecutors, or {_SLOTS}"
            )
        executors.append(most)
    here = re.match(r"local\[(\d+)", context.master or "")
    return max(
        context.defaultParallelism,
        int(here[1]) if here else 1,
        int(conf.get("spark.cores.max") or 1),
        *(int(some) * cores for some in executors),
    )


def _none_of(frame: DataFrame) -> Any:
    """Give an Arrow table of columns that are named like the frame's, without rows."""
    if twice := [name for name, times in Counter(frame.columns).items() if times > 1]:
        raise MappingError(f"The frame has two columns {twice[0]!r}: rename one, or drop it.")
    pa: Any = import_module("pyarrow")
    return pa.table([pa.nulls(0)] * len(frame.columns), names=frame.columns)


def _schema(frame: DataFrame) -> StructType:
    """Give the schema of the results of a frame."""
    types: Any = import_module("pyspark.sql.types")
    kinds = {
        "string": types.StringType(),
        "Int64": types.LongType(),
        "Float64": types.DoubleType(),
        "boolean": types.BooleanType(),
        "object": types.StringType(),  # JSON
    }
    answers = {name: kinds[dtype] for name, dtype in {**RESULT_COLUMNS, EXTRA: "object"}.items()}
    answers |= dict.fromkeys(LISTED, types.ArrayType(types.StringType()))
    kept = [field for field in frame.schema.fields if field.name not in answers]
    made: StructType = types.StructType([*kept, *(types.StructField(*one) for one in answers.items())])
    return made
