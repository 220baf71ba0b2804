"""sync: make a folder of the library match a folder or a table."""

from __future__ import annotations

import os
from argparse import Namespace
from typing import TYPE_CHECKING, Any

import ikpipe
from ikpipe.cli import help_text, mapping, output, report
from ikpipe.cli.exit_status import INTERRUPTED, SOME_NOT, SUCCESS
from ikpipe.cli.options import (
    Commands,
    add_command,
    add_deleting,
    add_journal,
    add_mapping,
    add_profile,
    add_reading,
    add_sending,
    add_state,
    add_trust,
    add_writing,
)
from ikpipe.cli.sending import progress
from ikpipe.cli.wording import in_options, say, width
from ikpipe.errors import Error
from ikpipe.frames.io.opening import STANDARD, similar_name
from ikpipe.request.missing import without_none
from ikpipe.request.result import SETTLED

if TYPE_CHECKING:
    import pandas as pd


HELP = f"""\
examples:
  ikpipe sync photos /photos --exclude '.*' --exclude '.*/'
  ikpipe sync photos /photos --delete             what would be done
  ikpipe sync photos /photos --delete --yes
  ikpipe sync s3://bucket/photos /photos --include '*.{{jpg,png}}' -o results.csv
  ikpipe sync products.csv /products --map file=image_url \\
      --set 'file_name={{sku}}.jpg'

Only files that are new or differ are sent; files that were renamed or moved in
a local folder are renamed or moved in the library. Files that the library has
and SOURCE has not are left, unless --delete is given. Files are deleted last,
if all others were read and uploaded, and if they are as they were when the plan
was made. --map, --path, --root, --fetch, --file-kind and the options for
formats are for tables, as in `upload`; a folder's files keep their paths below
FOLDER, and --set can give all of them tags or other parameters.

PATTERN: * and ? match within a name, ** matches folders too, {{a,b}} is one of
several, [a-z] one of some characters. A pattern that starts with / begins at
SOURCE, one that ends with / is a folder. Patterns to include are first.

{help_text.KEYS}

exit status: as for upload; 1 also if files were not deleted although that was
asked for. A dry run: as for plan"""


def add(every: Commands) -> None:
    """Add the command."""
    purpose = "make a folder of the library match a folder or a table"
    command = add_command(every, "sync", sync, "SOURCE FOLDER [options]", purpose, HELP)
    command.add_argument(
        "source", metavar="SOURCE", help="a folder, the URL of one such as s3://bucket/photos, or a table"
    )
    command.add_argument("folder", metavar="FOLDER", help="the folder of the library, such as /photos")
    add_deleting(command)
    command.add_argument(
        "-o", "--out", metavar="OUT", help="the file for the results, or the plan; - for standard output"
    )
    add_reading(command)
    add_writing(command)
    add_mapping(command, on_existing=False)
    add_sending(command)
    add_journal(command)
    add_state(command)
    add_trust(command)
    add_profile(command)


def sync(options: Namespace) -> int:
    """`ikpipe sync SOURCE FOLDER`; with --delete, only the plan is shown unless there is --yes."""
    style = output.csv_style(options)
    if options.out is not None:
        is_file = os.path.isfile(options.source)  # noqa: PTH113 - unlike Path's, False where nobody may look
        output.check_writable(options.out, style, options.source if is_file else None, options.journal)
    account = ikpipe.Account.from_env(options.profile)
    dry = options.dry_run or (bool(options.delete) and not options.yes)
    try:
        frame = ikpipe.sync(_source(options), account, options.folder, dry_run=dry, **_keywords(options))
    except Error as error:
        if (results := getattr(error, "results", None)) is not None:
            options.reports.synced(results, dry=False)
            if options.out is not None:
                output.write_frame(results, options.out, style)
        raise
    options.reports.synced(frame, dry=dry)
    if options.out is not None:
        output.write_frame(frame, options.out, style)
    return _report_plan(frame, options) if dry else _report_results(frame, options)


def _source(options: Namespace) -> Any:
    """Return what is synced: the path or the URL of a folder, or a table."""
    from ikpipe.frames.io.reading import read_table

    if "://" in options.source or os.path.isdir(options.source):  # noqa: PTH112 - see above
        return options.source
    if options.source != STANDARD and not os.path.exists(options.source):  # noqa: PTH110 - see above
        raise Error(f"{options.source} does not exist{similar_name(options.source)}.", fix="Correct the path.")
    return read_table(options.source, mapping.read_options(options))


def _keywords(options: Namespace) -> dict[str, Any]:
    names = (
        *("delete", "include", "exclude", "journal", "state"),
        *("concurrency", "rate", "bandwidth", "retries", "timeout", "max_failures", "on_unknown"),
    )
    return {
        **mapping.call_keywords(options),
        **without_none({name: getattr(options, name) for name in names}),
        "fetch_hosts": options.fetch_host,
        "policy": mapping.policy(options.policy),
        "progress": progress(options),
        "trust_journal": options.trust_journal,
    }


def _report_plan(frame: pd.DataFrame, options: Namespace) -> int:
    """Print what would be done, and return the exit status."""
    from ikpipe.frames.plans import rows_of
    from ikpipe.run.plan_report import PlanCounts

    counts, refused = PlanCounts(), frame.attrs["ikpipe"]["not_deleted"]
    counts.add(frame.index, rows_of(frame))
    if not options.quiet:
        lines = [*counts.lines(width(), None, in_options), ""]
        offered = options.delete and not (options.yes or options.dry_run) and refused is None
        carry = "To carry it out, repeat the command with --yes." if offered else ""
        say(*lines, f"Nothing was sent or changed. {carry}".rstrip())
    return SUCCESS if counts.all_well and refused is None and not frame.attrs["ikpipe"]["unread"] else SOME_NOT


def _report_results(frame: pd.DataFrame, options: Namespace) -> int:
    """Print what was done, and return the exit status."""
    from ikpipe.frames.results import results_of
    from ikpipe.run.report import StatusCounts
    from ikpipe.run.sync_report import SyncCounts, sent_rows

    own, run, changes = sent_rows(frame), frame.attrs["ikpipe"], SyncCounts.of(frame)
    counts = StatusCounts.of(own.index, results_of(own))
    if not options.quiet:
        say(*report.report_writer().summary(counts, run), *changes.lines(width()))
    if run["interrupted"]:
        return INTERRUPTED
    return SUCCESS if counts.statuses.keys() <= SETTLED and changes.all_done and not run["unread"] else SOME_NOT
