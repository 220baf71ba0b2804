"""Shared journals prove who wrote them: whoever can write to the folder is not obeyed for that."""

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
from parts import gif, plan, table

import ikpipe
from ikpipe import cluster

if TYPE_CHECKING:
    from collections.abc import Callable

    from ikpipe import Account
    from ikpipe.emulator import Emulator

EARLIER = Path(__file__).parents[1] / "data" / "journals" / "shared"
KEYS = {"public_key": "public_fixture", "private_key": "private_fixture"}
FIXED: dict[str, Any] = {"file_name": "{sku}.gif", "folder": "/fixture/", "use_unique_file_name": False}


def entries(folder: Path) -> Path:
    """Give the file of a journal that has a result."""
    (found,) = [path for path in folder.glob("*/*.jsonl") if b'"ended"' in path.read_bytes()]
    return found


def rewrite(path: Path, change: Callable[[list[Any]], Any]) -> None:
    """Change the entries of a file, each by itself."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        change(line)
    path.write_text("\n".join(map(json.dumps, lines)))


# What a run is


@pytest.mark.parametrize("change", [{"run": "other"}, {"since": 0.0}, {"proof": "00"}])
def test_a_run_that_was_changed_is_refused(change: dict[str, Any], account: Account, tmp_path: Path) -> None:
    """Names are made of its id, and files are told apart by the time since when they can be there."""
    plan(account, journal=tmp_path)
    run = tmp_path / "run.json"
    run.write_text(json.dumps({**json.loads(run.read_text()), **change}))
    before = run.read_bytes()
    with pytest.raises(ikpipe.JournalError, match="pass trust_journal=True"):
        plan(account, journal=tmp_path)
    assert run.read_bytes() == before
    assert plan(account, journal=tmp_path, trust_journal=True).run == json.loads(before)["run"]


def test_a_run_of_another_private_key_is_refused(account: Account, tmp_path: Path) -> None:
    """Unless it is trusted."""
    first = plan(account, journal=tmp_path)
    rotated = replace(account, private_key="private_new")
    with pytest.raises(ikpipe.JournalError, match="another private key"):
        plan(rotated, journal=tmp_path)
    assert plan(rotated, journal=tmp_path, trust_journal=True).run == first.run


def test_a_run_of_another_public_key_is_refused(account: Account, tmp_path: Path) -> None:
    """Even if it is trusted."""
    plan(account, journal=tmp_path)
    with pytest.raises(ikpipe.JournalError, match="its public_key differs"):
        plan(replace(account, public_key="public_other"), journal=tmp_path, trust_journal=True)


def test_a_file_that_is_no_run_is_refused(account: Account, tmp_path: Path) -> None:
    """Whatever somebody else keeps there."""
    for text in ("[]", '{"run": 1}', "7", '{"proof": []}', ""):
        (tmp_path / "run.json").write_text(text)
        with pytest.raises(ikpipe.JournalError, match=r"run\.json is damaged"):
            plan(account, journal=tmp_path, trust_journal=True)
        assert (tmp_path / "run.json").read_text() == text


# What became of rows


def test_results_that_were_changed_are_not_obeyed(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """The error names the file; nothing is sent."""
    emulator = emulate()
    upload = plan(emulator.account, journal=tmp_path)
    upload(table(2))
    rewrite(entries(tmp_path), lambda line: line.__setitem__(2, line[2].replace("127.0.0.1", "evil.example")))
    before = len(emulator.log())
    with pytest.raises(ikpipe.JournalError, match=f"{entries(tmp_path)} was written"):
        upload(table(2))
    assert len(emulator.log()) == before


def test_entries_prove_nothing_elsewhere(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """In another file, or another order."""
    upload = plan(emulate().account, journal=tmp_path)
    upload(table(2))
    written = entries(tmp_path)
    content = written.read_bytes()
    copy = written.with_name(f"0-{written.name}")
    shutil.copy(written, copy)
    with pytest.raises(ikpipe.JournalError, match="pass trust_journal=True"):
        upload(table(2))
    copy.unlink()
    written.write_bytes(b"\n".join(reversed(content.split(b"\n"))))
    with pytest.raises(ikpipe.JournalError, match="pass trust_journal=True"):
        upload(table(2))


def test_entries_of_another_run_prove_nothing(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """Though it is the same account's, and the same rows."""
    emulator = emulate()
    one, two = (plan(emulator.account, journal=tmp_path / run, run=run) for run in ("one", "two"))
    one(table(2)), two(table(2))
    shutil.copy(entries(tmp_path / "one"), entries(tmp_path / "two"))
    with pytest.raises(ikpipe.JournalError, match="pass trust_journal=True"):
        two(table(2))


def test_entries_of_a_replaced_key_can_be_trusted(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """By those that do the parts."""
    old = emulate(public_key="public_same", private_key="private_old")
    new = emulate(public_key="public_same", private_key="private_new")
    plan(old.account, journal=tmp_path)(table(2))
    results = plan(new.account, journal=tmp_path, trust_journal=True)(table(2))
    assert (set(results["ik_status"]), uploads_of(new)) == ({"uploaded"}, [])


def test_a_position_that_is_none_is_damage(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """Also in what is trusted."""
    upload = plan(emulate().account, journal=tmp_path, trust_journal=True)
    upload(table(2))
    rewrite(entries(tmp_path), lambda line: line.__setitem__(1, "0"))
    with pytest.raises(ikpipe.JournalError, match="is damaged"):
        upload(table(2))


@pytest.mark.parametrize("content", ["none", "its own"])
def test_parameters_are_not_taken_from_what_is_trusted(
    content: str, emulate: Callable[..., Emulator], tmp_path: Path
) -> None:
    """A row in doubt is not looked for where an entry says that it was sent, with or without a hash: it is sent."""
    emulator = emulate(faults={"store-then-cut": 1.0})
    options: dict[str, Any] = {"key": "sku", "journal": tmp_path, "use_unique_file_name": False, "retries": 0}
    hidden = replace(emulator.account, api_url="http://127.0.0.1:9")  # nobody looks: each row stays in doubt
    assert [*plan(hidden, **options)(table(1))["ik_status"]] == ["unknown"]
    emulator.faults.rates.clear()

    def forge(line: list[Any]) -> None:
        if line[0] == "prepared":
            line[2] = json.dumps({**json.loads(line[2]), "folder": "/evil/"})
        line[-2] = None if content == "none" else line[-2]

    for path in tmp_path.glob("*/*.jsonl"):
        rewrite(path, forge)
    ikpipe.upload_file(gif(0), emulator.account, file_name="s0.gif", folder="/evil/", use_unique_file_name=False)
    results = plan(emulator.account, trust_journal=True, **options)(table(1))
    assert [*results["ik_file_path"]] == ["/part/s0.gif"]
    assert [*results["ik_status"]] == ["uploaded"]


# Who can prove it


def test_no_proof_travels_where_workers_have_the_key(account: Account, tmp_path: Path) -> None:
    """They derive it."""
    upload = plan(account, journal=tmp_path)
    assert upload.proof is None
    assert str(account.private_key).encode() not in pickle.dumps(upload)


def test_without_a_key_the_proof_of_the_run_travels(
    emulate: Callable[..., Emulator], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers are other users, on other machines; it does not show, and is another one for each run."""
    emulator = emulate()
    with remote(emulator) as account:
        upload = plan(account, journal=tmp_path / "one")
        other = plan(account, journal=tmp_path / "two")
        upload(table(2))
        travelled = pickle.loads(pickle.dumps(upload))  # noqa: S301 - our own
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "elsewhere"))
        before = len(emulator.log())
        assert set(travelled(table(2))["ik_status"]) == {"uploaded"}
        assert len(emulator.log()) == before
        with pytest.raises(ikpipe.JournalError, match="without the key"):
            plan(account, journal=tmp_path / "one")
    assert upload.proof not in (None, other.proof)
    assert str(upload.proof) not in repr(upload)


# What the version before wrote


def earlier(account: Account, journal: Path, **options: Any) -> cluster.PreparedUpload:
    """Plan the upload whose journal is in `data/journals`."""
    return cluster.prepare(
        account, slots=1, journal=journal, concurrency=1, policy=ikpipe.Policy(index_lag=0.1), **options
    )


def test_a_journal_of_the_version_before(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """Refused; if it is trusted, rows that have ended stay, and the others are sent."""
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
