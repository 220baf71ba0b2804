"""Copies, moves, renames and deletes folders, some files at a time, so that uploads are served in between."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from ikpipe.emulator.account import EmulatedAccount
from ikpipe.emulator.error_responses import ErrorResponse
from ikpipe.emulator.library.file_events import delete_files
from ikpipe.emulator.library.purges import add_purge
from ikpipe.emulator.library.relocation import copy_file, move_file
from ikpipe.emulator.store import Details, Job

SLICE = 0.002
"""Seconds of work before other requests are served; one file with a hundred versions can take longer."""
FILES_AT_ONCE = 100
FOLDERS_AT_ONCE = 1000


def start_job(account: EmulatedAccount, job: Job, delay: float = 0.0) -> asyncio.Task[None]:
    """Store a job, and run it after some seconds; return the task."""
    account.store.jobs.save(job)
    return account.background.later(delay, partial(_run, account, job))


def resume_jobs(account: EmulatedAccount) -> None:
    """Run the jobs that were unfinished when the emulator stopped, also if it was killed."""
    for job in account.store.jobs.unfinished():
        start_job(account, job)


async def _run(account: EmulatedAccount, job: Job) -> None:
    store = account.store
    if not job.begun:
        store.jobs.begin(job)
    if job.target:
        await _add_folders(account, job)
    while file_ids := store.jobs.remaining(job, FILES_AT_ONCE):
        _change_files(account, job, file_ids)
        await store.commit()
    if job.type != "COPY_FOLDER":
        _remove_folders(account, job)
    job.purge_request = add_purge(account) if job.purge else None
    job.completed = True
    store.jobs.save(job)
    await store.commit()


async def _add_folders(account: EmulatedAccount, job: Job) -> None:
    """Create the folders at the target, also those without files; those that are renamed keep their ids [sdk]."""
    folders = account.store.folders
    for index, path in enumerate(folders.below(job.source), 1):
        if job.type == "RENAME_FOLDER":
            folders.rename(path, _target(job, path))
        else:
            folders.add(_target(job, path))
        if index % FOLDERS_AT_ONCE == 0:
            await account.store.commit()


def _remove_folders(account: EmulatedAccount, job: Job) -> None:
    """Remove the folders at the source, except those that files were uploaded to in the meantime."""
    store, source = account.store, job.source
    used = store.folders.below(source) if store.files.any_below(source) else []
    left = [path for path in used if store.files.any_below(path)]
    store.folders.delete(source, renamed=job.type == "RENAME_FOLDER")
    for path in left:
        # the id that it had is that of the renamed folder, or gone with the moved one
        store.folders.add(path)


def _target(job: Job, path: str) -> str:
    """Return what the path of a folder becomes."""
    return job.target + path.removeprefix(job.source)


def _change_files(account: EmulatedAccount, job: Job, file_ids: list[str]) -> None:
    """Change files until the time of a slice is over."""
    end = time.perf_counter() + SLICE
    for file_id in file_ids:
        _change_file(account, job, file_id)
        if time.perf_counter() > end:
            break
    account.store.jobs.finish_files(job, file_id)


def _change_file(account: EmulatedAccount, job: Job, file_id: str) -> None:
    details = account.store.files.get(file_id)
    folder = "" if details is None else details["filePath"].removesuffix(details["name"])
    # since the job began, the file may have been deleted or moved away
    if details is not None and folder.startswith(job.source):
        # a file that would have too many versions stays where it is [guess], as does one whose bytes cannot be copied
        with suppress(ErrorResponse, OSError):
            _CHANGES[job.type](account, job, details, _target(job, folder))


def _copy(account: EmulatedAccount, job: Job, details: Details, folder: str) -> None:
    copy_file(account, details, folder, all_versions=job.all_versions)


def _move(account: EmulatedAccount, _job: Job, details: Details, folder: str) -> None:
    move_file(account, details, folder, details["name"])


def _delete(account: EmulatedAccount, _job: Job, details: Details, _folder: str) -> None:
    delete_files(account, [details["fileId"]])


_CHANGES: dict[str, Callable[[EmulatedAccount, Job, Details, str], None]] = {
    "COPY_FOLDER": _copy,
    "MOVE_FOLDER": _move,
    "RENAME_FOLDER": _move,
    "DELETE_FOLDER": _delete,
}
"""The types of jobs, and what each does to a file, with the folder that it comes to; only the API's jobs have an id
that a client knows."""
