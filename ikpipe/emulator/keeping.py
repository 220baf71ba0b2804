"""What happens to an upload in a worker's thread: checks, decoding, storing, the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

from ikpipe.emulator import fetch, media, placing, replies
from ikpipe.emulator.refusals import Refusal
from ikpipe.emulator.rules import CHECKS
from ikpipe.emulator.store import new_id

if TYPE_CHECKING:
    from pathlib import Path

    from ikpipe.emulator.account import Account
    from ikpipe.emulator.form import Spool
    from ikpipe.emulator.log import Entry
    from ikpipe.emulator.parameters import Wanted
    from ikpipe.emulator.rules import Attempt
    from ikpipe.emulator.store import Details

TOO_LARGE = "Your request contains invalid file parameter. The file size exceeds limits."


class Keeper:
    """Checks uploads and keeps their files, for one account."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def check(self, attempt: Attempt) -> None:
        """Make the checks past the door; the first that fails raises a `Refusal`."""
        for check in CHECKS:
            check(attempt)

    def check_and_keep(self, attempt: Attempt, entry: Entry) -> Response:
        """Take an upload whose bytes are all there, as binary or base64."""
        self.check(attempt)
        rules = self._account.rules
        if attempt.file.size > rules.largest_text:
            raise Refusal(400, TOO_LARGE)
        if entry["file"]["kind"] == "binary":
            return self.keep(attempt, attempt.file, entry)
        decoded = fetch.decode(attempt.file, self._account.store.incoming, rules.largest)
        try:
            return self.keep(attempt, decoded, entry)
        finally:
            decoded.discard()

    def keep(self, attempt: Attempt, spool: Spool, entry: Entry) -> Response:
        """Store the file and answer."""
        entry["file"] |= {"size": spool.size, "sha256": spool.sha256}
        if spool.size > self._account.rules.largest:
            raise Refusal(400, TOO_LARGE)
        version = new_id()
        path = self._account.store.bytes_of(version)
        size = spool.size
        spool.move(path)
        try:
            found, legacy = self._describe(attempt.wanted, path, size)
            details = self._place(attempt, version, found)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        entry |= {
            "stored": True,
            "fileId": details["fileId"],
            "versionId": version,
            "version": details["versionInfo"]["name"],
            "filePath": details["filePath"],
        }
        return self._reply(attempt, details | legacy)

    def _describe(self, wanted: Wanted, path: Path, size: int) -> tuple[Details, Details]:
        """Read what the file says of itself, and refuse it if it is too large for what it is.

        The legacy metadata stand apart: they take longest, and nobody sees them but in an answer that asks for them.
        """
        facts = media.facts(path, wanted.name)
        rules = self._account.rules
        limit = rules.image_limit if facts.file_type == "image" else rules.other_limit
        if (facts.mime or "").startswith("video/"):
            limit = rules.video_limit
        if size > limit:
            raise Refusal(400, TOO_LARGE)
        legacy = {"metadata": media.legacy(path, facts)} if "metadata" in wanted.response_fields else {}
        return placing.describe(facts, size) | {"embeddedMetadata": media.embedded(path)}, legacy

    def _place(self, attempt: Attempt, version: str, found: Details) -> Details:
        """Give the file its place and version, in one transaction."""
        store, rules, wanted = attempt.store, attempt.rules, attempt.wanted
        with store.transaction():
            name, there = placing.find_place(store, wanted, rules)
            number = placing.next_number(store, there, rules)
            details = placing.merge(wanted, there, name, (version, number)) | found
            store.add_version(wanted.folder, details, number, attempt.now + attempt.index_delay)
        return details

    def _reply(self, attempt: Attempt, details: Details) -> Response:
        wanted, account = attempt.wanted, self._account
        if wanted.transformation.get("pre"):
            return JSONResponse(replies.PRE_QUEUED, status_code=202)
        fields = account.store.fields() if "selectedFieldsSchema" in wanted.response_fields else []
        return JSONResponse(replies.uploaded(details, wanted, fields, account.endpoint, account.rules))
