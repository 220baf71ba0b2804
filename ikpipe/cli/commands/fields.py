"""The command fields."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING, Any

import ikpipe
from ikpipe.cli import help_text, mapping, output
from ikpipe.cli.changes import ChangeWords, change_table
from ikpipe.cli.exit_status import SUCCESS
from ikpipe.cli.options import (
    Commands,
    add_command,
    add_pairs,
    add_policy,
    add_profile,
    add_reading,
    add_reporting,
    add_timeout,
    add_writing,
)
from ikpipe.cli.signals import exit_at_once
from ikpipe.errors import Error

if TYPE_CHECKING:
    import pandas as pd

HELP = f"""\
examples:
  ikpipe fields                        list the fields of the account
  ikpipe fields --create products.csv --column brand,color
  ikpipe fields --create products.csv --column brand,price --type price=Number \\
      --yes
  ikpipe fields --create artikel.csv --column 'price=Preis (€)' \\
      --type price=Number

Without --create, the custom metadata fields of the account are listed, with
their types. With it, fields are created for columns of a table that the account
does not have: those of --column, or named custom_metadata.FIELD. The cells of
CSV are text, so give the type of each other field: Number, Boolean, Date,
Textarea, SingleSelect or MultiSelect. The name of a field that is deleted
cannot be used again: read the list before you say --yes.

{help_text.KEYS}

exit status: 0 success, 1 some fields were not created, 2 bad input, 3 account
refused or service unreachable"""

_WORDS = ChangeWords("Fields for", "to create", "created", "with nothing to do", unit="column")


def add(every: Commands) -> None:
    """Add the command."""
    purpose = "list the custom metadata fields of the account, or create those of a table"
    command = add_command(every, "fields", fields, "[--create TABLE] [options]", purpose, HELP)
    command.add_argument("--create", metavar="TABLE", dest="table", help="create fields for columns of this table")
    command.add_argument(
        "--column",
        metavar="[FIELD=]COLUMN",
        action="append",
        default=[],
        help="a column that needs a field, of its name or another one; several are separated by commas; repeatable",
    )
    add_pairs(command, "--type", "FIELD=TYPE", "the type of a field, such as price=Number")
    command.add_argument("--yes", action="store_true", help="create them; without it, nothing is changed")
    command.add_argument("-n", "--dry-run", action="store_true", help="create nothing, also with --yes")
    command.add_argument("-o", "--out", metavar="OUT", help="the file for the list (default: CSV on standard output)")
    add_reading(command)
    add_writing(command)
    add_timeout(command)
    add_policy(command)
    add_reporting(command)
    add_profile(command)


def fields(options: Namespace) -> int:
    """`ikpipe fields`, and `ikpipe fields --create TABLE [--yes]`."""
    if options.table is None:
        return _list(options)
    schemas = {field: {"type": kind} for field, kind in options.type}
    settings: dict[str, Any] = {"schemas": schemas or None}
    settings |= {"dry_run": options.dry_run or not options.yes, **mapping.request_settings(options)}

    def create(table: pd.DataFrame, account: ikpipe.Account) -> pd.DataFrame:
        """Create the fields."""
        columns = dict(_field_column(text, table) for texts in options.column for text in mapping.split_columns(texts))
        created: pd.DataFrame = ikpipe.create_metadata_fields(table, account, columns=columns or None, **settings)
        return created

    return change_table(options, _WORDS, create)


def _field_column(text: str, table: pd.DataFrame) -> tuple[str, str]:
    """Return the field and the column that a text such as ``price=Preis`` names; a column may have such a name."""
    field, equals, column = text.partition("=")
    return (text, text) if text in table.columns or not equals else (field, column)


def _list(options: Namespace) -> int:
    """List the fields of the account."""
    if options.column or options.type or options.yes:
        raise Error("--column, --type and --yes are for --create.", fix="Name the table: --create TABLE.")
    out, style = options.out or "-", output.csv_style(options)
    output.check_writable(out, style)
    account = ikpipe.Account.from_env(options.profile)
    with exit_at_once():
        found = ikpipe.metadata_fields(account, timeout=options.timeout)
    output.write_frame(found, out, style)
    return SUCCESS
