"""The files that report a run: --summary, --metrics-file and --html, written however the command ends."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ikpipe.cli import output
from ikpipe.cli.exit_status import BAD_INPUT, INTERRUPTED, REFUSED, SOME_NOT
from ikpipe.cli.signals import ignored_signals
from ikpipe.cli.wording import in_options, say
from ikpipe.errors import AccountError, Error, FailuresError, OutageError
from ikpipe.frames.io.opening import STANDARD

if TYPE_CHECKING:
    import pandas as pd

    from ikpipe.run.job import UploadJob
    from ikpipe.run.ordering import ResultSink


def exit_status(error: BaseException) -> int:
    """Return the exit status of a command that an exception ended."""
    match error:
        case SystemExit():
            return int(error.code or 0)
        case KeyboardInterrupt():
            return INTERRUPTED
        case FailuresError():
            return SOME_NOT
        case AccountError() | OutageError():
            return REFUSED
        case Error() | OSError():
            return BAD_INPUT
    return SOME_NOT  # as of any Python program


class _Files(NamedTuple):
    """The files that a command is to write."""

    summary: str | None
    page: str | None
    metrics: str | None


_NO_FILES = _Files(None, None, None)


class RunReports:
    """The reports of a command's run: what is known of it, and where it is written.

    `recorder` counts its rows; `sample` has the rows that a page shows, None without a page.
    """

    def __init__(self, options: Namespace) -> None:
        from ikpipe.run.summaries import LISTED, SummaryRecorder

        names = ("summary", "html", "metrics_file")
        self._files, self._options = _Files(*(getattr(options, name, None) for name in names)), options
        kept, self.sample = LISTED, None
        if self._files.page is not None:
            from ikpipe.delivery.gallery.sample import LIMIT, GallerySample

            kept, self.sample = LIMIT, GallerySample(LIMIT)
        self.recorder = SummaryRecorder(options.command, kept, in_options)
        self.recorder.dry_run = bool(getattr(options, "dry_run", False)) or options.command in ("check", "plan")

    def sampled(self, sink: ResultSink, job: UploadJob) -> ResultSink:
        """Return a sink that keeps the rows of a job that a page shows, and passes all rows on."""
        self.recorder.lines = job.table.lines
        if self.sample is None:
            return sink
        self.sample.lines = job.table.lines
        self.sample.file = (job.mapping.get("columns") or {}).get("file", "file")
        return self.sample.sink(sink)

    def synced(self, frame: pd.DataFrame, *, dry: bool) -> None:
        """Count the rows of the results, or of the plan, of a sync."""
        self.recorder.synced(frame, dry=dry)
        if self.sample is not None and not dry:
            self.sample.add_frame(frame)

    def start(self) -> None:
        """Check that the files can be written, and note in the summary that the command runs.

        So a process that is killed does not leave the summary of the night before. Raise `Error` if a file cannot be
        written.
        """
        outputs = {"results": getattr(self._options, "out", None), **self._files._asdict()}
        one, *others = [what for what, file in outputs.items() if file == STANDARD] or [""]
        if others:
            words = f"Standard output cannot have both the {one} and the {others[0]}."
            raise Error(words, fix="Name a file for one.")
        texts = output.other_files(self._options, "summary", "html", "metrics_file")
        for option, file in zip(("--summary", "--html", "--metrics-file"), self._files, strict=True):
            if file not in (None, STANDARD):
                output.check_place(file, texts)
                texts[f"file of {option}"] = file
        summary = self._files.summary
        if summary is not None and summary != STANDARD and (Path(summary).is_file() or not Path(summary).exists()):
            try:
                self._write(summary, _json(self.recorder.document(running=True)))
            except OSError as error:
                words = f"{summary} cannot be written: {error.strerror or error}."
                raise Error(words, fix="Name another file.") from error

    def end(self, error: BaseException | None, status: int) -> None:
        """Write the files; one that cannot be written is reported, and changes nothing else."""
        if self._files == _NO_FILES:
            return
        document = self.recorder.document(error, status)
        with ignored_signals():
            summary, html, metrics = self._files
            if summary is not None:
                self._try(summary, lambda: [_json(document)])
            if metrics is not None:
                self._try(metrics, lambda: _metrics(document, metrics))
            if html is not None:
                self._try(html, lambda: self._page(document))

    def _try(self, file: str, content: Callable[[], Iterable[str]]) -> None:
        try:
            self._write(file, *content())
        except OSError as error:
            name = "standard output" if file == STANDARD else file
            say(f"error: {name} could not be written: {error.strerror or error}. The results are not affected.")

    def _write(self, file: str, *parts: str) -> None:
        """Write a file as a whole, or standard output."""
        if file == STANDARD:
            print(*parts, sep="", end="")  # noqa: T201
            return
        from ikpipe.frames.io.writing import replaced_file

        with replaced_file(Path(file)) as stream:
            stream.writelines(part.encode("utf-8", "replace") for part in parts)

    def _page(self, document: dict[str, Any]) -> Iterable[str]:
        """Return the page; it has the rows of the sample, or else those of the summary."""
        from ikpipe.delivery.gallery.report_page import Problem, ReportPage, problems_of

        recorder, options, sample = self.recorder, self._options, self.sample
        others = {} if sample is None else sample.others
        problems = [
            Problem(one.group, others.get(one.group.code or "") or one.entries)
            for one in problems_of(recorder.groups, recorder.lines)
        ]
        names = ("table", "source", "journal")
        about = next((text for name in names if (text := getattr(options, name, None)) is not None), None)
        of = "" if about is None else f" of {'standard input' if about == STANDARD else Path(about).name or about}"
        out = getattr(options, "out", None)
        hint = f"{out} has all rows." if out not in (None, STANDARD) else ""
        title, uploaded = f"{options.command.capitalize()}{of}", [] if sample is None else sample.uploaded
        return [ReportPage(title, document, problems, uploaded, in_options, hint).html()]

    def attention(self) -> str:
        """Return which rows need attention, in a line: all that a quiet command prints of them."""
        groups = [group for group in self.recorder.groups if group.severity == "error"]
        parts = ", ".join(f"{group.count:,} {group.code or ', '.join(group.statuses)}" for group in groups)
        out = getattr(self._options, "out", None)
        see = f" See {out}." if out not in (None, STANDARD) else ""
        return f"warning: Some rows need attention{f': {parts}' if parts else ''}.{see}"


def _json(document: dict[str, Any]) -> str:
    return f"{json.dumps(document, indent=2, ensure_ascii=False)}\n"


def _metrics(document: dict[str, Any], file: str) -> Iterable[str]:
    from ikpipe.delivery.prometheus import metrics_text

    return [metrics_text(document, Path(file).stem)]


def run_command(options: Namespace) -> int:
    """Run a command, write the files that report it, and return the exit status."""
    reports = options.reports = RunReports(options)
    reports.start()
    error: BaseException | None = None
    status: int = SOME_NOT
    try:
        status = options.run(options)
        if status == SOME_NOT and getattr(options, "quiet", False):
            say(reports.attention())
    except BaseException as raised:
        error, status = raised, exit_status(raised)
        raise
    finally:
        with suppress(BrokenPipeError):
            reports.end(error, status)
    return status
