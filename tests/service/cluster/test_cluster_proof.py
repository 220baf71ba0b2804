"""Shared journals prove who wrote them, since others may be able to write to the folder."""

from __future__ import annotations

import json
import pickle
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from doubles import remote, uploads_of
from parts import anew, gif, plan, table

import ikpipe
from ikpipe import cluster

if TYPE_CHECKING:
    from collections.abc import Callable

    from ikpipe import Account
    from ikpipe.emulator import Emulator

EARLIER = Path(__file__).parents[2] / "data" / "journals" / "shared"
KEYS = {"public_key": "public_fixture", "private_key": "private_fixture"}
FIXED: dict[str, Any] = {"file_name": "{sku}.gif", "folder": "/fixture/", "use_unique_file_name": False}


def entries(folder: Path) -> Path:
    """Return the file of a journal that has a result."""
    (file,) = [path for path in folder.glob("rows/*/*.jsonl") if b'"ended"' in path.read_bytes()]
    return file


def rewrite(path: Path, change: Callable[[list[Any]], Any]) -> None:
    """Change each entry of a file."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        change(line)
    path.write_text("\n".join(map(json.dumps, lines)))


# The run


@pytest.mark.parametrize("change", [{"run": "other"}, {"since": 0.0}, {"proof": "00"}])
def test_a_run_that_was_changed_is_refused(change: dict[str, Any], account: Account, tmp_path: Path) -> None:
    """Names are derived from its id, and files are recognized by the time when it started."""
    plan(account, journal=tmp_path)
    run = tmp_path / "run.json"
    run.write_text(json.dumps({**json.loads(run.read_text()), **change}))
    before = run.read_bytes()
    with pytest.raises(ikpipe.JournalError, match="pass trust_journal=True"):
        plan(account, journal=tmp_path)
    assert run.read_bytes() == before
    assert plan(account, journal=tmp_path, trust_journal=True).run == json.loads(before)["run"]


def test_a_run_of_another_private_key_is_refused(account: Account, tmp_path: Path) -> None:
    """Unless `trust_journal` is set."""
    first = plan(account, journal=tmp_path)
    rotated = replace(account, private_key="private_new")
    with pytest.raises(ikpipe.JournalError, match="another private key"):
        plan(rotated, journal=tmp_path)
    assert plan(rotated, journal=tmp_path, trust_journal=True).run == first.run


def test_a_run_of_another_public_key_is_refused(account: Account, tmp_path: Path) -> None:
    """Even with `trust_journal`."""
    plan(account, journal=tmp_path)
    with pytest.raises(ikpipe.JournalError, match="its public_key differs"):
        plan(replace(account, public_key="public_other"), journal=tmp_path, trust_journal=True)


def test_an_invalid_run_file_is_refused(account: Account, tmp_path: Path) -> None:
    """It stays unchanged, since it may belong to something else."""
    for text in ("[]", '{"run": 1}', "7", '{"proof": []}', ""):
        (tmp_path / "run.json").write_text(text)
        with pytest.raises(ikpipe.JournalError, match=r"run\.json is damaged"):
            plan(account, journal=tmp_path, trust_journal=True)
        assert (tmp_path / "run.json").read_text() == text


# Results of rows


def test_changed_results_are_refused(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """The error names the file; nothing is sent."""
    emulator = emulate()
    upload = plan(emulator.account, journal=tmp_path)
    upload(table(2))
    rewrite(entries(tmp_path), lambda line: line.__setitem__(3, line[3].replace("127.0.0.1", "evil.example")))
    before = len(emulator.log())
    with pytest.raises(ikpipe.JournalError, match=f"{entries(tmp_path)} was written"):
        anew(upload)(table(2))
    assert len(emulator.log()) == before


def test_entries_are_valid_in_their_own_place_only(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """Not in another file or another order."""
    upload = plan(emulate().account, journal=tmp_path)
    upload(table(2))
    written = entries(tmp_path)
    content = written.read_bytes()
    copy = written.with_name(written.name.replace("-000000", "-000001"))
    shutil.copy(written, copy)
    with pytest.raises(ikpipe.JournalError, match="pass trust_journal=True"):
        anew(upload)(table(2))
    copy.unlink()
    written.write_bytes(b"\n".join(reversed(content.split(b"\n"))))
    with pytest.raises(ikpipe.JournalError, match="pass trust_journal=True"):
        anew(upload)(table(2))


def test_entries_of_another_run_are_refused(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """Even of the same account and the same rows."""
    emulator = emulate()
    one, two = (plan(emulator.account, journal=tmp_path / run, run=run) for run in ("one", "two"))
    one(table(2)), two(table(2))
    shutil.copy(entries(tmp_path / "one"), entries(tmp_path / "two"))
    with pytest.raises(ikpipe.JournalError, match="pass trust_journal=True"):
        anew(two)(table(2))


def test_entries_of_a_replaced_key_can_be_trusted(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """By the workers."""
    old = emulate(public_key="public_same", private_key="private_old")
    new = emulate(public_key="public_same", private_key="private_new")
    plan(old.account, journal=tmp_path)(table(2))
    results = plan(new.account, journal=tmp_path, trust_journal=True)(table(2))
    assert (set(results["ik_status"]), uploads_of(new)) == ({"uploaded"}, [])


def test_an_invalid_position_is_damage(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """Also with `trust_journal`."""
    upload = plan(emulate().account, journal=tmp_path, trust_journal=True)
    upload(table(2))
    rewrite(entries(tmp_path), lambda line: line.__setitem__(2, "0"))
    with pytest.raises(ikpipe.JournalError, match="is damaged"):
        anew(upload)(table(2))


@pytest.mark.parametrize("content", ["none", "its own"])
def test_parameters_are_never_taken_from_entries(
    content: str, emulate: Callable[..., Emulator], tmp_path: Path
) -> None:
    """An unknown row is not searched for under the parameters of an entry, with or without a hash: it is sent."""
    emulator = emulate(faults={"store-then-cut": 1.0})
    options: dict[str, Any] = {"key": "sku", "journal": tmp_path, "use_unique_file_name": False, "retries": 0}
    hidden = replace(emulator.account, api_url="http://127.0.0.1:9")  # no lookup is possible, so each row stays unknown
    assert [*plan(hidden, **options)(table(1))["ik_status"]] == ["unknown"]
    emulator.faults.rates.clear()

    def forge(line: list[Any]) -> None:
        if line[2] == "prepared":
            line[3] = json.dumps({**json.loads(line[3]), "folder": "/evil/"})
        line[-2] = None if content == "none" else line[-2]

    for path in tmp_path.glob("rows/*/*.jsonl"):
        rewrite(path, forge)
    ikpipe.upload_file(gif(0), emulator.account, file_name="s0.gif", folder="/evil/", use_unique_file_name=False)
    results = plan(emulator.account, trust_journal=True, **options)(table(1))
    assert [*results["ik_file_path"]] == ["/part/s0.gif"]
    assert [*results["ik_status"]] == ["uploaded"]


# The key of the proof


def test_the_proof_is_not_pickled_if_workers_have_the_key(account: Account, tmp_path: Path) -> None:
    """They derive it from the private key."""
    upload = plan(account, journal=tmp_path)
    assert upload.proof is None
    assert str(account.private_key).encode() not in pickle.dumps(upload)


def test_without_a_private_key_the_proof_of_the_run_is_pickled(
    emulate: Callable[..., Emulator], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers are other users on other machines. It is not in the repr, and differs by run."""
    emulator = emulate()
    with remote(emulator) as account:
        upload = plan(account, journal=tmp_path / "one")
        other = plan(account, journal=tmp_path / "two")
        upload(table(2))
        unpickled = pickle.loads(pickle.dumps(upload))  # noqa: S301 - our own
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "elsewhere"))
        before = len(emulator.log())
        assert set(unpickled(table(2))["ik_status"]) == {"uploaded"}
        assert len(emulator.log()) == before
        with pytest.raises(ikpipe.JournalError, match="without the key"):
            plan(account, journal=tmp_path / "one")
    assert upload.proof not in (None, other.proof)
    assert str(upload.proof) not in repr(upload)


# Journals of the previous version


def earlier(account: Account, journal: Path, **options: Any) -> cluster.PreparedUpload:
    """Prepare the upload whose journal is in `data/journals`."""
    return cluster.prepare(
        account, slots=1, journal=journal, concurrency=1, policy=ikpipe.Policy(index_lag=0.1), **options
    )


def test_a_journal_of_the_previous_version(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """It is refused; with `trust_journal`, rows with a result keep it and the others are sent."""
    emulator = emulate(**KEYS)
    journal = Path(shutil.copytree(EARLIER, tmp_path / "journal"))
    rows = pd.DataFrame({"sku": ["one", "two"], "file": [b"GIF89a one", b"GIF89a two"]})
    with pytest.raises(ikpipe.JournalError, match="by an earlier version of ikpipe, which does not show who wrote it"):
        earlier(emulator.account, journal, **FIXED)
    upload = earlier(emulator.account, journal, trust_journal=True, **FIXED)
    for _ in range(2):
        assert [*upload(rows)["ik_status"]] == ["uploaded", "uploaded"]
    assert [entry["filePath"] for entry in uploads_of(emulator) if entry["stored"]] == ["/fixture/two.gif"]
    with pytest.raises(ikpipe.JournalError, match="by an earlier version of ikpipe"):
        replace(upload, trust_journal=False)(rows)
