"""A night job as cron runs it: the same command each night, in an environment with next to nothing in it."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING

import nights
import pytest
from shell import Completed, variables

from ikpipe.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMMAND = (
    *("upload", "table.csv", "-o", "out.csv", "--root", "pictures", "--map", "file=picture"),
    *("--set", "file_name={sku}.gif", "--set", "folder=/night/", "--on-existing", "sync"),
    *("--state", "nights.ikstate", "--journal", "night.ikjournal"),
)


class NightJob:
    """The folder of a job, and its emulator."""

    def __init__(self, emulator: Emulator, folder: Path) -> None:
        self.emulator, self.folder = emulator, folder
        (folder / "pictures").mkdir()

    def table(self, rows: dict[str, tuple[str, str]]) -> None:
        """Write the table of a night: SKU → the text in its picture, and its tags."""
        with (self.folder / "table.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["sku", "picture", "tags"])
            for sku, (text, tags) in rows.items():
                writer.writerow([sku, f"{sku}.gif", tags])
                if text:
                    (self.folder / "pictures" / f"{sku}.gif").write_bytes(nights.gif(text))

    def night(self, *more: str, **changes: str) -> Completed:
        """Run the command as cron does."""
        environment = {"HOME": str(self.folder), "LOGNAME": "shop", "PATH": "/usr/bin:/bin", "SHELL": "/bin/sh"}
        done = subprocess.run(  # noqa: S603 - ours
            [sys.executable, "-m", "ikpipe", *COMMAND, *more],
            env={**environment, **variables(self.emulator), **changes},
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return Completed(done.returncode, done.stdout, done.stderr)

    @property
    def statuses(self) -> dict[str, str]:
        """The status of each row in OUT."""
        with (self.folder / "out.csv").open(encoding="utf-8", newline="") as stream:
            return {row["sku"]: row["ik_status"] for row in csv.DictReader(stream)}

    @property
    def counts(self) -> dict[str, int]:
        """How many rows have each status in OUT."""
        return dict(Counter(self.statuses.values()))


@pytest.fixture
def job(tmp_path: Path) -> Iterator[NightJob]:
    """Have a job, and its first night."""
    with Emulator() as emulator:
        begun = NightJob(emulator, tmp_path)
        begun.table({f"{row:03}": (f"{row}", "red") for row in range(6)})
        first = begun.night()
        assert (first.status, first.out, begun.counts) == (0, "", {"uploaded": 6}), first.err
        yield begun


def test_a_night_without_changes(job: NightJob) -> None:
    """Nothing is sent, the status is 0, and one line says so; the same journal serves every night."""
    before = len(job.emulator.log())
    for _ in range(2):
        done = job.night()
        assert (done.status, job.counts) == (0, {"unchanged": 6})
        assert "6 rows: 6 unchanged" in done.err or "6 unchanged" in done.err
        assert "Traceback" not in done.err
    assert nights.requests(job.emulator, before).keys() == {"read"}


def test_a_night_with_changes(job: NightJob) -> None:
    """Each row says what became of it."""
    rows = {f"{row:03}": (f"{row}", "red") for row in range(8)}
    job.table({**rows, "001": ("other", "red"), "002": ("2", "blue")})
    done = job.night()
    assert (done.status, job.counts) == (0, {"uploaded": 3, "updated": 1, "unchanged": 4})
    assert {sku for sku, status in job.statuses.items() if status == "uploaded"} == {"001", "006", "007"}
    assert job.statuses["002"] == "updated"


@pytest.mark.parametrize("text", ["other", "other" * 10], ids=["of the same size", "of another size"])
def test_a_night_in_which_only_a_file_changes(text: str, job: NightJob) -> None:
    """The table is the same to the byte, and so is the journal; the file is not."""
    (job.folder / "pictures" / "003.gif").write_bytes(nights.gif(text))
    done = job.night()
    assert (done.status, job.counts) == (0, {"uploaded": 1, "unchanged": 5}), done.err
    assert job.statuses["003"] == "uploaded"


def test_a_night_with_a_bad_row(job: NightJob) -> None:
    """The row is named with what is wrong, the others are uploaded, and the status is 1."""
    job.table({"000": ("0", "red"), "001": ("1", "x" * 600), "009": ("9", "red")})
    done = job.night()
    assert (done.status, job.counts) == (1, {"unchanged": 1, "invalid": 1, "uploaded": 1})
    assert "tags" in done.err
    assert "line 3" in done.err


def test_the_suggested_retry_compares_with_the_same_state(job: NightJob) -> None:
    """The state is in no file, so that the command names it."""
    job.table({"000": ("0", "red"), "001": ("1", "x" * 600)})
    done = job.night()
    (retry,) = (line for line in done.err.splitlines() if line.strip().startswith("ikpipe retry"))
    assert "--state nights.ikstate" in retry


def test_a_dry_run(job: NightJob) -> None:
    """It says what would be sent, and changes nothing."""
    job.table({"000": ("0", "red"), "001": ("other", "red"), "009": ("9", "red")})
    before = len(job.emulator.log())
    done = job.night("--dry-run")
    assert done.status == 0
    assert nights.requests(job.emulator, before).keys() == {"read"}
    assert all(word in done.err for word in ("upload", "replace", "unchanged"))
    assert (job.night().status, job.counts) == (0, {"unchanged": 1, "uploaded": 2})


def test_a_night_with_wrong_keys(job: NightJob) -> None:
    """Nothing is sent, the status is 3, and the reason is said."""
    job.table({"009": ("9", "red")})
    before = len(job.emulator.log())
    done = job.night("--journal", "another.ikjournal", IMAGEKIT_PRIVATE_KEY="private_of_somebody_else_0123")
    assert done.status == 3, done.err
    assert "Traceback" not in done.err
    assert not any(entry.get("stored") for entry in job.emulator.log()[before:])
    assert (job.night().status, job.counts) == (0, {"uploaded": 1})


def test_a_night_without_a_service(job: NightJob) -> None:
    """A service that nobody can reach is status 3, not a row's trouble; the next night does all of it."""
    job.table({f"{row:03}": (f"{row}", "red") for row in range(9)})
    nowhere = "http://127.0.0.1:9"
    done = job.night("--policy", "first_wait=0.01", IMAGEKIT_API_URL=nowhere, IMAGEKIT_UPLOAD_URL=nowhere)
    assert done.status == 3, done.err
    assert "Traceback" not in done.err
    assert (job.night().status, job.counts) == (0, {"unchanged": 6, "uploaded": 3})


def test_a_state_that_is_none(job: NightJob) -> None:
    """A file that is no state is status 2, is named, and stays as it is."""
    (job.folder / "nights.ikstate").write_text("my notes", encoding="utf-8")
    done = job.night()
    assert done.status == 2, done.err
    assert "nights.ikstate" in done.err
    assert (job.folder / "nights.ikstate").read_text(encoding="utf-8") == "my notes"


def test_a_job_without_a_home(job: NightJob) -> None:
    """Services have no home folder; the files that the command names are enough."""
    done = job.night(HOME="/nonexistent")
    assert (done.status, job.counts) == (0, {"unchanged": 6}), done.err
