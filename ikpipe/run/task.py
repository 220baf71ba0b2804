"""A row on its way: its job, what is known of it, where its file would be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ikpipe.journal.history import ExpectedFile
from ikpipe.request.reply import placed
from ikpipe.request.result import Result

if TYPE_CHECKING:
    from ikpipe.errors import Problem
    from ikpipe.journal.history import RowHistory
    from ikpipe.request.planner import UploadRequest
    from ikpipe.request.sources import FileSource
    from ikpipe.request.token import UploadToken


@dataclass(slots=True)
class UploadTask:
    """A row on its way, and what its next step needs of those before.

    `job` is None where the row breaks a rule, and `instead` what it ends with when it would be sent. `known` is what is
    left of an earlier run or process. `sought` is where its file would be, `since` when its first request left, `begun`
    whether the journal has its parameters, `doubted` whether a request of it is in doubt. `tries` counts its attempts
    in this run, also those that could not be signed. `result` is its last word so far.
    """

    label: Any
    position: int
    job: UploadRequest | None
    instead: Result | None = None
    known: RowHistory | None = None
    token: UploadToken | None = None
    source: FileSource | None = None
    sought: ExpectedFile | None = None
    since: float | None = None
    sent: int = 0
    tries: int = 0
    downloads: int = 0  # that failed
    begun: bool = False
    doubted: bool = False
    result: Result = field(default_factory=lambda: Result("cancelled", "cancelled", "the run stopped first"))

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What of the row is not sent as given."""
        return () if self.job is None else self.job.warnings

    @property
    def size(self) -> int | None:
        """The bytes that the stored file must have, where that is known; a download has them once it is here."""
        if self.job is None:
            return None
        fetched = self.source is not None and "transformation" not in self.job.fields
        return self.source.size if fetched and self.source is not None else self.job.stored_size

    @property
    def fixed(self) -> bool:
        """Whether it is known where the file will be: a name that the service makes is not."""
        return self.job is not None and self.job.fields.get("useUniqueFileName") == "false"

    def departs(self, now: float, clock_skew: float, *, fresh: bool, guess: bool) -> None:
        """Note that a request leaves: from now on its file may be there."""
        self.begun = True
        self.since = now if self.since is None else self.since
        if fresh and not guess:
            self.doubted = False
        if fresh and self.job is not None:
            since = None if self.job.own_name else self.since - clock_skew
            self.sought = ExpectedFile(self.job.target, self.size, since) if self.fixed else None

    def to_look_for(self) -> ExpectedFile | None:
        """Say what to look for.

        Where nobody knows since when the file may be there, a namesake of that size may be an older version of it,
        unless none may be replaced.
        """
        if self.sought is not None or self.job is None:
            return self.sought
        kept = self.job.fields.get("overwriteFile") == "false" and self.job.stored_size is not None
        return ExpectedFile(self.job.given_target, self.job.stored_size) if kept else None

    def placed(self, result: Result) -> Result:
        """Note where the file is or would be, if no answer said so, so that a later run can look for it too."""
        job = self.job
        if (
            job is not None
            and job.own_name
            and result.status in ("unknown", "exists", "accepted")
            and result.file_path is None
        ):
            result.name, result.file_path = job.fields["fileName"], job.target
        return result

    def verified(self, result: Result) -> Result:
        """See that what was stored is what was sent: details of another file say nothing of this one."""
        job = self.job
        if result.status == "uploaded" and job is not None:
            result = placed(result, job.target, self.size, unique=not self.fixed)
        if result.status == "uploaded" and self.size is not None and result.size not in (None, self.size):
            words = f"{self.size:,} bytes were sent, and {result.size:,} are stored"
            result.status, result.error, result.message = "failed", "size_differs", words
        return result
