"""The command whoami."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import ikpipe
from ikpipe.cli import help_text
from ikpipe.cli.exit_status import REFUSED, SOME_NOT, SUCCESS
from ikpipe.cli.options import Commands, add_command, add_logging, add_profile
from ikpipe.cli.signals import exit_at_once
from ikpipe.cli.wording import in_options, say
from ikpipe.errors import Error, printable

if TYPE_CHECKING:
    from ikpipe.request.profiles import AccountSettings


HELP = f"""\
examples:
  ikpipe whoami
  ikpipe whoami --profile shop

It prints which account the other commands use, where each setting comes from,
and what the account has used this month. It asks ImageKit whether the keys are
accepted; nothing is changed. The private key is never printed.

{help_text.KEYS}

exit status: 0 the keys are accepted, 1 a setting needs attention, 2 bad
options, 3 account refused or missing, or service unreachable"""

_LABELS = {
    "public_key": "Public key",
    "private_key": "Private key",
    "url_endpoint": "URL endpoint",
    "upload_url": "Upload endpoint",
    "api_url": "Media API",
    "authentication_endpoint": "Authentication endpoint",
    "headers": "Headers",
    "max_file_size": "Largest file",
}
_USED = {
    "bandwidthBytes": "Bandwidth",
    "mediaLibraryStorageBytes": "Media library",
    "originalCacheStorageBytes": "Cache of originals",
    "videoProcessingUnitsCount": "Video units",
    "extensionUnitsCount": "Extension units",
}


def add(every: Commands) -> None:
    """Add the command."""
    command = add_command(every, "whoami", whoami, "[options]", "show which account is used, and check its keys", HELP)
    add_logging(command)
    add_profile(command)


def whoami(options: Namespace) -> int:
    """`ikpipe whoami`: print the account's settings and their sources, and whether ImageKit accepts the keys."""
    from ikpipe.request.profiles import account_settings
    from ikpipe.service.account_check import check_account

    settings = account_settings(options.profile)
    account = ikpipe.Account.from_settings(settings)
    print(*_settings_lines(account, settings), sep="\n")  # noqa: T201 - what the command is for
    with exit_at_once():
        findings = check_account(account)
        problems = [finding for finding in findings if finding.level == "problem"]
        if not problems:
            print("", "ImageKit accepts the keys.", *_usage_lines(account), sep="\n")  # noqa: T201 - see above
    for finding in problems:
        say(f"{finding.about}: {in_options(finding.sentences)}")
    return REFUSED if any(one.refused for one in problems) else SOME_NOT if problems else SUCCESS


def _settings_lines(account: ikpipe.Account, settings: AccountSettings) -> list[str]:
    """Return the settings in lines, with where each comes from."""
    rows = []
    for name, label in _LABELS.items():
        value = getattr(account, name)
        if value is None and name != "private_key":
            continue
        source = settings.sources[name] if name in settings.values else "default"
        rows.append((label, _shown(name, value), "" if value is None else f"  ({source})"))
    width = max(len(label) for label, _, _ in rows)
    return [
        f"Account from {settings.place}",
        *(f"  {label:<{width}}  {value}{source}" for label, value, source in rows),
    ]


def _shown(name: str, value: Any) -> str:
    """Return a setting as text, without anything secret."""
    from ikpipe.request.secrets import shown_setting

    if name in ("private_key", "headers"):
        return "not set" if value is None else "set (not shown)"
    if name == "max_file_size":
        return f"{value:,} bytes"
    return shown_setting(value).strip("'")


def _usage_lines(account: ikpipe.Account) -> list[str]:
    """Return what the account has used this month in lines; none if the account cannot ask for it."""
    from ikpipe.service.account_check import account_usage

    if account.private_key is None:
        return []
    try:
        usage = account_usage(account)
    except Error as error:  # a key with restricted permissions, for example
        return [f"Its usage cannot be read: {printable(error.message)}"]
    return ["Used since the first day of the month:", *_used(usage)]


def _used(usage: Mapping[str, Any]) -> list[str]:
    from ikpipe.run.progress import format_bytes

    numbers = {label: (name, usage.get(name)) for name, label in _USED.items()}
    return [
        f"  {label:<18}  {format_bytes(number) if name.endswith('Bytes') else f'{number:,}'}"
        for label, (name, number) in numbers.items()
        if isinstance(number, int)
    ]
