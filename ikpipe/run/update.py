"""`update`: change files of the media library in place, row by row."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Unpack

from ikpipe.concurrency.interrupts import CURRENT_CONTROL, RunControl, to_sync
from ikpipe.errors import AccountError, Error, MappingError, did_you_mean
from ikpipe.frames.adapters import Frame
from ikpipe.frames.chunks import Chunk, InMemoryTable
from ikpipe.frames.edits import Change, with_changes
from ikpipe.frames.update_mapping import UpdateMapping
from ikpipe.request.formats import FORMATS
from ikpipe.request.parameters import PATH, UPDATE_TABLE, python_name
from ikpipe.request.policy import Policy
from ikpipe.request.update_requests import UpdateBuilder
from ikpipe.run.job import UploadJob
from ikpipe.run.keywords import UpdateKeywords, listed_keywords
from ikpipe.run.prepare import collect_mapping, known_metadata_fields, log_warning, report_mapping
from ikpipe.run.progress import Progress, display
from ikpipe.run.update_rows import CANCELLED, RowUpdate, UpdateRows, ended, invalid
from ikpipe.service.client import ServiceClient

if TYPE_CHECKING:
    from ikpipe.request.account import Account

AT_ONCE = 500  # rows whose files are looked up together
MOST_UNREAD = 3  # groups of rows in a row whose files cannot be read, before the run stops


@listed_keywords(UpdateKeywords)
async def _update(
    frame: Frame, account: Account, *, dry_run: bool = False, **keywords: Unpack[UpdateKeywords]
) -> Frame:
    """Change files of the media library in place: tags, custom metadata, description, publication, name and folder.

    Nothing is uploaded again, and only what differs is sent. A parameter that a row does not give, and an empty cell,
    leave a detail as it is. ``docs/library.md`` describes it.

    Parameters
    ----------
    frame
        n rows: a pandas or polars DataFrame, or a pyarrow Table, such as from `upload`, `read_results` or `files`.
        Files are identified by ``ik_file_id`` or ``fileId``, else by ``ik_file_path`` or ``filePath``.
    account
        Must have the private key.
    columns
        Parameter → column, as for `upload`; also `file_id` and `file_path`. `file_name` and `folder`, which rename and
        move files, are never taken from columns of these names unless they are mapped here.
    ignore, tag_separator, decimal, true_values, false_values
        As for `upload`.
    file_id, file_path
        The file, for all rows; ``{column}`` in the text is replaced. Paths are used as they are.
    add_tags, remove_tags
        Tags to add and to remove; others stay. `tags` sets all of them instead.
    unset
        Details to remove: ``"description"``, ``"tags"``, ``"custom_coordinates"``, ``"custom_metadata"``, or one field
        such as ``"custom_metadata.brand"``.
    dry_run
        Whether to only report what would be changed; files are read, and nothing is changed.
    progress
        As for `upload`.
    policy
        Its `changes` and `look_ups` are the maximum numbers of requests per second.
    timeout, transport
        As for `upload`.
    **parameters
        `tags`, `custom_metadata`, `description`, `custom_coordinates`, `is_published`, `is_private_file` (which the
        service can only set in an upload, so a row that would change it fails), `file_name`, `folder`; or `path`, which
        sets these two together.

    Returns
    -------
    pandas.DataFrame, or what the input was
        The same rows, with `ik_change`: ``planned`` (a dry run), ``done``, ``unchanged`` (the file has these details
        already), ``absent`` (there is no such file), ``failed``, ``cancelled`` (after Ctrl-C), or ``none`` (the row
        names no file, or nothing to change); and `ik_change_message`, which says what changes, or why not.

    Raises
    ------
    MappingError
        Columns, templates or keywords do not fit the frame; nothing was sent.
    AccountError
        There is no private key, or the service rejects it; ``.results`` has the rows so far.
    """
    mapping, asking = split_update_keywords(keywords)
    table, policy, progress = InMemoryTable(frame), asking.pop("policy", None) or Policy(), asking.pop("progress", True)
    job = UploadJob(table, mapping, reader=UpdateMapping)
    changes: list[Change] = []
    async with ServiceClient(policy=policy, **asking) as client:
        updater = Updater(job, client, account, policy, dry_run=dry_run, progress=progress)
        try:
            async for _, rows in updater.chunks():
                changes += rows
        except AccountError as error:
            changes += updater.part + [CANCELLED] * (len(table.frame) - len(changes) - len(updater.part))
            error.results = with_changes(table, changes, updater.summary())
            raise
    changed: Frame = with_changes(table, changes, updater.summary())
    return changed


update = to_sync(_update, "update")


def split_update_keywords(keywords: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the mapping, and the other keywords, of a call of `update`.

    Raise `MappingError` if it does not have a keyword; the message suggests one of a similar name.
    """
    names = [*UPDATE_TABLE, PATH]
    parameters = {name: value for name, value in keywords.items() if python_name(name) in names}
    others = {name: value for name, value in keywords.items() if name not in parameters}
    known = UpdateKeywords.__annotations__
    if unknown := [name for name in others if name not in known]:
        suggestion = did_you_mean(unknown[0], [*names, *known, "dry_run"], cutoff=0.7)
        raise MappingError(f"There is no update parameter {unknown[0]!r}{suggestion}.")
    columns, ignore = others.pop("columns", None), others.pop("ignore", ())
    formats = {name: others.pop(name) for name in FORMATS if name in others}
    return collect_mapping(columns, None, None, "server", parameters, formats, ignore), others


class Updater:
    """Updates the files of a job's rows.

    `client`, `account` and `policy` are those of the run. `dry_run`: files are only read. `progress` is as for
    `ikpipe.upload`. `part` has the outcomes of the rows of a chunk that was not completed.
    """

    def __init__(
        self,
        job: UploadJob,
        client: ServiceClient,
        account: Account,
        policy: Policy,
        *,
        dry_run: bool,
        progress: Any = False,
    ) -> None:
        account.key()  # raises if there is none, before any request
        self._job, self._client, self._account, self._policy, self._dry = job, client, account, policy, dry_run
        self._control = CURRENT_CONTROL.get() or RunControl()
        self._display = display(progress, job.table.rows)
        self._progress, self._unread = Progress(job.table.rows), 0
        self.part: list[Change] = []
        job.first_mapping()

    def summary(self) -> dict[str, Any]:
        """Return the totals: rows by outcome."""
        return {
            "changes": dict(self._progress.counts),
            "rows": self._progress.done,
            "dry_run": self._dry,
            "mapping": dict(self._job.mapping),
            "effective_mapping": self._job.mapping_text,
        }

    async def chunks(self) -> AsyncIterator[tuple[Chunk, list[Change]]]:
        """Yield the parts of the table with the outcomes of their rows.

        Raise `AccountError` if the account's key is rejected, `Error` if the library cannot be read.
        """
        job, mapping = self._job, self._job.first_mapping()
        report_mapping(mapping, self._display)
        log_warning(job.similar_columns)
        self._client.sleep = self._control.sleep
        fields = await known_metadata_fields(self._client, self._account, mapping)
        builder = UpdateBuilder(fields, self._policy.names, mapping.formats)
        rows = UpdateRows(self._client, self._account, self._policy, self._control)
        try:
            for chunk in job.table.chunks():
                self.part = []
                for first in range(0, len(chunk.frame), AT_ONCE):
                    part = chunk.part(first, first + AT_ONCE)
                    await self._update(rows, builder, part)
                yield chunk, self.part
                self.part = []
        finally:
            rows.close()
            self._display.close()

    async def _update(self, rows: UpdateRows, builder: UpdateBuilder, part: Chunk) -> None:
        """Update the files of some rows, and add their outcomes."""
        if self._control.draining:
            self._end([CANCELLED] * len(part.frame))
            return
        requests = [request for _, request in self._job.requests(builder, part)]
        valid = [None if isinstance(one, list) else one for one in requests]
        decided = await self._decided(rows, valid, part.start)
        outcomes = [
            invalid(one) if isinstance(one, list) else row or CANCELLED
            for one, row in zip(requests, decided, strict=True)
        ]
        try:
            if not self._dry:
                await rows.apply([row for row in outcomes if isinstance(row, RowUpdate)])
        except AccountError:
            self._end([row if isinstance(row, Change) else row.interrupted() for row in outcomes])
            raise
        self._end([ended(row, dry_run=self._dry) for row in outcomes])

    async def _decided(
        self, rows: UpdateRows, requests: Sequence[Any], start: int
    ) -> Sequence[Change | RowUpdate | None]:
        """Return what rows change, or how they end without a change; None for rows without a request."""
        try:
            decided = await self._control.unless_draining(rows.decide(requests, start, {}, self._job.table.label))
        except AccountError:
            raise
        except Error as error:
            self._unread += 1
            if self._unread == MOST_UNREAD:
                raise
            return [Change("failed", f"The media library could not be read: {error.text}")] * len(requests)
        self._unread = 0
        return [None] * len(requests) if decided is None else decided

    def _end(self, changes: Sequence[Change]) -> None:
        self.part += changes
        self._progress.counts.update(one.change for one in changes)
        self._display(self._progress)
