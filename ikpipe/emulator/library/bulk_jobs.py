"""Bulk jobs: copies, moves and renames of folders, and their status."""

import asyncio

from starlette.responses import JSONResponse, Response

from ikpipe.emulator.error_responses import ErrorResponse, invalid_parameter
from ikpipe.emulator.library import request_body
from ikpipe.emulator.library.calls import ApiCall, ApiRoute
from ikpipe.emulator.library.file_paths import destination
from ikpipe.emulator.library.folder_jobs import start_job
from ikpipe.emulator.library.folders import folder_name
from ikpipe.emulator.store import Job, new_id
from ikpipe.emulator.upload import parameters

PATIENCE = 1.0
"""Seconds that a response waits for a job without a delay."""


async def copy_folder(call: ApiCall) -> Response:
    """`POST /v1/bulkJobs/copyFolder`: copy a folder into another; files there get further versions [docs].

    Older SDKs send `includeFileVersions` [sdk].
    """
    flags = [request_body.optional_flag(call.body, key) for key in ("includeVersions", "includeFileVersions")]
    source, target = _source_and_target(call)
    return await _start(call, Job(new_id(), "COPY_FOLDER", source, target, all_versions=any(flags)))


async def move_folder(call: ApiCall) -> Response:
    """`POST /v1/bulkJobs/moveFolder`: move a folder into another; files there get further versions [docs]."""
    source, target = _source_and_target(call)
    return await _start(call, Job(new_id(), "MOVE_FOLDER", source, target))


async def rename_folder(call: ApiCall) -> Response:
    """`POST /v1/bulkJobs/renameFolder`: give a folder another name in the same folder [docs].

    A folder that has the name already, also the folder itself, is a 409 [guess: as recorded for files].
    """
    name = folder_name(call, "newFolderName")
    purge = request_body.optional_flag(call.body, "purgeCache")
    text = request_body.required_text(call.body, "folderPath")
    source = parameters.folder_path(text)
    if source == "/":
        raise invalid_parameter("folderPath", "The root cannot be renamed.")
    _check_exists(call, source, f"folderPath {text}")
    target = f"{_split(source)[0]}{name}/"
    if call.store.has_folder(target):
        message = f"Folder with name {name} already exists at the same location."
        raise ErrorResponse(409, message, reason="FOLDER_ALREADY_EXISTS")
    return await _start(call, Job(new_id(), "RENAME_FOLDER", source, target, purge=purge))


def job_status(call: ApiCall) -> Response:
    """`GET /v1/bulkJobs/{id}`: return the status of a job [docs]."""
    job = call.store.jobs.get(call.path("id"))
    if job is None:
        raise ErrorResponse(404, "No bulk job found for this jobId.")
    status = {"jobId": job.id, "type": job.type, "status": "Completed" if job.completed else "Pending"}
    purge = {} if job.purge_request is None else {"purgeRequestId": job.purge_request}
    return JSONResponse(status | purge)


async def _start(call: ApiCall, job: Job) -> Response:
    delay = call.account.rules.bulk_job_delay
    task = start_job(call.account, job, delay)
    if delay == 0:
        await asyncio.wait({task}, timeout=PATIENCE)
    return JSONResponse({"jobId": job.id})


def _source_and_target(call: ApiCall) -> tuple[str, str]:
    """Return the path of a folder, and what it becomes inside `destinationPath`."""
    folder = destination(call)
    text = request_body.required_text(call.body, "sourceFolderPath")
    source = parameters.folder_path(text)
    parent, name = _split(source)
    if folder in {source, parent}:
        # [recorded for the folder itself; guess for its parent, where the folder already is]
        raise ErrorResponse(400, "sourceFolderPath and destinationPath cannot be same.")
    if folder.startswith(source):
        raise invalid_parameter("destinationPath", "It is inside sourceFolderPath.")
    _check_exists(call, source, f"sourceFolderPath {text}")
    target = f"{folder}{name}/"
    deepest = max([source, *call.store.folders.below(source)], key=lambda path: path.count("/"))
    parameters.check_depth(target + deepest.removeprefix(source), "destinationPath")
    return source, target


def _split(path: str) -> tuple[str, str]:
    """Return the path of the parent, and the name of a folder."""
    parent, _, name = path[:-1].rpartition("/")
    return f"{parent}/", name


def _check_exists(call: ApiCall, folder: str, described: str) -> None:
    """Raise `ErrorResponse` (404) if a folder does not exist [recorded]; one without files is not an error [guess]."""
    if not call.store.has_folder(folder):
        raise ErrorResponse(404, f"No files & folder found at {described}", reason="NO_FILES_FOLDER")


ROUTES = [
    ApiRoute("POST", "/v1/bulkJobs/copyFolder", copy_folder),
    ApiRoute("POST", "/v1/bulkJobs/moveFolder", move_folder),
    ApiRoute("POST", "/v1/bulkJobs/renameFolder", rename_folder),
    ApiRoute("GET", "/v1/bulkJobs/{id}", job_status),
]
