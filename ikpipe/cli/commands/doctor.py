"""The command doctor."""

from __future__ import annotations

import json
import textwrap
from argparse import Namespace
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from ikpipe.cli.exit_status import REFUSED, SOME_NOT, SUCCESS
from ikpipe.cli.options import Commands, add_command, add_logging, add_profile
from ikpipe.cli.signals import exit_at_once
from ikpipe.cli.wording import in_options, output_width
from ikpipe.errors import printable

if TYPE_CHECKING:
    from ikpipe.service.findings import Finding


HELP = """\
examples:
  ikpipe doctor
  ikpipe doctor --profile shop
  ikpipe doctor --json > report.json

It checks the installation, the account and its keys, the way to ImageKit
(proxy, certificates, DNS, TCP, TLS, HTTP), the clock, the folders and the
limits of this machine, and says what to do. Nothing is changed. The output has
no private key, so it can be sent to somebody who helps; it has the public key
and names of folders.

exit status: 0 no problems (warnings do not count), 1 a problem of this machine,
2 bad options, 3 account missing or refused, or service unreachable"""

_LABEL, _ABOUT = 7, 23  # characters
_COLUMNS = 80  # characters of a line that has room for columns


def add(every: Commands) -> None:
    """Add the command."""
    command = add_command(every, "doctor", doctor, "[options]", "find what is wrong with this machine or account", HELP)
    add_logging(command)
    add_profile(command)
    command.add_argument("--offline", action="store_true", help="do not use the network")
    command.add_argument("--json", action="store_true", help="print the findings as JSON")


def doctor(options: Namespace) -> int:
    """`ikpipe doctor`: print what the checks have found."""
    found: list[Finding] = []
    with exit_at_once():
        for findings in _checks(options):
            found += findings
            if not options.json:
                for finding in findings:
                    print(*_lines(finding), sep="\n")  # noqa: T201 - what the command is for
    if options.json:
        print(json.dumps({"version": 1, "findings": [*map(_entry, found)]}, indent=2))  # noqa: T201 - see above
    problems = [finding for finding in found if finding.level == "problem"]
    return REFUSED if any(one.refused for one in problems) else SOME_NOT if problems else SUCCESS


def _checks(options: Namespace) -> Iterator[Iterable[Finding]]:
    """Yield what each check has found, the quick ones first."""
    from ikpipe.cli.doctor.folders import check_folders
    from ikpipe.cli.doctor.installation import check_installation
    from ikpipe.cli.doctor.settings import check_settings
    from ikpipe.cli.doctor.system import check_system
    from ikpipe.request.account import API_URL, UPLOAD_URL

    yield check_installation()
    yield check_system()
    yield check_folders()
    account, findings = check_settings(options.profile)
    yield findings
    if options.offline:
        return
    from ikpipe.service.account_check import check_account
    from ikpipe.service.findings import failed
    from ikpipe.service.network_check import check_network

    addresses = {"Upload endpoint": UPLOAD_URL, "Media API": API_URL}
    if account is not None:
        addresses = {"Upload endpoint": account.upload_url, "Media API": account.api_url}
        if account.authentication_endpoint is not None:
            addresses["Authentication endpoint"] = account.authentication_endpoint
    network = check_network(addresses)
    yield network
    if account is not None and not failed([one for one in network if one.about != "Clock"]):
        yield check_account(account)


def _entry(finding: Finding) -> dict[str, object]:
    fix = None if finding.fix is None else in_options(finding.fix)
    return {**finding._asdict(), "text": in_options(finding.text), "fix": fix}


def _lines(finding: Finding) -> list[str]:
    """Return a finding in lines: its level, what it is about, the text, and what to do; in columns if there is room."""
    width, text = output_width(), printable(in_options(finding.sentences))
    head = f"{finding.level:<{_LABEL}}  "
    about = f"{finding.about}: "
    indent = len(head)
    if width >= _COLUMNS:
        about = f"{finding.about:<{_ABOUT}}  "
        indent += len(about)
    return textwrap.wrap(
        f"{head}{about}{text}", width, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False
    )
