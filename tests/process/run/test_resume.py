"""Finishing a run that was cut off, from its journal; and a second run that does only what is left."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from crashing import SWIFT, killed, table
from doubles import remote, signing, uploads_of
from history import UP, sent_again, violations
from rows import quiet

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ikpipe import Account
    from ikpipe.emulator import Emulator

OPTIONS: dict[str, Any] = {"file_name": "{sku}.gif", "folder": "/again/", "concurrency": 4, "policy": SWIFT}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give a place for a journal."""
    return tmp_path / "run.ikjournal"


def resume(path: Path, account: Account, **options: Any) -> pd.DataFrame:
    """Resume without drawing."""
    return ikpipe.resume(path, account, progress=False, **options)


def interrupted(path: Path, emulator: Emulator, after: int = 5) -> pd.DataFrame:
    """Run a table of twenty, and stop it when some rows are up."""
    stop = threading.Event()
    ended: list[Any] = []

    def see(label: Any, _result: ikpipe.Result) -> None:
        ended.append(label)
        if len(ended) == after:
            stop.set()
            raise InterruptedError

    with pytest.raises(ikpipe.UploadError) as caught:
        quiet(table(20), emulator.account, journal=path, on_result=see, **OPTIONS)
    results: pd.DataFrame = caught.value.results
    return results


# From its journal alone


def test_the_rest_is_sent(emulate: Callable[..., Emulator], path: Path) -> None:
    """Rows that are up stay as they are, the others go up, and the whole frame comes back, index and all."""
    emulator = emulate()
    first = interrupted(path, emulator)
    before = first.loc[first["ik_status"] == "uploaded", "ik_file_id"]
    results = resume(path, emulator.account)
    assert set(results["ik_status"]) <= UP
    assert violations(emulator, results) == []
    assert results.loc[before.index, "ik_file_id"].tolist() == before.tolist() != []
    pd.testing.assert_frame_equal(results[["file", "sku"]], table(20))


def test_it_is_the_same_run(emulate: Callable[..., Emulator], path: Path) -> None:
    """Run id, journal and mapping are those of the run that was cut off."""
    emulator = emulate()
    first = interrupted(path, emulator).attrs["ikpipe"]
    again = resume(path, emulator.account).attrs["ikpipe"]
    assert [first[name] for name in ("run", "journal", "mapping")] == [
        again[name] for name in ("run", "journal", "mapping")
    ]


def test_a_frame_comes_back_as_it_was(emulate: Callable[..., Emulator], path: Path) -> None:
    """Index, dtypes, labels, attrs: a run that is resumed gives what it would have given."""
    emulator = emulate()
    frame = pd.DataFrame(
        {"file": [b"1", b"2"], "price": [1.5, None], "when": pd.to_datetime(["2026-01-02", None]), "n": [1, 2]},
        index=pd.Index(["a", "b"], name="sku"),
    ).astype({"n": "Int64"})
    frame.attrs["source"] = "warehouse"
    killed(ikpipe.upload, "after a body", 1, frame, emulator.account, journal=path, file_name="{n}", policy=SWIFT)
    results = resume(path, emulator.account)
    pd.testing.assert_frame_equal(results[frame.columns], frame)
    assert results.attrs["source"] == "warehouse"


def test_a_run_that_is_done_is_left_alone(emulate: Callable[..., Emulator], path: Path) -> None:
    """Resumed, it gives its results once more, and sends nothing."""
    emulator = emulate()
    first = quiet(table(3), emulator.account, journal=path, **OPTIONS)
    again = resume(path, emulator.account)
    pd.testing.assert_frame_equal(again, first)
    assert len(uploads_of(emulator)) == 3


def test_an_intent_of_which_nothing_left_is_sent(emulate: Callable[..., Emulator], path: Path) -> None:
    """A process that died before the first byte: the token that its journal has goes out, once."""
    emulator = emulate()
    assert killed(ikpipe.upload, "before a request", 1, table(1), emulator.account, journal=path, **OPTIONS)
    results = resume(path, emulator.account)
    assert (results["ik_status"].tolist(), len(uploads_of(emulator))) == (["uploaded"], 1)


def test_what_was_stored_unseen_is_found(emulate: Callable[..., Emulator], path: Path) -> None:
    """A process that died before it had read the answer: the row is `exists`, with its details."""
    emulator = emulate()
    assert killed(ikpipe.upload, "after a reply", 1, table(1), emulator.account, journal=path, **OPTIONS)
    results = resume(path, emulator.account)
    assert results["ik_status"].tolist() == ["exists"]
    assert violations(emulator, results) == []
    assert [entry["stored"] for entry in uploads_of(emulator)] == [True, False]


def test_the_same_token_goes_out_again(emulate: Callable[..., Emulator], path: Path) -> None:
    """It is signed once more, to the letter, without having been in the journal."""
    emulator = emulate()
    assert killed(ikpipe.upload, "after a reply", 1, table(1), emulator.account, journal=path, **OPTIONS)
    resume(path, emulator.account)
    assert len({entry["token"] for entry in uploads_of(emulator)}) == 1


def test_without_the_key_the_token_is_in_the_journal(emulate: Callable[..., Emulator], path: Path) -> None:
    """Where another machine signs, a row that was sent but not stored is settled by the very same token."""
    emulator = emulate()
    with signing(str(emulator.private_key)) as signer:
        account = ikpipe.Account(
            emulator.public_key,
            authentication_endpoint=signer.url,
            upload_url=emulator.upload_url,
            api_url=emulator.url,
        )
        assert killed(ikpipe.upload, "before a request", 1, table(1), account, journal=path, **OPTIONS)
        assert killed(ikpipe.resume, "after a reply", 1, path, account)
        results = resume(path, account)
    assert (len(signer.asked), results["ik_status"].tolist()) == (1, ["unknown"])
    assert len({entry["token"] for entry in uploads_of(emulator)}) == 1
    again = ikpipe.retry(results, emulator.account, progress=False, policy=SWIFT)
    assert again["ik_status"].tolist() == ["exists"]


def test_a_file_that_is_gone_is_looked_for_all_the_same(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """A row in doubt whose local file was removed since is `exists` if it is stored, and invalid if it is not."""
    emulator = emulate()
    frame = pd.DataFrame({"file": ["a.gif", "b.gif"]})
    for name in frame["file"]:
        (tmp_path / name).write_bytes(b"GIF89a " + name.encode())
    options = {"root": str(tmp_path), "concurrency": 1, "policy": SWIFT}
    killed(ikpipe.upload, "after a reply", 1, frame, emulator.account, journal=tmp_path / "run", **options)
    for name in frame["file"]:
        (tmp_path / name).unlink()
    results = resume(tmp_path / "run", emulator.account)
    assert results["ik_status"].tolist() == ["exists", "invalid"]


def test_a_file_that_has_changed_is_looked_for_as_it_was(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """What was sent is looked for by its own size; if it is absent, the file goes up as it is now."""
    emulator = emulate()
    frame = pd.DataFrame({"file": ["a.gif", "b.gif"]})
    for name in frame["file"]:
        (tmp_path / name).write_bytes(b"GIF89a " + name.encode())
    options = {"root": str(tmp_path), "concurrency": 1, "policy": SWIFT}
    for step in ("after a reply", "before a request"):
        path = tmp_path / step
        assert killed(ikpipe.upload, step, 1, frame[:1], emulator.account, journal=path, **options)
    (tmp_path / "a.gif").write_bytes(b"GIF89a longer than before")
    stored_before = resume(tmp_path / "after a reply", emulator.account)
    absent_before = resume(tmp_path / "before a request", emulator.account)
    assert (stored_before["ik_status"][0], absent_before["ik_status"][0]) == ("exists", "uploaded")
    assert (stored_before["ik_size"][0], absent_before["ik_size"][0]) == (12, 25)


def test_it_goes_on_as_it_was_begun(emulate: Callable[..., Emulator], path: Path) -> None:
    """Concurrency, rate and the like are those of the run, unless something else is said."""
    emulator = emulate(faults={"slow": 1}, fault_slow=0.05)
    killed(ikpipe.upload, "before a request", 1, table(12), emulator.account, journal=path, **OPTIONS)
    resume(path, emulator.account)
    assert emulator.peak == 4


def test_something_else_can_be_said(emulate: Callable[..., Emulator], path: Path) -> None:
    """For what is left."""
    emulator = emulate(faults={"slow": 1}, fault_slow=0.05)
    killed(ikpipe.upload, "before a request", 1, table(12), emulator.account, journal=path, **OPTIONS)
    resume(path, emulator.account, concurrency=2)
    assert emulator.peak == 2


def test_another_accounts_run(emulate: Callable[..., Emulator], path: Path) -> None:
    """Its tokens and names would be others: it is refused, and the account that it needs is named."""
    emulator = emulate()
    quiet(table(1), emulator.account, journal=path, **OPTIONS)
    with pytest.raises(ikpipe.JournalError, match=emulator.public_key):
        resume(path, ikpipe.Account("public_other", "private_other"))


def test_a_run_that_is_not_there(path: Path, emulate: Callable[..., Emulator]) -> None:
    """Whoever misses a journal is told which runs can be resumed."""
    emulator = emulate()
    killed(ikpipe.upload, "after a body", 1, table(1), emulator.account, **OPTIONS)
    with pytest.raises(ikpipe.JournalError, match=r"no journal .*can be resumed: .*\.ikjournal"):
        resume(path, emulator.account)


# Once more with the same journal


def test_a_second_run_does_only_what_is_left(emulate: Callable[..., Emulator], path: Path) -> None:
    """The same call again goes on with its journal: a nightly job need not know whether it was cut off."""
    emulator = emulate()
    assert killed(ikpipe.upload, "after a reply", 9, table(20), emulator.account, journal=path, **OPTIONS)
    results = quiet(table(20), emulator.account, journal=path, **OPTIONS)
    assert violations(emulator, results) == []
    assert set(results["ik_status"]) <= UP
    assert sent_again(emulator) <= 4


@pytest.mark.parametrize("other", ["rows", "mapping"])
def test_another_run_does_not_take_it(other: str, emulate: Callable[..., Emulator], path: Path) -> None:
    """The journal of an interrupted run is left as it is for other rows or another mapping, and nothing is sent."""
    emulator = emulate()
    options = {**OPTIONS, "concurrency": 1}
    assert killed(ikpipe.upload, "after a reply", 1, table(2), emulator.account, journal=path, **options)
    before = len(uploads_of(emulator))
    frame, changed = (table(3), {}) if other == "rows" else (table(2), {"tags": "new"})
    with pytest.raises(ikpipe.JournalError, match="belongs to another run"):
        quiet(frame, emulator.account, journal=path, **OPTIONS, **changed)
    assert len(uploads_of(emulator)) == before


# Retries have journals too


def test_a_retry_that_was_cut_off_is_resumed(emulate: Callable[..., Emulator], path: Path) -> None:
    """What the retry was to do is in its own journal; rows that were up before stay."""
    emulator = emulate()
    first = quiet(table(6), emulator.account, **OPTIONS)
    first.loc[[1, 3], "ik_status"] = "failed"
    first.loc[[1, 3], "ik_file_path"] = pd.NA
    assert killed(ikpipe.retry, "after a reply", 1, first, emulator.account, journal=path, policy=SWIFT, concurrency=1)
    results = resume(path, emulator.account)
    assert results["ik_status"].tolist() == ["uploaded", "exists", "uploaded", "uploaded", "uploaded", "uploaded"]
    assert len(uploads_of(emulator)) == 6 + 3


@pytest.mark.parametrize("kept", [True, False])
def test_a_retry_asks_the_journal_of_its_run(emulate: Callable[..., Emulator], path: Path, *, kept: bool) -> None:
    """Only the journal knows since when a replaced file may be there: without it, it is sent once more."""
    emulator = emulate(faults={"store-then-cut": 1})
    with remote(emulator) as account:
        options = {**OPTIONS, "use_unique_file_name": False, "retries": 0}
        blind = quiet(table(1), account, journal=path, **options)
    assert blind["ik_status"].tolist() == ["unknown"]
    if not kept:
        path.unlink()
    again = ikpipe.retry(blind, emulator.account, progress=False, policy=SWIFT)
    stored = [entry for entry in uploads_of(emulator) if entry["stored"]]
    assert (again["ik_status"].tolist(), len(stored)) == (["exists"], 1 if kept else 2)
