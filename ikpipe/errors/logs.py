"""Make what the library logs harmless, whoever shows it."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from ikpipe.errors.texts import ApiName, Message, printable

LOGGERS = ("ikpipe", "ikpipe.auth", "ikpipe.webhooks")
"""The loggers of the library: a logger's filters do not apply to those below it."""


def _harmless_record(record: logging.LogRecord) -> bool:
    """Make text in the arguments of a record harmless; return True, so that it is logged."""
    if isinstance(record.args, Mapping):
        record.args = {name: _printable(arg) for name, arg in record.args.items()}
    elif record.args:
        record.args = tuple(map(_printable, record.args))
    return True


def _printable(arg: object) -> object:
    return arg if isinstance(arg, int | float | Message | ApiName) else printable(str(arg))


for _name in LOGGERS:
    logging.getLogger(_name).addFilter(_harmless_record)
