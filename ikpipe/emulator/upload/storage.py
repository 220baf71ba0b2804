"""Stores a file that passed the checks: type and size, unique name, version, overwrite flags, details."""

import random
import string
from typing import Any

from ikpipe.emulator.account import EmulatedAccount
from ikpipe.emulator.error_responses import ErrorResponse
from ikpipe.emulator.library import file_events
from ikpipe.emulator.media import inspection, metadata
from ikpipe.emulator.media.facts import MediaFacts
from ikpipe.emulator.request_log import LogEntry
from ikpipe.emulator.rules import Rules
from ikpipe.emulator.store import Details, Store, timestamp
from ikpipe.emulator.upload import checks_parameter
from ikpipe.emulator.upload.extensions import ExtensionRunner
from ikpipe.emulator.upload.form import FormSpool
from ikpipe.emulator.upload.parameters import UploadParameters
from ikpipe.emulator.upload.reply import upload_reply
from ikpipe.emulator.upload.validators import UploadAttempt

TOO_LARGE = "Your request contains invalid file parameter. The file size exceeds limits."
ALREADY_EXISTS = (
    "A file with the same name already exists at the exact location. "
    "We could not overwrite it because both overwriteFile and useUniqueFileName are set to false."
)
_RANDOM = random.Random()  # noqa: S311 - unique names, no secrets
_SUFFIX = string.ascii_letters + string.digits + "-_"


class FileStorer:
    """Stores the files of one account."""

    def __init__(self, account: EmulatedAccount) -> None:
        self._account = account
        self._extensions = ExtensionRunner(account)

    def inspect(self, parameters: UploadParameters, spool: FormSpool, version: str) -> tuple[Details, Details]:
        """Read the properties of a file, and move its bytes to their final path; in any thread.

        Returns the details, and separately the legacy `metadata`, which is slow to read and only in responses that ask
        for it.
        """
        _check_size(spool.size, self._account.rules.largest_file)
        facts, embedded = inspection.inspect_file(spool.open(), spool.size, parameters.name)
        _check_size(spool.size, _size_limit(facts, self._account.rules))
        path = self._account.store.files.bytes_of(version)
        spool.move(path)
        legacy = {"metadata": metadata.legacy(path, facts)} if "metadata" in parameters.response_fields else {}
        return facts.details | {"size": spool.size, "embeddedMetadata": embedded}, legacy

    def store(
        self, attempt: UploadAttempt, version: str, properties: tuple[Details, Details], entry: LogEntry
    ) -> tuple[Details, dict[str, Any]]:
        """Store the details of a file; in the event loop's thread, where no other upload interferes.

        Returns the details, and the response.
        """
        account, parameters = self._account, attempt.parameters
        media, legacy = properties
        if attempt.condition is not None:
            checks_parameter.check(attempt.condition, parameters, media)
        details, status = self._add_version(attempt, version, media)
        entry |= {
            "stored": True,
            "fileId": details["fileId"],
            "versionId": version,
            "version": details["versionInfo"]["name"],
            "filePath": details["filePath"],
        }
        if status:
            self._extensions.finish_later(details, parameters.extensions, parameters.webhook_url)
        file_events.tell_stored(account, details)
        return details, upload_reply(details | legacy, parameters, account, status)

    def discard(self, version: str) -> None:
        """Delete the bytes of a version that is not stored."""
        self._account.store.files.bytes_of(version).unlink(missing_ok=True)

    def _add_version(self, attempt: UploadAttempt, version: str, media: Details) -> tuple[Details, dict[str, str]]:
        account, store, parameters = attempt.account, attempt.account.store, attempt.parameters
        name, existing = find_name(store, parameters, account.rules)
        number = next_number(account, existing)
        details = merge(parameters, existing, name, (version, number)) | media
        status: dict[str, str] = {}
        if parameters.extensions:
            details, status = self._extensions.begin(details, parameters.extensions)
        add_version(account, parameters.folder, details, number, attempt.now + attempt.index_delay)
        return details, status


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise ErrorResponse(400, TOO_LARGE)


def _size_limit(facts: MediaFacts, rules: Rules) -> int:
    if facts.file_type == "image":
        return rules.image_limit
    return rules.video_limit if (facts.mime or "").startswith("video/") else rules.other_limit


def unique_name(name: str, length: int) -> str:
    """Return a name with a random suffix before its extension: `dress_Xy3-9aB_q.jpg` [upload docs]."""
    stem, dot, ending = name.rpartition(".")
    suffix = "".join(_RANDOM.choices(_SUFFIX, k=length))
    return f"{stem}_{suffix}{dot}{ending}" if stem else f"{name}_{suffix}"


def find_name(store: Store, parameters: UploadParameters, rules: Rules) -> tuple[str, Details | None]:
    """Return the name of the file, and the details of the existing file with that name.

    Raise `ErrorResponse` (400) if the name is taken, and may neither be made unique nor overwritten [spec].
    """
    if parameters.unique:
        # no other upload runs until this one is stored: a name that is free now stays free
        while store.files.at(parameters.folder, name := unique_name(parameters.name, rules.suffix_length)):
            pass
        return name, None
    existing = store.files.at(parameters.folder, parameters.name)
    if existing is not None and not parameters.overwrite:
        raise ErrorResponse(400, ALREADY_EXISTS)
    return parameters.name, existing


def next_number(account: EmulatedAccount, existing: Details | None) -> int:
    """Return the number of the new version; raise `ErrorResponse` (400) if a rule forbids a further one."""
    if existing is None:
        return 1
    files, rules, file_id = account.store.files, account.rules, existing["fileId"]
    if rules.over_versions == "refuse" and len(files.versions(file_id)) >= rules.max_versions:
        raise ErrorResponse(400, f"The file already has {rules.max_versions} versions.")
    return files.next_number(file_id)


def add_version(account: EmulatedAccount, folder: str, details: Details, number: int, listed_from: float) -> None:
    """Store a new version, and delete the oldest if there are too many [upload docs: at most 100 versions]."""
    file_id, maximum = details["fileId"], account.rules.max_versions
    # the version that is current until now is dropped last, also if it is an old one that was restored
    _drop_surplus(account, file_id, number, maximum - 1)
    account.store.files.add_version(folder, details, number, listed_from)
    _drop_surplus(account, file_id, number, maximum)


def _drop_surplus(account: EmulatedAccount, file_id: str, newest: int, maximum: int) -> None:
    files = account.store.files
    # no file has more versions than its newest one's number, which most often is a small one
    while newest > maximum and len(files.versions(file_id)) > maximum:
        dropped = files.drop_oldest_version(file_id)
        if dropped is None:
            return
        file_events.tell_version_deleted(account, file_id, dropped)


def merge(parameters: UploadParameters, existing: Details | None, name: str, version: tuple[str, int]) -> Details:
    """Return the details of the new version; the flags say whether old values are kept or removed [upload docs].

    `customCoordinates` are removed unless they are sent again [upload docs], and so is `description` [guess].
    """
    old = existing or {}
    version_id, number = version
    now = timestamp()
    metadata = _new_or_kept(parameters.metadata, old.get("customMetadata"), overwrite=parameters.overwrite_metadata)
    return {
        "type": "file",
        "fileId": old.get("fileId", version_id),
        "name": name,
        "filePath": parameters.folder + name,
        "tags": _new_or_kept(parameters.tags, old.get("tags"), overwrite=parameters.overwrite_tags),
        "AITags": None if parameters.overwrite_ai_tags else old.get("AITags"),
        "versionInfo": {"id": version_id, "name": f"Version {number}"},
        "isPrivateFile": parameters.private,
        "isPublished": parameters.published,
        "customCoordinates": parameters.coordinates,
        "customMetadata": metadata or {},
        "description": parameters.description,
        "createdAt": old.get("createdAt", now),
        "updatedAt": now,
    }


def _new_or_kept(new: Any, old: Any, *, overwrite: bool) -> Any:
    return new if new is not None or overwrite else old
