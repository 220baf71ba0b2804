"""The command upload."""

from __future__ import annotations

from argparse import Namespace

from ikpipe.cli import help_text, mapping, output
from ikpipe.cli.commands.plan import plan
from ikpipe.cli.options import (
    Commands,
    add_account,
    add_command,
    add_dry_run,
    add_mapping,
    add_reading,
    add_sending,
    add_writing,
)
from ikpipe.cli.sending import upload_table

HELP = f"""\
examples:
  ikpipe upload products.csv -o results.csv --map file=image_url \\
      --map tags=category,season --map custom_metadata=brand,color \\
      --set 'file_name={{sku}}.jpg' --set 'folder=/products/{{season}}/'
  ikpipe upload photos.xlsx -o results.parquet --map file=path --root ./photos
  ikpipe upload products.csv -o results.csv --map file=image_url --emulator
  make-table | ikpipe upload - -o - --map file=url | next-step

{help_text.MAPPING}

IN is .csv, .tsv, .jsonl, .json, .parquet or a workbook (.xlsx, .xlsm, .xls,
.ods), text also as .gz or .zst, or a folder of Parquet files; - is standard
input, by default CSV. CSV cells are read as text, so a SKU keeps its zeros, and
cells of a workbook as the sheet shows them. If the header has no comma, but
semicolons, tabs or vertical bars, these separate the cells. OUT is .csv, .xlsx,
.jsonl or .parquet; - is CSV on standard output. OUT has the columns of the
table and the result of each row in columns that begin with ik_. Rows that break
a rule get the status `invalid`; the other rows are uploaded.

{help_text.KEYS}

A journal records the run. If the process or the machine stops, `ikpipe resume`
finishes the run; the command to type is shown when the run starts. With
--journal FILE the same command again uploads only the remaining rows.

exit status: 0 all rows are uploaded, 1 some are not, 2 bad input or options,
3 account refused or service unreachable, 130 interrupted (Ctrl-C finishes the
uploads in flight and writes OUT; a second Ctrl-C stops at once)"""


def add(every: Commands) -> None:
    """Add the command."""
    purpose = "upload the file of each row and write the results as a table"
    command = add_command(every, "upload", upload, "IN -o OUT [options]", purpose, HELP)
    command.add_argument("table", metavar="IN", help="the table to read; - for standard input")
    command.add_argument(
        "-o", "--out", metavar="OUT", required=True, help="the file for the results; - for standard output"
    )
    add_reading(command)
    add_writing(command)
    add_mapping(command)
    add_sending(command)
    add_account(command)
    add_dry_run(command)


def upload(options: Namespace) -> int:
    """`ikpipe upload IN -o OUT`."""
    if options.dry_run:
        return plan(options)
    from ikpipe.frames.io.streams import open_table
    from ikpipe.run.job import UploadJob

    output.check_writable(options.out, output.csv_style(options), options.table, options.journal)
    run_mapping, read_options = mapping.run_mapping(options), mapping.read_options(options)
    return upload_table(options, lambda: UploadJob(open_table(options.table, read_options), run_mapping))
