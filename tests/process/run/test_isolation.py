"""Whatever one row's cells are, they concern that row alone."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

import numpy as np
import pandas as pd
import pytest
from examples import plays
from hypothesis import given
from hypothesis import strategies as st
from rows import quiet

import ikpipe
from ikpipe import Account
from ikpipe.emulator import Emulator
from ikpipe.errors import InvalidValue
from ikpipe.frames.cells import plain_cells
from ikpipe.frames.chunks import InMemoryTable
from ikpipe.frames.codec import json_values
from ikpipe.request.parameters import TABLE, encode
from ikpipe.request.planner import RequestBuilder, UploadRequest
from ikpipe.request.sources import FileResolver
from ikpipe.run.job import UploadJob
from ikpipe.run.prepare import collect_mapping

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ikpipe.request.rows import MappedRows


def fails(*_arguments: Any) -> Any:
    """Raise what no library expects of a cell."""
    raise RuntimeError("no")


def out_of_memory(*_arguments: Any) -> Any:
    """Raise what a huge cell raises."""
    raise MemoryError


def odd(base: type = object, value: Any = None, /, **methods: Any) -> Any:
    """Return an object of a class whose methods fail."""
    made = type("Odd", (base,), methods)
    return made() if value is None else made(value)


def nested(depth: int) -> list[Any]:
    """Return a list in a list in a list."""
    found: list[Any] = []
    for _ in range(depth):
        found = [found]
    return found


EVERYTHING = dict.fromkeys(
    ("__str__", "__repr__", "__eq__", "__hash__", "__bool__", "__len__", "__getattr__", "__sizeof__"), fails
)


MAKE: dict[str, Callable[[], Any]] = {
    "NA in a list": lambda: ["a", pd.NA],
    "NaN in a list": lambda: ["a", float("nan"), pd.NaT, np.float32("nan"), np.datetime64("NaT"), None],
    "signaling NaN": lambda: Decimal("sNaN"),
    "signaling NaN in a list": lambda: [Decimal("sNaN")],
    "long integer": lambda: 10**5000,
    "long integer in a list": lambda: [10**5000],
    "long integer of a class": lambda: odd(int, 10**5000),
    "str": lambda: odd(__str__=fails),
    "repr": lambda: odd(__repr__=fails),
    "eq": lambda: odd(__eq__=fails, __hash__=fails),
    "class": lambda: odd(__class__=property(fails)),
    "everything": lambda: odd(**EVERYTHING),
    "memory": lambda: odd(__str__=out_of_memory),
    "deep": lambda: nested(100_000),
    "text": lambda: odd(
        str, "x", strip=fails, encode=fails, removeprefix=fails, __str__=fails, __eq__=fails, __hash__=fails
    ),
    "list": lambda: odd(list, [1], __iter__=fails, __len__=fails),
    "dict": lambda: odd(dict, {"a": 1}, items=fails, keys=fails, __iter__=fails, __getitem__=fails),
    "dict of odd keys": lambda: {odd(__str__=fails, __repr__=fails): 1},
    "float": lambda: odd(float, 1.5, is_integer=fails, __eq__=fails, __hash__=fails),
    "inside": lambda: {"brand": [odd(**EVERYTHING)]},
    "long double": lambda: np.longdouble(1),
    "array": lambda: np.array([1, 2]),
    "complex": lambda: 1j,
}
"""Each makes an odd value anew: other tests look at every object that there is, and a deep one takes its time."""

ODD = list(MAKE)

good = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.complex_numbers()
times = st.dates() | st.datetimes() | st.times() | st.timedeltas() | st.datetimes().map(pd.Timestamp)
numbers = st.sampled_from(
    [pd.NA, pd.NaT, np.int8(1), np.uint64(2**64 - 1), np.float16(0.1), np.bool_(True), np.datetime64("2026-11-30", "s")]
)


OTHERS: dict[str, Callable[[], Any]] = {
    **MAKE,
    "uuid": lambda: UUID(int=1),
    "path": lambda: Path("/nowhere"),
    "range": lambda: range(3),
    "object": object,
    "class itself": lambda: int,
    "function": lambda: fails,
    "ellipsis": lambda: ...,
    "memoryview": lambda: memoryview(b"x"),
    "bytearray": lambda: bytearray(b"y"),
}


class Odd(NamedTuple):
    """An odd value by its name: Hypothesis compares and prints what it draws."""

    name: str


def resolved(drawn: Any) -> Any:
    """Return a drawn value with the odd ones in their places."""
    if isinstance(drawn, Odd):
        return OTHERS[drawn.name]()
    if isinstance(drawn, (list, tuple)):
        return type(drawn)(map(resolved, drawn))
    return {key: resolved(one) for key, one in drawn.items()} if isinstance(drawn, dict) else drawn


others = st.sampled_from(list(OTHERS)).map(Odd)
scalars = good | times | numbers | others | st.decimals(allow_nan=True, allow_infinity=True)
cells = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=5,
)


COLUMNS = ["file", "file_name", "sku", "brand", *(name for name in TABLE if name not in ("file", "file_name"))]
COLUMNS += ["custom_metadata.brand", "unused"]


def table(column: str, cell: Any, rows: int = 5, at: int = 2) -> pd.DataFrame:
    """Return a frame of good rows, one of which has an odd cell."""
    frame = pd.DataFrame({"file": pd.Series([b"%d" % row for row in range(rows)], dtype=object)})
    frame["file_name"] = [f"{row}.bin" for row in range(rows)]
    frame["sku"] = frame["brand"] = "x"
    column_cells: Any = np.empty(rows, dtype=object)
    column_cells[:] = frame[column].tolist() if column in frame else None
    column_cells[at] = cell
    return frame.assign(**{column: pd.Series(column_cells, dtype=object)})


@pytest.fixture(scope="module")
def service() -> Iterator[Emulator]:
    """Run an emulator of its own: what the odd rows store is no other test's."""
    with Emulator() as running:
        yield running


def others_are_uploaded(frame: pd.DataFrame, account: Account, at: int = 2) -> pd.Series[Any]:
    """Upload a frame, see that all rows but one are uploaded, and return that one's result."""
    mapping: dict[str, Any] = {"tags": ["tags" if "tags" in frame else "sku"]}
    mapping |= {"webhook_url": "webhook_url"} if "webhook_url" in frame else {}
    ikpipe.check(frame, account, columns=mapping)
    results = quiet(frame, account, columns=mapping, folder="/{sku}/{brand}")
    statuses = results["ik_status"].tolist()
    del statuses[at]
    assert set(statuses) == {"uploaded"}
    return results.iloc[at]


@pytest.mark.parametrize("kind", ODD)
@pytest.mark.parametrize(
    "column",
    [
        *("tags", "file", "custom_metadata"),
        *(pytest.param(name, marks=pytest.mark.soak) for name in ("file_name", "sku", "is_private_file", "unused")),
    ],
)
def test_an_odd_cell_concerns_its_row_alone(column: str, kind: str, service: Emulator) -> None:
    """No cell stops `check` or a run; one that cannot be read is its row's problem, with a code and words."""
    row = others_are_uploaded(table(column, MAKE[kind]()), service.account)
    if row["ik_status"] != "uploaded":
        assert row["ik_error"] in ikpipe.CODES
        assert row["ik_message"]


@plays(150)
@pytest.mark.parametrize("rows", [5, pytest.param(21, marks=pytest.mark.soak)])
@given(column=st.sampled_from(COLUMNS), drawn=cells)
def test_any_cell_concerns_its_row_alone(rows: int, column: str, drawn: Any, service: Emulator) -> None:
    """A cell of any type in any column leaves the other rows alone."""
    others_are_uploaded(table(column, resolved(drawn), rows), service.account)


@pytest.mark.parametrize("kind", ["NA in a list", "NaN in a list"])
def test_missing_values_in_a_list_are_not_given(kind: str) -> None:
    """NA, NaN, NaT and None in a list of tags mean that there is no such tag."""
    assert encode("tags", MAKE[kind]()) == "a"


def test_missing_values_in_metadata_are_not_given() -> None:
    """NA and NaN in custom metadata are left out, as fields and in lists; an explicit null stays."""
    given_ = {"a": pd.NA, "b": ["x", pd.NA, float("nan"), None], "c": None, "d": float("nan")}
    assert encode("custom_metadata", given_) == '{"b":["x"],"c":null}'


def test_a_problem_names_row_column_and_value() -> None:
    """The problem of a cell that cannot be read has the row's label, its column, and what was raised."""
    frame = table("labels", Decimal("sNaN"), rows=3, at=1).set_index("file_name")
    found = ikpipe.check(frame, columns={"tags": "labels"}, file_name="{sku}")
    assert found[["row", "position", "column", "parameter", "code"]].to_numpy().tolist() == [
        ["1.bin", 1, "labels", "tags", "unreadable_value"]
    ]
    assert found["message"][0].startswith("Decimal('sNaN') cannot be read: InvalidOperation")


def test_a_row_that_only_fails_alone_is_found() -> None:
    """If planning rows together raises an exception, each is planned alone, and one problem is left."""

    class Builder(RequestBuilder):
        """Plans all rows but those of an odd SKU."""

        def build(self, rows: MappedRows, *more: Any) -> Any:
            if "odd" in rows.labels:
                raise OverflowError("a kind that nobody thought of")
            return super().build(rows, *more)

    frame = table("sku", "no").set_axis(["a", "b", "odd", "c", "d"])
    job = UploadJob(InMemoryTable(frame), collect_mapping(None, None, None, "server", {}))
    planned = [request for _, request in job.requests(Builder(FileResolver()), next(job.table.chunks()))]
    (problem,) = planned.pop(2)
    assert all(isinstance(request, UploadRequest) for request in planned)
    assert (problem.row, problem.position, problem.code) == ("odd", 2, "unreadable_value")
    assert "OverflowError: a kind that nobody thought of" in problem.message


# A journal has such cells, too


@pytest.mark.parametrize("kind", ODD)
def test_a_journal_keeps_odd_cells(kind: str) -> None:
    """Any cell can be written for a journal; one that cannot be read comes back as such, and is the row's problem."""
    cell = MAKE[kind]()
    text = json_values.encode_cells([cell, "a"])
    assert json_values.encode_cells([cell, "a"]) == text
    assert len(json_values.decode(text)) == 2


def test_an_unreadable_cell_stays_one_in_a_journal() -> None:
    """What could not be read before a process ended cannot be read after, and no placeholder is uploaded instead."""
    (cell,) = json_values.decode(json_values.encode_cells([odd(**EVERYTHING)]))
    (inside,) = json_values.decode(json_values.encode_cells([["a", odd(**EVERYTHING)]]))
    (read,) = plain_cells(pd.Series([cell], dtype=object), integers=True)
    for value in (read, inside):
        with pytest.raises(InvalidValue, match="Odd cannot be read: RuntimeError") as caught:
            encode("tags", value)
        assert caught.value.code == "unreadable_value"


def test_long_integers_come_back_from_a_journal() -> None:
    """An integer of more digits than Python prints is the same after a process ended."""
    assert json_values.decode(json_values.encode_cells([10**5000, -(10**5000)])) == [10**5000, -(10**5000)]


def test_a_run_with_odd_cells_is_resumed(service: Emulator, tmp_path: Path) -> None:
    """A run that was interrupted with odd cells in its table is finished from its journal alone."""
    parts = [table("tags", cell, rows=2, at=1) for cell in (make() for make in MAKE.values())]
    # Column by column: `concat` of pandas 2.2 does not take a signaling NaN.
    cells = {name: [cell for part in parts for cell in part[name]] for name in parts[0]}
    columns = {name: np.empty(len(column), dtype=object) for name, column in cells.items()}
    for name, column in cells.items():
        for row, cell in enumerate(column):
            columns[name][row] = cell
    frame = pd.DataFrame(columns)

    def stop(label: Any, _result: ikpipe.Result) -> None:
        if label == 0:
            raise RuntimeError("stop here")

    journal = tmp_path / "run.ikjournal"
    with pytest.raises(ikpipe.UploadError):
        quiet(frame, service.account, journal=journal, concurrency=1, on_result=stop)
    results = ikpipe.resume(journal, service.account, progress=False)
    assert set(results["ik_status"][::2]) == {"uploaded"}
    unread = results["ik_error"] == "unreadable_value"
    direct = quiet(frame, service.account)["ik_error"] == "unreadable_value"
    assert unread.sum() >= direct.sum() - 1  # a long integer of a class is a plain one there
