"""`plan`: what `upload` would do with each row, and why, without doing it."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Unpack

from ikpipe.concurrency.interrupts import CURRENT_CONTROL, RunControl, to_sync
from ikpipe.concurrency.rate import RateLimiter
from ikpipe.errors import Problem, quoted, sentences
from ikpipe.frames.adapters import Frame
from ikpipe.frames.chunks import Chunk, InMemoryTable
from ikpipe.frames.plans import PlannedRow, planned_table
from ikpipe.request.policy import Policy
from ikpipe.request.suffixes import SuffixByContent
from ikpipe.run.existing.decision import NEW, SENT, Action
from ikpipe.run.existing.duplicates import content_key
from ikpipe.run.existing.existing_files import ExistingFiles
from ikpipe.run.existing.fingerprints import FingerprintReader
from ikpipe.run.existing.known_files import version_number, version_warning
from ikpipe.run.existing.requests import PacedRequests
from ikpipe.run.existing.state import open_state
from ikpipe.run.job import UploadJob
from ikpipe.run.keywords import PlanKeywords, listed_keywords, split_keywords
from ikpipe.run.prepare import log_warning, report_mapping, request_builder
from ikpipe.service.client import ServiceClient

if TYPE_CHECKING:
    from ikpipe.request.account import Account
    from ikpipe.request.planner import RequestBuilder, UploadRequest
    from ikpipe.request.rows import MappedRows

AT_ONCE = 500  # rows whose targets are looked up together


@listed_keywords(PlanKeywords)
async def _plan(frame: Frame, account: Account, **keywords: Unpack[PlanKeywords]) -> Frame:
    """Return what `upload` would do with each row, without doing it: nothing is sent or changed.

    Parameters
    ----------
    frame
        n rows: a table as for `upload`; it is never changed.
    account
        Must have the private key, with which the media library is read.
    columns, ignore, root, file_kind, fetch, fetch_hosts, tag_separator, decimal, true_values, false_values
        As for `upload`.
    on_existing, changed_by, dedupe, state, run, timeout, policy, transport, **parameters
        As for `upload`.

    Returns
    -------
    pandas.DataFrame, or what the input was
        n rows: the input's index, order and columns, then `ik_action`, `ik_target` (path in the library), `ik_reason`,
        `ik_bytes` (size of the file, if it is known), `ik_file_id` and `ik_versions` (of the file that is there now).
        Actions are ``upload``, ``replace``, ``update``, ``skip``, ``unchanged``, ``duplicate``, ``error`` and
        ``invalid``. ``attrs["ikpipe"]["actions"]`` counts them; `ikpipe.summary` shows the totals.

    Raises
    ------
    MappingError
        Columns, templates or keywords do not fit the frame.
    AccountError
        There is no private key, or ImageKit rejected it.
    Error
        The media library could not be read.
    """
    state, run = keywords.pop("state", None), keywords.pop("run", None)
    mapping, asking = split_keywords(_plan, PlanKeywords, keywords)
    policy = asking.pop("policy", None) or Policy()
    table = InMemoryTable(frame)
    job = UploadJob(table, mapping)
    async with ServiceClient(policy=policy, **asking) as client:
        planner = Planner(job, client, account, policy, state, run)
        rows = [row async for chunk in planner.chunks() for row in chunk[1]]
    planned: Frame = planned_table(table, rows, planner.summary())
    return planned


plan = to_sync(_plan, "plan", drains=False)


class DecidedRow(NamedTuple):
    """What would be done with a row; its request, or its problems; and with the latter, the rows that it is one of."""

    planned: PlannedRow
    request: UploadRequest | list[Problem]
    action: Action
    rows: MappedRows | None = None


class Planner:
    """Plans the rows of a job.

    `client`, `account` and `policy` are those of the run. `state` and `run` are as for `ikpipe.upload`, `within` is as
    for `LibraryFiles`.
    """

    def __init__(
        self,
        job: UploadJob,
        client: ServiceClient,
        account: Account,
        policy: Policy,
        state: str | Path | None = None,
        run: str | None = None,
        within: str | None = None,
    ) -> None:
        account.key()  # raises if there is none, before any request
        self._job, self._client, self._account, self._policy = job, client, account, policy
        self._state, self._run, self._within = state, run, within
        self._first: dict[tuple[str, str], int] = {}
        self.actions: Counter[str] = Counter()
        self.bytes = 0

    def summary(self) -> dict[str, Any]:
        """Return the totals: rows by action, and the known bytes of the files that would be sent."""
        return {
            "actions": dict(self.actions),
            "rows": self.actions.total(),
            "bytes": self.bytes,
            "mapping": self._job.shown_mapping,
            "effective_mapping": self._job.mapping_text,
        }

    async def chunks(self) -> AsyncIterator[tuple[Chunk, list[PlannedRow]]]:
        """Yield the parts of the table with what would be done with each row.

        Raise as `ikpipe.plan` does.
        """
        async for chunk, rows in self.decisions():
            yield chunk, [row.planned for row in rows]

    async def decisions(self) -> AsyncIterator[tuple[Chunk, list[DecidedRow]]]:
        """Yield the parts of the table with what would be done with each row, and its request; raise as `chunks`."""
        job = self._job
        mapping = job.first_mapping()
        job.check_changed_by()
        names = self._policy.names
        suffixes = None if self._run is None else SuffixByContent(self._run, Counter())
        builder = await request_builder(
            self._client, self._account, job.mapping, mapping, suffixes, job.table.label, names=names
        )
        report_mapping(mapping)
        log_warning(job.similar_columns)
        files = await self._files()
        try:
            for chunk in job.table.chunks():
                rows: list[DecidedRow] = []
                for first in range(0, len(chunk.frame), AT_ONCE):
                    rows += await self._rows(files, builder, chunk.part(first, first + AT_ONCE))
                yield chunk, rows
        finally:
            await files.close()

    async def _files(self) -> ExistingFiles:
        rules, policy, client = self._job.existing, self._policy, self._client
        control = CURRENT_CONTROL.get() or RunControl()
        reads = PacedRequests(client, self._account, RateLimiter(policy.look_ups), control.sleep, policy.first_wait)
        state = None
        if rules.needs_state or self._state is not None:
            state = await open_state(self._state, self._account, client, dry_run=True)
        reader = None if state is None else FingerprintReader(rules.changed_by, client, state.hashes)
        rows, within = self._job.table.rows, self._within
        return ExistingFiles(rules, reads, None, policy, state, reader, control.sleep, rows, looks=True, within=within)

    async def _rows(self, files: ExistingFiles, builder: RequestBuilder, part: Chunk) -> list[DecidedRow]:
        """Return what would be done with some rows."""
        mapped = self._job.requests(builder, part)
        planned = [request for _, request in mapped]
        cells = self._job.change_cells(part.frame)
        valid = [(at, request) for at, request in enumerate(planned) if not isinstance(request, list)]
        actions = await files.decide(
            [request for _, request in valid], None if cells is None else [cells[at] for at, _ in valid]
        )
        decided = {
            at: DecidedRow(self._row(request, action), request, action)
            for (at, request), action in zip(valid, actions, strict=True)
        }
        rows = [
            decided[at] if not isinstance(request, list) else DecidedRow(_invalid(request), request, NEW, values)
            for at, (values, request) in enumerate(mapped)
        ]
        for row in rows:
            self.actions[row.planned.action] += 1
            self.bytes += row.planned.bytes or 0
        return rows

    def _row(self, request: UploadRequest, action: Action) -> PlannedRow:
        """Return what would be done with a row."""
        action = self._shared(request, action)
        if action.kind == "upload" and request.fields.get("useUniqueFileName") != "false":
            action = action._replace(reason="Its name gets a suffix that makes it unique.")
        elif request.own_name and action.file is not None:
            action = action._replace(kind="unchanged", reason="An earlier attempt of this run stored it.")
        number = version_number(action.file)
        versions = version_warning(number) if action.kind == "replace" else None
        reason = sentences(action.reason, versions, *(one.message for one in request.warnings))
        file_id = None if action.file is None else action.file.get("fileId")
        size = _size(request, action) if action.kind in SENT else None
        return PlannedRow(action.kind, request.target, str(reason), size, file_id, number if number > 0 else None)

    def _shared(self, request: UploadRequest, action: Action) -> Action:
        """Return a row's action, given the rows before it that have the same content."""
        key = content_key(request, action.fingerprint) if self._job.existing.dedupe else None
        if key is None or action.kind not in SENT:
            return action
        first = self._first.setdefault(key, request.position)
        if first == request.position:
            return action
        return Action("duplicate", f"Row {quoted(self._job.table.label(first))} has the same content and parameters.")


def _size(request: UploadRequest, action: Action) -> int | None:
    """Return the size of a row's file in bytes, if it is known."""
    return action.fingerprint.size if request.source.size is None else request.source.size


def _invalid(problems: Sequence[Problem]) -> PlannedRow:
    errors = [problem for problem in problems if problem.severity == "error"]
    return PlannedRow("invalid", None, str(sentences(*(problem.message for problem in errors))))
