"""What becomes of a file that passed the checks: looked at, given its place and version, answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ikpipe.emulator.library import replies
from ikpipe.emulator.media import inspection
from ikpipe.emulator.refusals import Refusal
from ikpipe.emulator.upload import checks, placing
from ikpipe.emulator.upload.run_extensions import ExtensionRunner

if TYPE_CHECKING:
    from ikpipe.emulator.account import EmulatedAccount
    from ikpipe.emulator.log import Entry
    from ikpipe.emulator.media.facts import MediaFacts
    from ikpipe.emulator.store import Details
    from ikpipe.emulator.upload.form import FormSpool
    from ikpipe.emulator.upload.parameters import UploadParameters
    from ikpipe.emulator.upload.validators import UploadAttempt

TOO_LARGE = "Your request contains invalid file parameter. The file size exceeds limits."


class FileStorer:
    """Keeps files, for one account."""

    def __init__(self, account: EmulatedAccount) -> None:
        self._account = account
        self._extender = ExtensionRunner(account)

    def take_in(self, wanted: UploadParameters, spool: FormSpool, version: str) -> tuple[Details, Details]:
        """Read what the file says of itself, and move its bytes to where they stay; in any thread.

        The legacy metadata stand apart: they take longest, and nobody sees them but in an answer that asks for them.
        """
        self._check_size(spool.size, self._account.rules.largest)
        facts, embedded = inspection.look(spool.open(), spool.size, wanted.name)
        self._check_size(spool.size, self._limit(facts))
        path = self._account.store.bytes_of(version)
        spool.move(path)
        legacy = {"metadata": inspection.legacy(path, facts)} if "metadata" in wanted.response_fields else {}
        return placing.describe(facts, spool.size) | {"embeddedMetadata": embedded}, legacy

    def _check_size(self, size: int, limit: int) -> None:
        if size > limit:
            raise Refusal(400, TOO_LARGE)

    def _limit(self, facts: MediaFacts) -> int:
        rules = self._account.rules
        if facts.file_type == "image":
            return rules.image_limit
        return rules.video_limit if (facts.mime or "").startswith("video/") else rules.other_limit

    def keep(
        self, attempt: UploadAttempt, version: str, found: tuple[Details, Details], entry: Entry
    ) -> tuple[Details, dict[str, Any]]:
        """Give the file its place and version; in the event loop's thread, where nothing comes between.

        Gives its details, and the answer.
        """
        described, legacy = found
        if attempt.condition is not None:
            checks.check(attempt.condition, attempt.wanted, described)
        details, status = self._place(attempt, version, described)
        entry |= {
            "stored": True,
            "fileId": details["fileId"],
            "versionId": version,
            "version": details["versionInfo"]["name"],
            "filePath": details["filePath"],
        }
        if status:
            self._extender.finish_later(details, attempt.wanted.extensions, attempt.wanted.webhook_url)
        if self._account.rules.webhook_url is not None:
            self._tell(details)
        return details, self._reply(attempt, details | legacy, status)

    def _tell(self, details: Details) -> None:
        """Tell the account of a new file, or of a new version of one (`sdk`)."""
        first = details["versionInfo"]["id"] == details["fileId"]
        file = replies.listed(details, self._account.endpoint)
        body = {"created_at": details["updatedAt"], "data": file}
        self._account.webhooks.tell_account("file.created" if first else "file-version.created", body)

    def drop(self, version: str) -> None:
        """Remove a version's bytes, which nobody wants."""
        self._account.store.bytes_of(version).unlink(missing_ok=True)

    def _place(self, attempt: UploadAttempt, version: str, described: Details) -> tuple[Details, dict[str, str]]:
        store, rules, wanted = attempt.store, attempt.rules, attempt.wanted
        name, there = placing.find_place(store, wanted, rules)
        number = placing.next_number(store, there, rules)
        details = placing.merge(wanted, there, name, (version, number)) | described
        status: dict[str, str] = {}
        if wanted.extensions:
            details, status = self._extender.begin(details, wanted.extensions)
        store.add_version(wanted.folder, details, number, attempt.now + attempt.index_delay)
        return details, status

    def _reply(self, attempt: UploadAttempt, details: Details, status: dict[str, str]) -> dict[str, Any]:
        wanted, account = attempt.wanted, self._account
        fields = account.store.fields() if "selectedFieldsSchema" in wanted.response_fields else []
        return replies.uploaded(details, wanted, fields, account.endpoint, account.rules, status)
