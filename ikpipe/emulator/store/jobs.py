"""Bulk jobs: changes of folders that take a while, and are continued after a restart.

A job's remaining files are rows, each of which is deleted in the transaction that changes the file. So a job that was
interrupted continues where it stopped, and changes no file twice.
"""

import json
from dataclasses import asdict, dataclass
from typing import Any

from ikpipe.emulator.store.database import Database
from ikpipe.emulator.store.folders import BELOW, bounds


@dataclass(slots=True)
class Job:
    """A job, which changes the files below `source` in the way of its `type`, such as `COPY_FOLDER`."""

    id: str
    type: str
    source: str
    target: str = ""
    """What the path `source` becomes; empty for a deletion."""
    all_versions: bool = False
    """Whether older versions are copied as well."""
    purge: bool = False
    """Whether the cache is purged at the end."""
    purge_request: str | None = None
    """The id of the purge."""
    begun: bool = False
    """Whether its files are known."""
    completed: bool = False


class StoredJobs:
    """The jobs, also those that are completed, and the remaining files of the others."""

    SCHEMA = """
    CREATE TABLE IF NOT EXISTS jobs (
        id TEXT PRIMARY KEY, completed INTEGER NOT NULL, job TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS job_files (job TEXT NOT NULL, file TEXT NOT NULL, PRIMARY KEY (job, file)) WITHOUT ROWID;
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, job_id: str) -> Job | None:
        """Return the job with an id, or None."""
        return next(iter(self._jobs("id = ?", job_id)), None)

    def unfinished(self) -> list[Job]:
        """Return the jobs that are not completed, oldest first."""
        return self._jobs("NOT completed")

    def _jobs(self, where: str, *values: Any) -> list[Job]:
        query = f"SELECT job FROM jobs WHERE {where} ORDER BY id"  # noqa: S608 - no input in it
        return [Job(**json.loads(text)) for (text,) in self._database.rows(query, *values)]

    def save(self, job: Job) -> None:
        """Store a new or changed job."""
        self._database.write(
            "INSERT OR REPLACE INTO jobs VALUES (?, ?, ?)", job.id, job.completed, json.dumps(asdict(job))
        )

    def begin(self, job: Job) -> None:
        """Find the files of a job; those that are uploaded later are not part of it."""
        self._database.write(
            f"INSERT INTO job_files SELECT ?, id FROM files WHERE folder {BELOW}",  # noqa: S608 - no input in it
            job.id,
            *bounds(job.source),
        )
        job.begun = True
        self.save(job)

    def remaining(self, job: Job, number: int) -> list[str]:
        """Return the ids of some files that are not changed yet, in their order."""
        rows = self._database.rows("SELECT file FROM job_files WHERE job = ? ORDER BY file LIMIT ?", job.id, number)
        return [row[0] for row in rows]

    def finish_files(self, job: Job, last: str) -> None:
        """Mark all files as changed up to one, in the transaction that changes them."""
        self._database.write("DELETE FROM job_files WHERE job = ? AND file <= ?", job.id, last)
