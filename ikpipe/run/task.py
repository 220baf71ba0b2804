"""One row while it is uploaded: its request, what is known of it from before, and what happened since."""

import time
from dataclasses import dataclass, field
from typing import Any, Self

from ikpipe.errors import Problem
from ikpipe.journal.history import ExpectedFile, RowHistory
from ikpipe.request.planner import UploadRequest
from ikpipe.request.reply import UploadReply, check_details
from ikpipe.request.result import CANCELLED, Result
from ikpipe.request.sources import FileSource
from ikpipe.request.token import UploadToken
from ikpipe.run.existing.decision import NEW, Action, as_new, as_replacement


@dataclass(slots=True)
class UploadTask:
    """One row while it is uploaded. What happens to it is noted by its methods alone.

    Attributes
    ----------
    label, position
        The row's index label, and its position in the table.
    request
        What to send; None for a row that breaks a rule.
    invalid
        The result of a row that breaks a rule, should it have to be sent.
    history
        What an earlier run or process left of the row; None if it is new.
    token, source
        The token of the last request, and the file that was downloaded for it.
    expected
        The file that a search of the library looks for; None where that is not known.
    first_sent
        When the first request may have been sent, in seconds since 1970, by this run or another one.
    attempted, is_retry
        Whether this run made an attempt, and whether one that counts against the retry budget.
    recorded
        Whether the journal has the parameters of the request.
    action, plain
        What the row does about the file at its target, and the request before that was decided; None if the run does
        not decide it.
    unconfirmed
        Whether a request may have stored the file, without a reply that says so.
    cut_short
        Whether the run was stopped before another attempt.
    result
        The row's result so far: what it ends with if the run is stopped now.
    """

    label: Any
    position: int
    request: UploadRequest | None
    invalid: Result | None = None
    history: RowHistory | None = None
    token: UploadToken | None = None
    source: FileSource | None = None
    expected: ExpectedFile | None = None
    first_sent: float | None = None
    attempted: bool = False
    is_retry: bool = False
    recorded: bool = False
    unconfirmed: bool = False
    cut_short: bool = False
    action: Action = NEW
    plain: UploadRequest | None = None
    result: Result = field(default_factory=lambda: Result("cancelled", "cancelled", CANCELLED.message))

    @classmethod
    def from_history(
        cls,
        label: Any,
        position: int,
        request: UploadRequest | None,
        history: RowHistory | None,
        clock_skew: float,
        *,
        invalid: Result | None = None,
        shared_since: float | None = None,
    ) -> Self:
        """Return the task of a row; one with a history was left unknown by an earlier run or process.

        `label`, `position`, `request`, `history` and `invalid` are the attributes. `clock_skew` are the seconds by
        which this machine's clock may differ from the service's. `shared_since` is when others may have started to send
        the same row, in seconds since 1970; None: nobody does.
        """
        if history is None:
            return cls(label, position, request, invalid, first_sent=shared_since)
        prepared, token, expected = history.prepared, None, None
        if prepared is not None or request is None or request.own_name:
            expected = history.expected_file(clock_skew)
        request = None if request is None else request.with_earlier_fields(history.fields)
        # Only the very same request may use its token again. A file that is downloaded may have changed since.
        same = (
            request is not None
            and prepared is not None
            and (request.fields, request.stored_size) == (history.fields, prepared.size)
            and request.source.kind != "fetch"
        )
        if same and history.token is not None and history.token.exp > time.time():
            token = history.token
        times = [when for when in (shared_since, history.first_sent) if when is not None]
        return cls(
            label,
            position,
            request,
            invalid,
            history,
            token,
            expected=expected,
            first_sent=min(times, default=None),
            recorded=same,
            unconfirmed=True,
            result=history.result,
        )

    def decided(self, action: Action) -> None:
        """Note what the row does about the file at its target, and make its request so.

        A target that is believed to be free is not overwritten: the service checks it again.
        """
        assert self.request is not None  # noqa: S101 - for mypy
        self.plain, self.action = self.request, action
        if action.kind == "upload":
            self.request = as_new(self.request)
        elif action.kind == "replace" and action.file is not None:
            self.request = as_replacement(self.request, action.file)

    def recovered(self, action: Action) -> None:
        """Note that an earlier process may have sent the row, which is found out first.

        Should it be sent again, it is as that process decided, given what was there before; nothing is replaced where
        that is not known. `action` is what the row would do if it were new.
        """
        assert self.request is not None  # noqa: S101 - for mypy
        self.plain, self.action = self.request, NEW._replace(fingerprint=action.fingerprint)
        if self.expected is not None and action.fingerprint.kind and self.size is not None:
            # A file with another content is not what was sent.
            self.expected = self.expected._replace(earlier=action.replaced_version)
        fields = None if self.history is None else self.history.fields
        self.request = as_new(self.request) if fields is None else self.request._replace(fields=fields)

    @property
    def planned(self) -> UploadRequest:
        """The request of a task that has one."""
        assert self.request is not None  # noqa: S101 - for mypy
        return self.request

    @property
    def assumed_new(self) -> bool:
        """Whether the row is sent as if there were no file at its target."""
        return self.plain is not None and self.action.kind == "upload"

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """Warnings about values of the row that are not sent as they are in the table."""
        return () if self.request is None else self.request.warnings

    @property
    def size(self) -> int | None:
        """The size in bytes of the stored file, where it is known; that of a download is known once it is here."""
        if self.request is None:
            return None
        if self.source is not None and "transformation" not in self.request.fields:
            return self.source.size
        return self.request.stored_size

    @property
    def fixed_name(self) -> bool:
        """Whether the file's path is known before it is stored: a name that ImageKit makes is not."""
        return self.request is not None and self.request.fields.get("useUniqueFileName") == "false"

    @property
    def locatable(self) -> bool:
        """Whether the library can be searched for the row, before its first request and after it."""
        if self.expected is not None:
            return True
        # A name that ImageKit made, or that an earlier run made without recording it, is not known.
        return self.request is not None and self.fixed_name and not (self.request.own_name and self.history is not None)

    def expected_file(self) -> ExpectedFile | None:
        """Return the file to search for; None if a search could prove nothing.

        If it is not known since when the file may be stored, a file of that name and size may be an older version of
        it, unless the request replaces none.
        """
        if self.expected is not None or self.request is None:
            return self.expected
        replaces_none = self.request.fields.get("overwriteFile") == "false" and self.request.stored_size is not None
        return ExpectedFile(self.request.given_target, self.request.stored_size) if replaces_none else None

    def admitted(self) -> None:
        """Note that an attempt is made, which may end before anything is sent."""
        self.attempted = True

    def downloaded(self, source: FileSource | None) -> None:
        """Note where the downloaded file is."""
        self.source = source

    def download_failed(self) -> None:
        """Note that a download failed."""
        self.is_retry = True

    def signed(self, token: UploadToken | None) -> None:
        """Note the token of the next request."""
        self.token = token

    def intended(self, now: float, clock_skew: float, *, fresh: bool, guess: bool) -> None:
        """Note that a request is about to be sent: from now on the file may be stored.

        `now` is in seconds since 1970, by this machine's clock. `clock_skew` are the seconds by which that may differ
        from the service's clock. `fresh` and `guess` are as for `SendStep`.
        """
        self.recorded = True
        self.first_sent = now if self.first_sent is None else self.first_sent
        if fresh and not guess:
            self.unconfirmed = False
        if fresh and self.request is not None:
            since = None if self.request.own_name else self.first_sent - clock_skew
            earlier = self.action.replaced_version or (self.expected and self.expected.earlier)
            expected = ExpectedFile(self.request.target, self.size, since, earlier)
            self.expected = expected if self.fixed_name else None
        # What stays if the run is stopped before a reply is here.
        words = "The run was stopped while the row was being sent."
        self.result = self.with_target(Result("unknown", "connection_lost", words))

    def answered(self, reply: UploadReply) -> UploadReply:
        """Note that a request was sent; return its reply as far as it is about this row's file."""
        self.is_retry = True
        reply = reply._replace(result=self._verified(self.with_target(reply.result)))
        foreign = reply.result.status == "unknown" and reply.result.error == "bad_reply"
        return reply._replace(own=False) if foreign else reply

    def concluded(self, reply: UploadReply) -> bool:
        """Note what a reply says of the row; return whether it is certain that nothing is stored."""
        taken = self.request is not None and self.request.own_name and reply.result.error == "name_taken"
        self.unconfirmed = self.unconfirmed or reply.ambiguous or taken
        failed = reply.result.status == "failed"
        # A rejection says nothing of the request before it, whose reply was lost.
        if not (self.unconfirmed and failed):
            self.result = reply.result
        return failed and not self.unconfirmed

    def with_target(self, result: Result) -> Result:
        """Add to a result where the file is or would be, so that a later run can search for it too."""
        request = self.request
        if (
            request is not None
            and request.own_name
            and result.status in ("unknown", "exists", "accepted")
            and result.file_path is None
        ):
            result.name, result.file_path = request.fields["fileName"], request.target
        return result

    def _verified(self, result: Result) -> Result:
        """Check that what was stored is what was sent: details of another file say nothing of this one."""
        if result.status == "uploaded" and self.request is not None:
            result = check_details(result, self.request.target, self.size, unique=not self.fixed_name)
        if result.status == "uploaded" and self.size is not None and result.size not in (None, self.size):
            words = f"{self.size:,} bytes were sent, but ImageKit stored {result.size:,}."
            result.status, result.error, result.message = "failed", "size_differs", words
        return result
