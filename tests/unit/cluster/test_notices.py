"""What is noticed of the parts that an engine runs, and said once."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

import ikpipe
from ikpipe import cluster
from ikpipe.cluster.notices import MANY_PARTS, notice_part, part_id
from ikpipe.cluster.shares import MachineLedger
from ikpipe.concurrency.shares import Claim, Grant

if TYPE_CHECKING:
    from pathlib import Path

ACCOUNT = ikpipe.Account("public_notices", "private_notices_long_enough")


def prepare(**options: Any) -> cluster.PreparedUpload:
    """Prepare an upload."""
    return cluster.prepare(ACCOUNT, slots=1, file_name="a.gif", **options)


@pytest.mark.parametrize(("actions", "said"), [(["", ""], 1), (["3 0", "4 0"], 1), (["3 0", "3 0"], 0), ([""] * 4, 1)])
def test_a_part_that_another_action_has_uploaded_is_noticed_once(
    actions: list[str], said: int, caplog: pytest.LogCaptureFixture
) -> None:
    """One that the engine repeats by itself is not."""
    upload = prepare()
    for action in actions:
        notice_part(upload, [["s1", b"bytes"]], 100, action)
    assert [record.levelname for record in caplog.records] == ["WARNING"] * said
    assert all("This upload runs again" in record.getMessage() for record in caplog.records)


def test_other_parts_and_other_uploads_are_no_repetition(caplog: pytest.LogCaptureFixture) -> None:
    """Nor are parts whose first rows cannot be pickled."""
    upload = prepare()
    notice_part(upload, [["s1"]], 100)
    notice_part(upload, [["s2"]], 100)
    notice_part(prepare(), [["s1"]], 100)
    for _ in range(2):
        notice_part(upload, [[lambda: None]], 100)
    assert not caplog.records


def test_nothing_is_said_where_nothing_is_sent_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """With a journal, or an `on_existing` that finds what was stored."""
    for upload in (prepare(journal=tmp_path), prepare(on_existing="skip")):
        for _ in range(2):
            notice_part(upload, [["s1"]], 100)
    assert not caplog.records


def test_processes_of_a_machine_notice_together(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A part that another process has uploaded; it is said by one of them."""
    upload = replace(prepare(), ledger=MachineLedger(str(tmp_path), 0))
    (tmp_path / f"{upload.id}-{part_id([['s1']])}").write_text("3 0")
    notice_part(upload, [["s1"]], 100, "4 0")
    assert len(caplog.records) == 1
    (tmp_path / f"{upload.id}-{part_id([['s1']])}").write_text("3 0")
    caplog.clear()
    notice_part(replace(upload), [["s1"]], 100, "5 0")
    assert not caplog.records


@pytest.mark.parametrize(("rows", "said"), [(1, 1), (100, 0)])
def test_many_small_parts_are_noticed_once(rows: int, said: int, caplog: pytest.LogCaptureFixture) -> None:
    """With their average; a few say nothing."""
    upload = prepare()
    for part in range(2 * MANY_PARTS):
        assert (len(caplog.records) > 0) == (said > 0 and part >= MANY_PARTS)
        notice_part(upload, [[part]], rows)
    assert len(caplog.records) == said
    if said:
        assert "50 partitions of this upload had 1.0 rows on average" in caplog.text


def test_a_ledger_in_a_folder_is_that_of_all_processes(tmp_path: Path) -> None:
    """Each reads what the others have; a job has its own."""
    one, other = MachineLedger(str(tmp_path), 0), MachineLedger(str(tmp_path), -1)
    claim = Claim("a", 12, 12, expected=2)
    assert one.renew("job", claim) == Grant(6, 1)
    assert other.renew("job", claim._replace(part="b")) == Grant(6, 2)
    assert other.renew("another", claim) == Grant(6, 1)
    assert one.renew("job", claim._replace(ended=True)) == Grant(0, 1)
    assert other.renew("job", claim._replace(part="b")) == Grant(12, 1)


def test_a_ledger_without_its_folder_cannot_be_reached(tmp_path: Path) -> None:
    """On another machine, for example."""
    with pytest.raises(OSError, match="elsewhere"):
        MachineLedger(str(tmp_path / "elsewhere"), 0).renew(uuid.uuid4().hex, Claim("a", 1, 1))
