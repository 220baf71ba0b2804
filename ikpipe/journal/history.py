"""What is known of rows from before: from an earlier run's results, or from the journal of a process that ended."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from ikpipe.request.names import as_sent, place
from ikpipe.request.planner import path_of
from ikpipe.request.recovery import PriorAttempts
from ikpipe.request.result import KINDS, SETTLED, Result
from ikpipe.request.secrets import Secret
from ikpipe.request.token import UploadToken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ikpipe.frames.chunks import Chunk
    from ikpipe.journal.entries import RowPrepared, RowRecord, RunJournal
    from ikpipe.request.content_hash import ContentHashes

_JSON = json.JSONEncoder(default=str)


class ExpectedFile(NamedTuple):
    """Where a row's file would be: its path in the library, its size in bytes, and since when it can be there.

    `size` is None where it is not known. `since`, in seconds since 1970, tells a new version of a file that is replaced
    from the one before; None where nobody else can have taken the name.
    """

    path: str
    size: int | None
    since: float | None = None


class RowHistory(NamedTuple):
    """What is known of one row.

    `result` is its last word; `begun` how it was to be sent, and `token` with which token it may have been; `first`
    and `last` are the times of its requests, in seconds since 1970, `sent` their number; `guess`: one was a guess.
    """

    result: Result
    begun: RowPrepared | None = None
    token: UploadToken | None = None
    first: float | None = None
    last: float | None = None
    sent: int = 0
    guess: bool = False

    @property
    def in_doubt(self) -> bool:
        """Whether the file may be stored, and nobody knows."""
        return self.result.status == "unknown"

    @property
    def fields(self) -> dict[str, str] | None:
        """The parameters that were signed."""
        return None if self.begun is None else json.loads(self.begun.fields)

    def sought(self, clock_skew: float) -> ExpectedFile | None:
        """Say where its file would be, if that is known."""
        if self.begun is None:
            path = self.result.file_path  # noted only for names that were made for one row
            return None if path is None else ExpectedFile(as_sent(path, self.result.name), self.result.size)
        since = None if self.begun.own_name or self.first is None else self.first - clock_skew
        return ExpectedFile(path_of(json.loads(self.begun.fields)), self.begun.size, since)

    def past(self, *, held: bool) -> PriorAttempts:
        """Say it in the words of the row's machine, whose clock is `time.monotonic`."""
        ago = max(time.time() - self.last, 0.0) if self.last is not None else 0.0
        return PriorAttempts(self.result, time.monotonic() - ago, held, self.sent, self.guess)


def of_results(results: Iterable[Result], start: int = 0) -> dict[int, RowHistory]:
    """Take from an earlier run's results the rows that are up, and those in doubt, by position."""
    kept = SETTLED | {"unknown"}
    return {position: RowHistory(one) for position, one in enumerate(results, start) if one.status in kept}


def of_stories(
    stories: Iterable[tuple[int, RowRecord]], sign: Callable[..., UploadToken] | None
) -> dict[int, RowHistory]:
    """Take what a journal knows, by position; rows of which nothing can have left are left out.

    Parameters
    ----------
    stories
        What `Journal.stories` gives.
    sign
        Signs fields with given times: the tokens that may have left, made again; None where they are in the journal.
    """
    found = {}
    for position, story in stories:
        if (known := _known(story, sign)) is not None:
            found[position] = known
    return found


def by_path(known: Mapping[int, RowHistory]) -> dict[str, RowHistory]:
    """Arrange those in doubt by where their files would be: in results, rows may have come or gone since.

    A row that was sent before names were replaced is found by the path to which it would be sent today, too.
    """
    doubts = {path_of(one.fields or {}): one for one in known.values() if one.in_doubt and one.begun is not None}
    return {place(path, "stored"): one for path, one in doubts.items()} | doubts


def _known(story: RowRecord, sign: Callable[..., UploadToken] | None) -> RowHistory | None:
    result = None if story.result is None else read(story.result)
    if result is not None and result.status != "unknown":
        return RowHistory(result)
    if not story.intents or story.begun is None or (result is None and story.settled):
        return None
    last = story.intents[-1]
    text = last.token
    token = UploadToken(Secret(text), last.iat, last.exp) if text is not None else None
    if sign is not None:
        token = sign(json.loads(story.begun.fields), last.iat, last.exp)
    return RowHistory(
        result or _lost(story.begun),
        story.begun,
        token,
        story.intents[0].at,
        last.at,
        len(story.intents),
        any(intent.guess for intent in story.intents),
    )


def _lost(begun: RowPrepared) -> Result:
    """Say what became of a request that was under way when its process ended."""
    result = Result("unknown", "connection_lost", "the process ended while it was being sent")
    if begun.own_name:
        fields = json.loads(begun.fields)
        result.name, result.file_path = fields["fileName"], path_of(fields)
    return result


def write(result: Result) -> str:
    """Write a result as JSON; what is None is left out."""
    return _JSON.encode({name: value for name in KINDS if (value := getattr(result, name)) is not None})


def read(text: str) -> Result:
    """Read what `write` wrote."""
    values: Mapping[str, Any] = json.loads(text)
    return Result(**values)


class OpenJournal(NamedTuple):
    """The journal of a run.

    `same` are the rows of which it is known that it has them as they are in the table; None where each chunk is to be
    compared. `fresh`: nothing is in it yet. `sign` makes tokens again, where the key is here. `contents` are hashes of
    rows that may have changed; None: they have not.
    """

    journal: RunJournal
    same: int | None = None
    fresh: bool = False
    sign: Callable[..., UploadToken] | None = None
    contents: ContentHashes | None = None

    def known(self, chunk: Chunk) -> dict[int, RowHistory]:
        """Give what it knows of a chunk's rows, by position."""
        if self.fresh:
            return {}
        return of_stories(self.journal.stories(chunk.start, chunk.start + len(chunk.frame)), self.sign)
