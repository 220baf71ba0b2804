"""A frame goes up to the emulator, and its answers come back as a frame."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from doubles import RawServer, answering, silent, stored, uploads_of
from rows import at, blobs, quiet, sha

import ikpipe
from ikpipe.request.result import RESULT_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ikpipe import Account
    from ikpipe.emulator import Emulator

    Arrived = Callable[[], list[dict[str, Any]]]
    Picture = Callable[..., bytes]


# The results frame


def test_answers_stand_beside_their_rows(account: Account, picture: Picture) -> None:
    """Each row has the answer to its own file."""
    frame = blobs(*(picture(n, size=(n + 1, 2)) for n in range(5)))
    results = quiet(frame, account, file_name="a.png")
    assert results["ik_status"].tolist() == ["uploaded"] * 5
    assert results["ik_width"].tolist() == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    "index",
    [
        pd.Index([7, 7, -1]),
        pd.Index(["b", "a", "b"], name="sku"),
        pd.MultiIndex.from_tuples([("x", 1), ("x", 2), ("x", 1)], names=["shop", "row"]),
        pd.date_range("2026-01-01", periods=3),
        pd.CategoricalIndex(["l", "s", "l"]),
    ],
    ids=["duplicates", "text", "levels", "dates", "categories"],
)
def test_index_is_kept(index: pd.Index[Any], account: Account) -> None:
    """Results have the very index of the input, duplicate labels and levels included."""
    results = quiet(blobs(b"0", b"1", b"2").set_axis(index), account, file_name="a.bin")
    pd.testing.assert_index_equal(results.index, index)
    assert results["ik_size"].tolist() == [1, 1, 1]


def test_results_have_all_columns_and_dtypes(account: Account) -> None:
    """Results have the input's columns, then every `ik_` column with its dtype."""
    results = quiet(blobs(b"1", sku=[4]), account, file_name="a.bin")
    assert list(results) == ["file", "sku", *RESULT_COLUMNS]
    assert {column: str(results[column].dtype) for column in RESULT_COLUMNS} == RESULT_COLUMNS


def test_an_empty_frame_is_answered_by_an_empty_one(account: Account, arrived: Arrived) -> None:
    """No rows: no request, and all columns with their dtypes."""
    results = quiet(pd.DataFrame({"file": pd.Series([], dtype="string")}), account)
    assert (len(results), arrived()) == (0, [])
    assert {column: str(results[column].dtype) for column in RESULT_COLUMNS} == RESULT_COLUMNS


def test_input_is_never_changed(account: Account) -> None:
    """The frame that was given is equal to itself before, its attrs too."""
    frame = blobs(b"1", b"", tags=[["a"], None])
    frame.attrs["origin"] = {"sheet": 3}
    before = frame.copy(deep=True)
    results = quiet(frame, account, file_name="a.bin")
    pd.testing.assert_frame_equal(frame, before)
    assert (frame.attrs, results.attrs["origin"]) == ({"origin": {"sheet": 3}}, {"sheet": 3})


def test_old_answers_are_replaced(account: Account) -> None:
    """Columns of the results' names in the input give way to the new answers."""
    results = quiet(blobs(b"1", ik_status=["failed"], ik_extra=["old"]), account, file_name="a.bin")
    assert results["ik_status"].tolist() == ["uploaded"]
    assert "ik_extra" not in results


@pytest.mark.parametrize("dtype", ["string", "category", "object", "str", "string[pyarrow]"])
def test_text_of_every_dtype_is_read(dtype: str, account: Account, arrived: Arrived) -> None:
    """Whatever pandas keeps text in, the same text is sent, and made unique before its ending."""
    frame = pd.DataFrame({"file": ["data:;base64,YQ=="] * 2, "sku": pd.Series(["ä1", "ä1"], dtype=dtype)})
    quiet(frame, account, file_name="{sku}.bin")
    names = {entry["fields"]["fileName"] for entry in arrived()}
    assert len(names) == 2
    assert all(name.startswith("ä1_") and name.endswith(".bin") for name in names)


def test_unknown_response_fields_are_kept(account: Account) -> None:
    """A response field that nobody knows lands in `ik_extra`."""
    with RawServer(answering(200, {**stored(), "colourSpace": "srgb"})) as server:
        results = quiet(blobs(b"abc"), at(account, server.url), file_name="a.jpg")
    assert results["ik_extra"].tolist() == [{"colourSpace": "srgb"}]


def test_summary_says_how_the_run_went(account: Account) -> None:
    """`attrs` has counts by status, bytes and rows."""
    summary = quiet(blobs(b"12345", b"1", tags=[None, "%"]), account, file_name="a.bin").attrs["ikpipe"]
    assert summary["counts"] == {"uploaded": 1, "invalid": 1}
    assert (summary["rows"], summary["bytes"], summary["interrupted"]) == (2, 5, False)


# Many rows


def test_a_thousand_rows_at_concurrency_64(emulate: Callable[..., Emulator]) -> None:
    """1,000 rows: all up, no more than 64 in flight, and no token used twice."""
    emulator = emulate()
    frame = blobs(*(f"{n:06}".encode() for n in range(1000)))
    results = quiet(frame, emulator.account, file_name="a.bin", concurrency=64)
    uploads = uploads_of(emulator)
    assert results["ik_status"].eq("uploaded").all()
    assert results["ik_file_id"].nunique() == len({entry["token"] for entry in uploads}) == len(uploads) == 1000
    assert emulator.peak <= 64
    assert {entry["file"]["sha256"] for entry in uploads} == {sha(content) for content in frame["file"]}


def test_concurrency_64_is_reached(emulate: Callable[..., Emulator]) -> None:
    """Where each upload takes its time, 64 are in flight at once."""
    emulator = emulate(faults={"slow": 1}, fault_slow=3)
    quiet(blobs(*(f"{n:06}".encode() for n in range(64))), emulator.account, file_name="a.bin", concurrency=64)
    assert emulator.peak == 64


def test_failing_rows_do_not_disturb_others(account: Account) -> None:
    """Rows that break a rule here, and rows that the service refuses, end alone."""
    frame = blobs(
        *[b"x"] * 6,
        tags=["a", "100%", "a", "a", "a", "a"],
        checks=[None, None, '"request.folder" : "b/"', None, "what?", None],
    )
    results = quiet(frame, account, file_name="a.bin", folder="/a")
    assert results["ik_error"].fillna("up").tolist() == [
        "up",
        "bad_character",
        "checks_failed",
        "up",
        "bad_checks",
        "up",
    ]


@pytest.mark.parametrize(
    "option", [{"concurrency": 0}, {"rate": 0}, {"retries": -1}, {"on_unknown": "ask"}, {"on_error": "stop"}]
)
def test_an_option_out_of_range_is_an_error(option: dict[str, Any], account: Account, arrived: Arrived) -> None:
    """No workers, or no rate at all, would quietly send nothing: the error names the option, and nothing is sent."""
    with pytest.raises(ikpipe.MappingError, match=next(iter(option))):
        quiet(blobs(b"x"), account, file_name="a", **option)
    assert arrived() == []


def test_a_callback_s_bug_loses_no_answer(account: Account) -> None:
    """What `on_result` raises stops the run; the error has it as its cause, and all the answers that are there."""

    def buggy(_label: object, _result: ikpipe.Result) -> None:
        raise LookupError("a bug")

    with pytest.raises(ikpipe.UploadError) as caught:
        quiet(blobs(b"1", b"2"), account, file_name="a", concurrency=1, on_result=buggy)
    assert isinstance(caught.value.__cause__, LookupError)
    assert caught.value.results is not None
    assert caught.value.results["ik_status"].tolist() == ["uploaded", "cancelled"]


def test_rate_spaces_the_uploads(emulate: Callable[..., Emulator]) -> None:
    """`rate=` begins no more uploads in a second than it says."""
    emulator = emulate()
    quiet(blobs(*[b"x"] * 6), emulator.account, file_name="a", rate=10)
    times = [entry["time"] for entry in uploads_of(emulator)]
    assert 5 / 10 - 0.2 <= times[-1] - times[0] < 30  # the first may be long on its way


def test_a_run_ends_with_its_last_row_at_any_rate(account: Account) -> None:
    """A slow `rate` does not hold a run up once no row is left."""
    results = quiet(blobs(b"x"), account, file_name="a", rate=0.01, timeout=5)
    assert results.attrs["ikpipe"]["seconds"] < 5


def test_results_and_progress_are_told_as_they_come(account: Account) -> None:
    """`on_result` hears of each row under its label, and `progress` counts up to all of them."""
    heard: dict[str, str] = {}
    seen: list[tuple[int, int, int]] = []
    frame = blobs(b"12", b"345", tags=["a", "%"]).set_axis(["x", "y"])
    ikpipe.upload(
        frame,
        account,
        file_name="a",
        on_result=lambda label, result: heard.update({label: result.status}),
        progress=lambda progress: seen.append((progress.done, progress.rows, progress.bytes)),
    )
    assert heard == {"x": "uploaded", "y": "invalid"}
    assert (seen[-1], sorted(seen)) == ((2, 2, 2), seen)


# Who calls


def test_upload_works_where_a_loop_runs_already(account: Account) -> None:
    """In a notebook's cell, a loop runs already: the blocking call works there too."""

    async def cell() -> pd.DataFrame:
        return quiet(blobs(b"1"), account, file_name="a")

    assert asyncio.run(cell())["ik_status"].tolist() == ["uploaded"]


def test_aupload_leaves_the_caller_s_loop_free(account: Account) -> None:
    """`await aupload` is a coroutine among others: they go on meanwhile."""

    async def both() -> tuple[pd.DataFrame, list[int]]:
        ticks: list[int] = []

        async def tick() -> None:
            while True:
                ticks.append(len(ticks))
                await asyncio.sleep(0)

        other = asyncio.create_task(tick())
        results = await ikpipe.aupload(blobs(b"1", b"2"), account, file_name="a", progress=False)
        other.cancel()
        return results, ticks

    results, ticks = asyncio.run(both())
    assert results["ik_status"].tolist() == ["uploaded"] * 2
    assert len(ticks) > 2


def test_cancelling_aupload_cancels_it(account: Account) -> None:
    """A task that awaits `aupload` can be cancelled like any other."""

    async def cancelled() -> None:
        await asyncio.wait_for(ikpipe.aupload(blobs(b"1"), at(account, server.url), file_name="a"), 0.2)

    with RawServer(silent) as server, pytest.raises(TimeoutError):
        asyncio.run(cancelled())


def test_one_file_gives_one_result(account: Account, tmp_path: Path) -> None:
    """`upload_file` gives a `Result`, whether the file is up or not."""
    (tmp_path / "a.txt").write_bytes(b"one")
    result = ikpipe.upload_file(tmp_path / "a.txt", account, tags=["x"], use_unique_file_name=False)
    assert (result.status, result.name, result.size, result.tags) == ("uploaded", "a.txt", 3, ["x"])
    assert ikpipe.upload_file(b"1", account).error == "missing_name"


def test_one_file_from_async_code(account: Account) -> None:
    """`await aupload_file` does the same."""
    result = asyncio.run(ikpipe.aupload_file(b"12", account, file_name="a.bin"))
    assert (result.status, result.size) == ("uploaded", 2)
