"""Which files of the media library the rows of a table would replace: warnings of `check`."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ikpipe.concurrency.interrupts import CURRENT_CONTROL, RunControl
from ikpipe.concurrency.rate import RateLimiter
from ikpipe.errors import CODES, WARNINGS, AccountError, Error, InvalidValue, Problem, quoted
from ikpipe.run.existing.known_files import version_number, version_warning
from ikpipe.run.existing.library_files import LibraryFiles
from ikpipe.run.existing.requests import PacedRequests
from ikpipe.run.existing.rules import OnExisting

if TYPE_CHECKING:
    from ikpipe.request.account import Account
    from ikpipe.request.planner import UploadRequest
    from ikpipe.request.policy import Policy
    from ikpipe.request.rows import MappedRows
    from ikpipe.service.client import ServiceClient

_log = logging.getLogger("ikpipe.run")


class TargetCheck:
    """Looks up the targets of rows with fixed names.

    `account` is None, or without a private key, where nothing can be looked up. `on_existing` is as for
    `ikpipe.upload`; with ``"skip"`` and ``"sync"`` an existing file is what the caller expects.
    """

    def __init__(
        self, client: ServiceClient, account: Account | None, policy: Policy, on_existing: OnExisting | None
    ) -> None:
        self._on_existing = on_existing
        self._library: LibraryFiles | None = None
        if account is not None and account.private_key is not None and on_existing not in ("skip", "sync"):
            control = CURRENT_CONTROL.get() or RunControl()
            pace = RateLimiter(policy.look_ups)
            self._library = LibraryFiles(PacedRequests(client, account, pace, control.sleep, policy.first_wait), policy)

    def close(self) -> None:
        """Delete what was listed."""
        if self._library is not None:
            self._library.close()

    async def problems(self, rows: Sequence[tuple[MappedRows, UploadRequest]]) -> list[Problem]:
        """Return the problems of rows at whose targets there are files.

        Raise `AccountError` if the account's key is rejected.
        """
        fixed = [row for row in rows if row[1].fields.get("useUniqueFileName") == "false"]
        if self._library is None or not fixed:
            return []
        try:
            files = await self._library.at([request for _, request in fixed])
        except AccountError:
            raise
        except Error as error:
            _log.warning("The media library could not be read, so that existing files were not checked: %s", error.text)
            self._library = None
            return []
        return [
            problem
            for (mapped, request), file in zip(fixed, files, strict=True)
            if file is not None
            for problem in self._of(mapped, request, file)
        ]

    def _of(self, rows: MappedRows, request: UploadRequest, file: Mapping[str, Any]) -> list[Problem]:
        """Return the problems of a row at whose target there is a file."""
        offset, path = request.position - rows.start, quoted(str(file.get("filePath")))
        if self._on_existing == "error" or request.fields.get("overwriteFile") == "false":
            taken = InvalidValue("name_taken", f"The media library has a file {path}.", CODES["name_taken"].fix)
            return [rows.problem(offset, "file_name", taken)]
        words = f"The upload would replace the file {path}."
        found = [InvalidValue("replaces_file", words, WARNINGS["replaces_file"].fix)]
        if (versions := version_warning(version_number(file))) is not None:
            found.append(InvalidValue("many_versions", versions, WARNINGS["many_versions"].fix))
        return [rows.problem(offset, "file_name", one, "warning") for one in found]
