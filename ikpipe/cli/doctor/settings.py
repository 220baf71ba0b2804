"""Check where the account comes from, and its keys as they are stored."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import ikpipe
from ikpipe.errors import AccountError
from ikpipe.service.findings import Finding


def check_settings(profile: str | None) -> tuple[ikpipe.Account | None, list[Finding]]:
    """Return the account that applies, or None, and what is wrong with its settings."""
    from ikpipe.request.profiles import account_settings

    about = "Account"
    with _collected() as warnings:
        try:
            settings = account_settings(profile)
            account = ikpipe.Account.from_settings(settings)
            account.check()
        except AccountError as error:
            return None, [*_findings(warnings), Finding.of_error(about, error, refused=True)]
    found = Finding("ok", about, f"{account.public_key} from {settings.place}.")
    return account, [*_findings(warnings), found]


def _findings(warnings: list[str]) -> list[Finding]:
    return [Finding("warning", "Settings", text) for text in dict.fromkeys(warnings)]


@contextmanager
def _collected() -> Iterator[list[str]]:
    """Collect the warnings that the library logs, such as about spaces around a key, instead of showing them."""
    texts: list[str] = []

    class Collector(logging.Filter):
        def filter(self, record: logging.LogRecord) -> bool:
            if record.levelno >= logging.WARNING:
                texts.append(record.getMessage())
            return False

    # A filter does not see the records of the loggers below.
    loggers, collector = [logging.getLogger(name) for name in ("ikpipe", "ikpipe.request")], Collector()
    for logger in loggers:
        logger.addFilter(collector)
    try:
        yield texts
    finally:
        for logger in loggers:
            logger.removeFilter(collector)
