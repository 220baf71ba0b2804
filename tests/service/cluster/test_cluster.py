"""Distributed uploads without an engine: a part that runs again, in this or another process."""

from __future__ import annotations

import json
import pickle
from typing import TYPE_CHECKING, Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pandas.testing import assert_frame_equal
from parts import gif, plan, stored, table

import ikpipe
from ikpipe import Policy
from ikpipe.request.result import RESULT_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ikpipe import Account
    from ikpipe.emulator import Emulator

MEASURED = ["ik_status", "ik_attempts", "ik_seconds", "ik_request_id"]


# A part and its results


def test_a_part_s_results_are_those_of_upload(account: Account) -> None:
    """Rows, columns and dtypes are the same, except nested values, which are JSON."""
    rows = table()
    results = plan(account)(rows)
    wanted = ikpipe.upload(rows, account, file_name="{sku}.gif", folder="/one/", progress=False)
    assert [*results] == [*wanted, "ik_extra"]
    assert set(results["ik_status"]) == {"uploaded"}
    assert_frame_equal(results[["sku", "file"]], rows)
    plain = [name for name, dtype in RESULT_COLUMNS.items() if dtype != "object"]
    assert dict(results[plain].dtypes) == dict(wanted[plain].dtypes)


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.DataFrame, pa.Table.from_pandas])
def test_a_part_without_rows_has_the_same_columns_and_dtypes(kind: Callable[..., Any], account: Account) -> None:
    """All parts have one schema, with rows (one of them invalid) and without."""
    rows = table(3).assign(tags=[["a"], [], None], isPrivateFile=["no", "no", "perhaps"])
    full, empty = plan(account)(kind(rows)), plan(account)(kind(rows)[:0])
    schemas = [part.schema if hasattr(part, "schema") else part.dtypes.to_dict() for part in (full, empty)]
    assert schemas[0] == schemas[1]
    assert len(empty) == 0


def test_a_part_keeps_its_index(account: Account) -> None:
    """The labels of the results are those of the rows."""
    rows = table(3).set_index(pd.Index(["x", "y", "z"], name="label"))
    assert plan(account)(rows).index.equals(rows.index)


def test_nested_results_are_json(emulate: Callable[..., Emulator]) -> None:
    """A schema cannot have objects; tags are JSON in pandas, which has no dtype for lists."""
    account = emulate().account
    rows = table(1).assign(**{"custom_metadata.brand": "x"})
    ikpipe.create_metadata_fields(rows, account, dry_run=False)
    results = plan(account, tags=["a", "b"], response_fields=["tags", "customMetadata"])(rows)
    assert json.loads(results["ik_tags"].iloc[0]) == ["a", "b"]
    assert json.loads(results["ik_custom_metadata"].iloc[0]) == {"brand": "x"}


def test_warnings_are_json_like_tags(account: Account) -> None:
    """A pandas frame has no dtype for lists."""
    results = plan(account)(table(1).assign(file_name=["a b.gif"]))
    assert ["a_b.gif" in warning for warning in json.loads(results["ik_warnings"].iloc[0])] == [True]
    assert results["ik_name"].iloc[0].startswith("a_b_")


# A part that runs again


def check_same_files(first: pd.DataFrame, second: pd.DataFrame) -> None:
    """Check that a part that ran again has the same details of the same files; a lookup adds some more."""
    same = [name for name in first.columns if name not in MEASURED and first[name].notna().any()]
    assert {"ik_file_id", "ik_url", "ik_width", "ik_size"} <= {*same}
    assert_frame_equal(first[same], second[same])


def test_a_part_that_is_done_again_stores_nothing_twice(emulate: Callable[..., Emulator]) -> None:
    """Each name is taken, so its file is looked up and its details are returned."""
    emulator = emulate()
    upload, rows = plan(emulator.account), table()
    first, second = upload(rows), upload(rows)
    assert set(second["ik_status"]) == {"exists"}
    check_same_files(first, second)
    assert stored(emulator) == 6


def test_rows_in_another_order_have_the_same_names(emulate: Callable[..., Emulator]) -> None:
    """A part with its rows in another order, as after a shuffle between machines, is the same part."""
    emulator = emulate()
    upload, rows = plan(emulator.account), table()
    first = upload(rows)
    second = upload(rows.iloc[::-1]).iloc[::-1]
    check_same_files(first, second)
    assert stored(emulator) == 6


def test_equal_rows_are_identified_by_their_count(emulate: Callable[..., Emulator]) -> None:
    """Two rows with the same file and name are two files, and the same two when the part runs again."""
    emulator = emulate()
    rows = pd.concat([table(2), table(2)], ignore_index=True)
    upload = plan(emulator.account)
    first, second = upload(rows), upload(rows)
    assert first["ik_file_id"].nunique() == 4
    check_same_files(first, second)


def test_equal_rows_are_counted_over_the_tables_of_a_part(emulate: Callable[..., Emulator]) -> None:
    """An engine can split a part into any number of tables."""
    emulator = emulate()
    upload = plan(emulator.account)
    first = pd.concat(upload.each([table(2), table(2)]))
    assert first["ik_file_id"].nunique() == 4
    second = upload(pd.concat([table(2), table(2)]))
    check_same_files(first, second)


@pytest.mark.parametrize("change", [{"file": gif(99)}, {"sku": "other"}])
def test_rows_are_identified_by_what_is_sent(change: dict[str, Any], emulate: Callable[..., Emulator]) -> None:
    """Without a key, a row with a changed file or name is a different row."""
    emulator = emulate()
    upload, rows = plan(emulator.account), table(1)
    first, second = upload(rows), upload(rows.assign(**{name: [cell] for name, cell in change.items()}))
    assert first["ik_file_id"].iloc[0] != second["ik_file_id"].iloc[0]


def test_a_column_that_is_not_sent_does_not_identify_rows(emulate: Callable[..., Emulator]) -> None:
    """A column of random numbers, which differ each time, does not change the rows."""
    emulator = emulate()
    upload, rows = plan(emulator.account), table(2)
    upload(rows.assign(chance=[0.1, 0.2]))
    assert set(upload(rows.assign(chance=[0.3, 0.4]))["ik_status"]) == {"exists"}


def test_a_key_alone_identifies_rows(emulate: Callable[..., Emulator]) -> None:
    """What is sent may differ each time, such as a description that contains the time."""
    emulator = emulate()
    upload, rows = plan(emulator.account, key="sku"), table(2)
    first = upload(rows.assign(description=["at ten", "at ten"]))
    second = upload(rows.assign(description=["at noon", "at noon"]))
    assert set(second["ik_status"]) == {"exists"}
    check_same_files(first, second.assign(description="at ten"))


def test_a_key_makes_two_files_of_equal_ones(emulate: Callable[..., Emulator]) -> None:
    """Rows with different keys are different files, also in different parts."""
    emulator = emulate()
    upload = plan(emulator.account, key="id", file_name="a.gif")
    for number in range(2):
        upload(pd.DataFrame({"id": [number], "file": [gif(1)]}))
    assert stored(emulator) == 2


def test_a_key_that_two_rows_have_is_a_problem_of_the_second(account: Account) -> None:
    """One of the two would be lost; the others are uploaded."""
    rows = table(3).assign(sku=["a", "a", "b"])
    results = plan(account, key="sku", file_name="{sku}.gif")(rows)
    assert [*results["ik_status"]] == ["uploaded", "invalid", "uploaded"]
    assert results["ik_error"].iloc[1] == "same_target"
    assert 'Another row has the same key, "a"' in results["ik_message"].iloc[1]


INDEXES: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "index": lambda rows: rows.set_index(pd.Index(rows["sku"].str.upper(), name="id")),
    "level": lambda rows: rows.set_index(
        pd.MultiIndex.from_arrays([range(len(rows)), rows["sku"].str.upper()], names=["at", "id"])
    ),
    "first_level": lambda rows: rows.set_index(
        pd.MultiIndex.from_arrays([rows["sku"].str.upper(), range(len(rows))], names=["id", "at"])
    ),
}


@pytest.mark.parametrize("place", INDEXES)
@pytest.mark.parametrize("journal", [False, True])
def test_a_key_can_be_a_level_of_the_index(
    place: str,
    journal: bool,  # noqa: FBT001
    emulate: Callable[..., Emulator],
    tmp_path: Path,
) -> None:
    """As after `set_index`; the rows are those that had the key in a column."""
    emulator = emulate()
    options: dict[str, Any] = {"key": "id", "run": "night", **({"journal": tmp_path} if journal else {})}
    first = plan(emulator.account, **options)(table(3).assign(id=table(3)["sku"].str.upper()))
    again = plan(emulator.account, **options)(INDEXES[place](table(3)))
    assert again["ik_name"].tolist() == first["ik_name"].tolist()
    assert stored(emulator) == 3


def test_a_level_that_is_a_number_is_the_same_key(emulate: Callable[..., Emulator]) -> None:
    """The text of a key counts, and a float index is one of integers."""
    emulator = emulate()
    upload = plan(emulator.account, key="id", run="night")
    upload(table(2).assign(id=[1, 2]))
    upload(table(2).set_index(pd.Index([1.0, 2.0], name="id")))
    assert stored(emulator) == 2


def test_a_column_comes_before_a_level(emulate: Callable[..., Emulator]) -> None:
    """As after `set_index("sku", drop=False)`."""
    emulator = emulate()
    upload = plan(emulator.account, key="sku", run="night")
    upload(table(2))
    upload(table(2).set_index(pd.Index(["x", "y"], name="sku")))
    assert stored(emulator) == 2


def test_a_level_without_a_label_is_a_problem_of_its_row(account: Account) -> None:
    """As a missing cell of a column is."""
    results = plan(account, key="id")(table(2).set_index(pd.Index(["x", None], name="id")))
    assert [*results["ik_status"]] == ["uploaded", "invalid"]


def test_a_row_without_its_key_is_a_problem(account: Account) -> None:
    """It could not be identified when its part runs again."""
    results = plan(account, key="id")(table(2).assign(id=["x", None]))
    assert [*results["ik_status"]] == ["uploaded", "invalid"]
    assert 'The key column "id" is empty' in results["ik_message"].iloc[1]


def test_a_file_is_the_same_in_any_folder(
    emulate: Callable[..., Emulator], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Machines can have the same files in different folders that the same `root` leads to."""
    emulator = emulate()
    upload = plan(emulator.account, root=".", file_name=None)
    for machine in ("one", "two"):
        (tmp_path / machine).mkdir()
        (tmp_path / machine / "a.gif").write_bytes(gif(1))
        monkeypatch.chdir(tmp_path / machine)
        upload(pd.DataFrame({"file": ["a.gif"]}))
    assert stored(emulator) == 1


@pytest.mark.parametrize("key", [None, "sku"])
def test_what_is_sent_of_a_row_depends_on_no_other_row(key: str | None, emulate: Callable[..., Emulator]) -> None:
    """Whole and fractional numbers of one column are sent the same, however rows are grouped into tables."""
    emulator = emulate()
    upload = plan(emulator.account, file_name="{sku}_{price}.gif", key=key)
    rows = table(4).assign(price=[10.0, 20.0, 12.5, 30.0])
    list(upload.each([rows[:2], rows[2:]]))
    rows = rows.iloc[[0, 2, 1, 3]]
    list(upload.each([rows[:2], rows[2:]]))
    assert stored(emulator) == 4


def test_a_target_that_two_tables_of_a_part_have_is_a_problem_of_the_second(account: Account) -> None:
    """The second row would replace the first, so it is invalid; the message names the first."""
    one, two = table(2), table(2).assign(file=[gif(8), gif(9)], sku=["s1", "s2"])
    *_, results = plan(account, use_unique_file_name=False).each([one, two])
    assert [*results["ik_status"]] == ["invalid", "uploaded"]
    assert 'Row 1 of its part already has the path "/part/s1.gif"' in results["ik_message"].iloc[0]


def test_another_run_has_names_of_its_own(emulate: Callable[..., Emulator]) -> None:
    """As with two calls of `upload`."""
    emulator = emulate()
    for _ in range(2):
        plan(emulator.account)(table(2))
    assert stored(emulator) == 4


def test_the_same_run_id_is_the_same_run(emulate: Callable[..., Emulator]) -> None:
    """A job that is started again, for example by a scheduler, stores nothing twice."""
    emulator = emulate()
    for _ in range(2):
        plan(emulator.account, run="nightly-2026-11-25")(table(2))
    assert stored(emulator) == 2


def test_a_fixed_name_that_may_not_be_replaced_is_recognized(emulate: Callable[..., Emulator]) -> None:
    """The name was free when the run started, so the file is of an earlier execution of this part."""
    emulator = emulate()
    upload = plan(emulator.account, use_unique_file_name=False, overwrite_file=False)
    first, second = upload(table(2)), upload(table(2))
    assert set(second["ik_status"]) == {"exists"}
    check_same_files(first, second)


def test_a_fixed_name_that_was_taken_before_the_run_is_refused(emulate: Callable[..., Emulator]) -> None:
    """That file belongs to something else, even if it has the same size."""
    emulator = emulate()
    fixed: dict[str, Any] = {"use_unique_file_name": False, "overwrite_file": False}
    ikpipe.upload(table(2), emulator.account, file_name="{sku}.gif", folder="/part/", progress=False, **fixed)
    policy = Policy(index_lag=0.1, first_wait=0.01, clock_skew=0)
    results = plan(emulator.account, policy=policy, **fixed)(table(2))
    assert [*results["ik_error"]] == ["name_taken"] * 2


# Shares of the limits


def test_the_rate_is_kept_over_short_parts(emulate: Callable[..., Emulator]) -> None:
    """Parts of one row each, one after another, are as far apart as the rows of one part."""
    emulator = emulate()
    upload = plan(emulator.account, rate=10.0)
    for row in range(4):
        upload(table(4).iloc[[row]])
    times = [entry["time"] for entry in emulator.log()]
    assert 0.29 < times[-1] - times[0] < 30


def test_limits_of_the_upload_are_shared(account: Account) -> None:
    """Each of four parts has a quarter of concurrency, rate and lookups."""
    shared = plan(account, slots=4, concurrency=64, rate=10.0, policy=Policy(look_ups=20.0)).part_options()
    assert (shared["concurrency"], shared["rate"], shared["policy"].look_ups) == (16, 2.5, 5.0)


def test_fewer_uploads_than_parts_are_refused(account: Account) -> None:
    """Each part needs at least one."""
    with pytest.raises(ikpipe.MappingError, match="concurrency=2 is less than slots=3"):
        plan(account, slots=3, concurrency=2)(table(1))


# Changed rows, without a journal


def test_a_file_of_another_size_is_not_the_row_s(emulate: Callable[..., Emulator]) -> None:
    """The run and key are the same and the bytes differ, so the stored file is not the row's."""
    emulator = emulate()
    upload = plan(emulator.account, run="night", key="sku")
    upload(table(2))
    results = upload(table(2).assign(file=[gif(0) + b"more", gif(1)]))
    assert [*results["ik_status"]] == ["failed", "exists"]
    assert results["ik_error"].iloc[0] == "name_taken"
    assert results["ik_file_id"].isna().tolist() == [True, False]


@pytest.mark.parametrize("key", ["sku", None])
def test_another_file_with_a_row_s_name_is_not_the_row_s(key: str | None, emulate: Callable[..., Emulator]) -> None:
    """Its size differs, so the row fails with the reason."""
    first, second = emulate(), emulate()
    (name,) = plan(first.account, run="night", key=key)(table(1))["ik_name"]
    ikpipe.upload_file(gif(9) + b"more", second.account, file_name=name, folder="/part/", use_unique_file_name=False)
    results = plan(second.account, run="night", key=key)(table(1))
    assert [*results["ik_status"]] == ["failed"]
    assert [*results["ik_error"]] == ["name_taken"]
    assert "Another file has the name that was made for this row" in results["ik_message"].iloc[0]
    assert results["ik_file_id"].isna().all()
    assert stored(second) == 1


# Secrets


def test_the_key_is_not_pickled(account: Account) -> None:
    """It is neither in the pickle nor in the repr."""
    upload = plan(account)
    assert account.private_key is not None
    assert account.private_key.encode() not in pickle.dumps(upload)
    assert account.private_key not in repr(upload)


# Invalid options


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"slots": 0}, "slots=0"),
        ({"policy": Policy(unique_names="service")}, "would store its files again"),
        ({"concurrency": 0}, "concurrency=0"),
        ({"fetch": "nobody"}, "fetch='nobody'"),
        ({"run": 20261125}, "run=20261125: the run's id must be text"),
    ],
)
def test_invalid_options_are_refused_at_once(options: dict[str, Any], words: str, account: Account) -> None:
    """Before any machine starts."""
    with pytest.raises(ikpipe.MappingError, match=words):
        plan(account, **options)


def test_a_key_is_one_column(account: Account) -> None:
    """If two columns have the name, the key is ambiguous."""
    twice = table(1)[["sku", "file"]].assign(other="x").set_axis(["sku", "file", "sku"], axis=1)
    with pytest.raises(ikpipe.MappingError, match="key='sku': the frame has 2 columns with this name"):
        plan(account, key="sku", file_name="x.gif")(twice)


def test_a_key_is_one_level(account: Account) -> None:
    """If two levels have the name, the key is ambiguous."""
    rows = table(1).set_index(pd.MultiIndex.from_tuples([("x", "y")], names=["id", "id"]))
    with pytest.raises(ikpipe.MappingError, match="key='id': the frame's index has 2 levels with this name"):
        plan(account, key="id")(rows)


def test_a_list_of_keys_is_refused(account: Account) -> None:
    """With a clear error, before anything else fails because of it."""
    with pytest.raises(ikpipe.MappingError, match="the frame has no such column or index level"):
        plan(account, key=["sku"]).empty(table(0))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"key": "skus"}, "did you mean 'sku'"),
        ({"key": "shops"}, "no such column or index level .did you mean 'shop'"),
        ({"file_name": "{sk}.gif"}, "did you mean 'sku'"),
    ],
)
def test_missing_columns_are_named(options: dict[str, Any], words: str, account: Account) -> None:
    """From the columns alone, without any row."""
    with pytest.raises(ikpipe.MappingError, match=words):
        plan(account, **options).empty(table(0).set_index(pd.Index([], name="shop")))


def test_a_root_that_this_machine_does_not_have_is_named(account: Account, tmp_path: Path) -> None:
    """The machine that prepares the upload need not have the folder; the one that sends does."""
    upload = plan(account, root=tmp_path / "none")
    with pytest.raises(ikpipe.MappingError, match="is not a folder that this user can open on the machine"):
        upload(table(1))
