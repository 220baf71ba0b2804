"""A night job in an environment of its own: no HOME, no terminal, and one folder that can be written to."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import nights
import pytest
import summaries
from shell import Completed, variables, wait_for

import ikpipe
from ikpipe.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NOBODY = "12345"  # a user id without an entry in /etc/passwd
REPORTING: Sequence[str] = (
    *("--summary", "night.json", "--metrics-file", "night.prom", "--html", "night.html"),
    *("--log-file", "night.log", "--log-format", "json"),
)
"""Options about what a run writes besides its results."""
LOG_SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "log.schema.json").read_text(encoding="utf-8"))
COMMAND = (
    *("upload", "table.csv", "-o", "out.csv", "--root", "pictures", "--map", "file=picture"),
    *("--set", "file_name={sku}.gif", "--set", "folder=/night/", "--on-existing", "sync"),
    *("--state", "nights.ikstate", "--journal", "night.ikjournal", *REPORTING),
)
READ_ONLY = """
mount --make-rprivate / && mount --bind "$1" "$1" && mount -o remount,bind,ro / || exit 99
for place in /tmp /var/tmp /dev/shm /root /home /run; do
  mountpoint -q $place && { mount -o remount,bind,ro $place || exit 99; }
done
cd "$1" && umask "$2" && ulimit -f "$3" && shift 3 && exec setpriv --reuid USER --regid USER --clear-groups "$@"
"""


def _cannot_be_bare() -> str | None:
    """Return why this machine cannot make such an environment; None if it can."""
    if any(shutil.which(tool) is None for tool in ("unshare", "setpriv", "setsid", "mountpoint")):
        return "there are no tools to make one"
    if os.geteuid() != 0:
        return "only root can make a file system read-only for another user"
    done = subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True)  # noqa: S607 - the system's
    return "the system does not allow mounts" if done.returncode else None


pytestmark = [
    pytest.mark.skipif(not hasattr(os, "geteuid"), reason="this system has no such users"),
    pytest.mark.skipif(hasattr(os, "geteuid") and (why := _cannot_be_bare()) is not None, reason=f"{why}"),
]


class BareJob:
    """The only folder that a job can write to, and its emulator."""

    def __init__(self, emulator: Emulator, folder: Path) -> None:
        self.emulator, self.folder = emulator, folder
        (folder / "pictures").mkdir()
        self.table(6)
        os.chown(folder, int(NOBODY), int(NOBODY))

    def table(self, rows: int) -> None:
        """Write a table of so many rows."""
        with (self.folder / "table.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["sku", "picture"])
            for row in range(rows):
                writer.writerow([row, f"{row}.gif"])
                (self.folder / "pictures" / f"{row}.gif").write_bytes(nights.gif(str(row)))

    def start(
        self, *words: str, umask: str = "077", blocks: str = "unlimited", **changes: str
    ) -> subprocess.Popen[str]:
        """Start a command with nothing but its keys in the environment; no file has more than some blocks."""
        script = READ_ONLY.replace("USER", NOBODY)
        tools = ["setsid", "--wait", "unshare", "--mount", "sh", "-c", script, "sh", str(self.folder), umask, blocks]
        return subprocess.Popen(  # noqa: S603 - ours
            [*tools, sys.executable, "-m", "ikpipe", *words],
            env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", **variables(self.emulator), **changes},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def night(self, *words: str, umask: str = "077", blocks: str = "unlimited", **changes: str) -> Completed:
        """Run a command to its end."""
        with self.start(*(words or COMMAND), umask=umask, blocks=blocks, **changes) as running:
            out, err = running.communicate(timeout=120)
        assert running.returncode != 99, err
        assert "Traceback" not in err
        return Completed(running.returncode, out, err)

    @property
    def summary(self) -> dict[str, Any]:
        """The summary of the last command, which follows its schema."""
        return summaries.read(self.folder / "night.json")

    @property
    def log(self) -> list[dict[str, Any]]:
        """The complete lines of the log, which follow their schema."""
        *lines, _ = (self.folder / "night.log").read_text(encoding="utf-8").split("\n")
        records = [json.loads(line) for line in lines]
        for record in records:
            jsonschema.validate(record, LOG_SCHEMA)
        return records

    @property
    def counts(self) -> dict[str, int]:
        """How many rows have each status in OUT."""
        with (self.folder / "out.csv").open(encoding="utf-8", newline="") as stream:
            return dict(Counter(row["ik_status"] for row in csv.DictReader(stream)))


@pytest.fixture
def job() -> Iterator[BareJob]:
    """Have a job in a folder that every user can reach."""
    with tempfile.TemporaryDirectory(prefix="night-") as place, Emulator() as emulator:
        Path(place).chmod(0o755)
        folder = Path(place, "job")
        folder.mkdir()
        yield BareJob(emulator, folder)


@pytest.mark.parametrize("umask", ["077", "000"])
def test_nights(umask: str, job: BareJob) -> None:
    """The first stores all, the second nothing, the third what was added; journals are nobody else's to read."""
    first = job.night(umask=umask)
    assert (first.status, first.out, job.counts) == (0, "", {"uploaded": 6}), first.err
    second = job.night(umask=umask)
    assert (second.status, job.counts) == (0, {"unchanged": 6}), second.err
    job.table(8)
    third = job.night(umask=umask)
    assert (third.status, job.counts) == (0, {"unchanged": 6, "uploaded": 2}), third.err
    journals = list(job.folder.glob("*.ikjournal"))
    assert len(journals) == 3
    assert all(not path.stat().st_mode & 0o077 for path in journals)
    assert not (job.folder / "~").exists()


def test_what_a_night_reports(job: BareJob) -> None:
    """Its summary, its log, its metrics and its page follow their schemas; a night that fails shows in each of them."""
    assert job.night().status == 0
    assert (job.summary["status"], job.summary["counts"]) == ("finished", {"uploaded": 6})
    (job.folder / "pictures" / "2.gif").unlink()
    failed = job.night()
    assert (failed.status, job.summary["status"], job.summary["exit_status"]) == (1, "finished", 1)
    assert job.summary["counts"] == {"unchanged": 5, "invalid": 1}
    words = ["other.ikjournal" if word == "night.ikjournal" else word for word in COMMAND]
    refused = job.night(*words, IMAGEKIT_PRIVATE_KEY="private_of_another_account")
    assert (refused.status, job.summary["exit_status"]) == (3, 3)
    assert [line["event"] for line in job.log].count("run_ended") == 3
    assert "ikpipe_run_exit_status" in (job.folder / "night.prom").read_text()
    assert "<title>" in (job.folder / "night.html").read_text()


@pytest.mark.parametrize("moment", [0.5, 1.5])
def test_a_night_that_is_killed_leaves_reports_that_can_be_read(moment: float, job: BareJob) -> None:
    """Every line of the log but the last is complete, and the summary says that the command was running."""
    job.table(60)
    with job.start(*COMMAND, "--concurrency", "1", "--rate", "10") as running:
        wait_for(lambda: [entry for entry in job.emulator.log() if entry.get("stored")])
        time.sleep(moment)
        _send(job, signal.SIGKILL)
        running.communicate(timeout=60)
    assert job.summary["status"] == "running"
    assert job.log
    done = job.night()
    assert (done.status, job.summary["status"], sum(job.counts.values())) == (0, "finished", 60), done.err


def test_a_folder_for_everything(job: BareJob) -> None:
    """With XDG_STATE_HOME, a run by its name needs no other file."""
    words = [*COMMAND[: COMMAND.index("--state")], "--run", "night", *REPORTING]
    for counts in ({"uploaded": 6}, {"unchanged": 6}):
        done = job.night(*words, XDG_STATE_HOME=str(job.folder / "state"))
        assert (done.status, job.counts) == (0, counts), done.err


def test_without_a_place_for_journals(job: BareJob) -> None:
    """One sentence says what to set."""
    done = job.night(*COMMAND[: COMMAND.index("--state")])
    assert done.status == 2
    assert "XDG_STATE_HOME" in done.err
    assert not (job.folder / "~").exists()
    assert not any(entry.get("stored") for entry in job.emulator.log())


@pytest.mark.parametrize("place", ["/nonexistent", "/usr"])
def test_a_temporary_folder_that_is_none(place: str, job: BareJob) -> None:
    """Another place is used: the second night checks a copy of the journal."""
    for counts in ({"uploaded": 6}, {"unchanged": 6}):
        done = job.night(TMPDIR=place)
        assert (done.status, job.counts) == (0, counts), done.err


def test_a_full_disk(job: BareJob) -> None:
    """The status is 2, the reason is said, and the same command finishes the night; nothing is stored twice."""
    job.table(60)
    words = [*COMMAND, "--set", f"description={'x' * 900}"]
    full = job.night(*words, "--concurrency", "1", blocks="300")
    assert full.status == 2
    assert "disk" in full.err
    done = job.night(*words)
    assert done.status == 0, done.err
    assert sum(job.counts.values()) == 60
    stored = ikpipe.files(job.emulator.account)
    assert len(stored) == 60
    assert {info["name"] for info in stored["versionInfo"]} == {"Version 1"}


def test_sigterm_in_the_middle(job: BareJob) -> None:
    """The status is 130, OUT is complete, and the same command finishes the night."""
    job.table(60)
    with job.start(*COMMAND, "--concurrency", "1", "--rate", "5") as running:
        wait_for(lambda: [entry for entry in job.emulator.log() if entry.get("stored")])
        _send(job, signal.SIGTERM)
        _, err = running.communicate(timeout=60)
    assert running.returncode == 130, err
    assert sum(job.counts.values()) == 60
    done = job.night()
    assert done.status == 0, done.err
    assert sum(job.counts.values()) == 60


def _send(job: BareJob, number: int) -> None:
    """Send a signal to the job's own process."""
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words, folder = (path / "cmdline").read_bytes(), (path / "cwd").resolve()
        except OSError:
            continue
        if b"ikpipe\0upload" in words and words.startswith(sys.executable.encode()) and folder == job.folder:
            os.kill(int(path.name), number)
