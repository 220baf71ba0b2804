"""The command configure."""

from __future__ import annotations

import os
import shlex
import sys
from argparse import BooleanOptionalAction, Namespace
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import ikpipe
from ikpipe.cli.exit_status import BAD_INPUT, INTERRUPTED, REFUSED, SOME_NOT, SUCCESS
from ikpipe.cli.mapping import option_name
from ikpipe.cli.options import Commands, add_command
from ikpipe.cli.wording import command as command_text
from ikpipe.cli.wording import in_options, say
from ikpipe.errors import AccountError, Error, printable
from ikpipe.frames.io.opening import import_extra
from ikpipe.request.secrets import SealedHeaders, checked_address, clean_setting, seal

HELP = """\
examples:
  ikpipe configure                     the default profile
  ikpipe configure --profile shop      another account, for --profile shop
  ikpipe configure --keyring           the private key in the system's keyring
  ikpipe configure --from-env --yes    without questions, as for a server
  ikpipe emulator > keys.env           and, in another shell:
  ikpipe configure --profile local --from-stdin < keys.env

It asks for the keys (ImageKit dashboard, Developer options, API keys), checks
them with ImageKit, shows what it will write, and writes a profile of
config.toml that only you can read. Other profiles and comments stay.
No option takes the private key, since other users of a machine can see the
options of its processes.

--keyring needs: pip install 'ikpipe[keyring]'

exit status: 0 written, 1 not written at your request, 2 bad input or no
terminal to ask on, 3 account refused or service unreachable, 130 interrupted.
Nothing is written unless the status is 0."""

_ADDRESSES = {
    "url_endpoint": "base URL of delivered files, such as https://ik.imagekit.io/your_imagekit_id",
    "upload_url": "another URL of the upload endpoint, such as an emulator's",
    "api_url": "another origin of the media API",
    "authentication_endpoint": "URL of a server that signs uploads; the private key is optional then",
}


def add(every: Commands) -> None:
    """Add the command."""
    command = add_command(every, "configure", configure, "[options]", "store an account's keys in a profile", HELP)
    command.add_argument("--profile", metavar="NAME", help="name of the profile (default: IMAGEKIT_PROFILE or default)")
    command.add_argument("--default", action="store_true", help="use this profile if no other one is chosen")
    command.add_argument(
        "--keyring",
        action=BooleanOptionalAction,
        help="put the private key into the system's keyring instead of the file",
    )
    for name, purpose in _ADDRESSES.items():
        command.add_argument(f"--{name.replace('_', '-')}", metavar="URL", help=purpose)
    source = command.add_mutually_exclusive_group()
    source.add_argument("--from-env", action="store_true", help="take the settings from the variables IMAGEKIT_…")
    source.add_argument("--from-stdin", action="store_true", help="read lines IMAGEKIT_…=VALUE from standard input")
    command.add_argument("--no-check", action="store_true", help="do not check the keys with ImageKit")
    command.add_argument("--yes", action="store_true", help="replace an existing profile without asking")


def configure(options: Namespace) -> int:
    """`ikpipe configure`: ask for an account's settings, check them, and write them as a profile."""
    try:
        return _configure(options)
    except KeyboardInterrupt:
        say("Interrupted. Nothing was written.")
        return INTERRUPTED


def _configure(options: Namespace) -> int:
    from ikpipe.request.config_file import check_writable
    from ikpipe.request.keyring_access import has_terminal
    from ikpipe.request.profiles import config_path

    path, asks = config_path(), not (options.from_env or options.from_stdin)
    name = _profile_name(options.profile or os.environ.get("IMAGEKIT_PROFILE", "").strip() or "default")
    if asks and not has_terminal():
        words = "`ikpipe configure` asks questions, and there is no terminal to answer them."
        raise Error(words, fix="Set IMAGEKIT_PUBLIC_KEY, IMAGEKIT_PRIVATE_KEY, … and use --from-env, or --from-stdin.")
    check_writable(path)
    before = _existing(name, path)
    if before and not asks and not options.yes:
        raise Error(f"{path} has a profile [{name}] already.", fix="Add --yes to replace it.")
    keyring = bool(before.get("keyring")) if options.keyring is None else options.keyring
    if keyring:
        import_extra("keyring", "keyring", "--keyring")
    account = _asked(name, path, before, options) if asks else _given(options)
    status = SUCCESS if options.no_check else _check(account)
    if asks or status == SUCCESS:
        _show(name, path, account, keyring=keyring)
    if not _is_confirmed(name, status, asks=asks, replaces=bool(before) and not options.yes):
        say("Nothing was written.")
        return status or SOME_NOT
    _write(name, path, account, keyring=keyring, default=options.default)
    return SUCCESS


def _profile_name(name: str) -> str:
    if not name.isprintable() or name == "default_profile":
        raise Error(f"{printable(name)!r} cannot be the name of a profile.", fix="Use letters and digits.")
    return name


def _existing(name: str, path: Path) -> dict[str, Any]:
    """Return the profile as the file has it; empty if there is none."""
    from ikpipe.request.profiles import read_profiles

    try:
        table = read_profiles(path).get(name, {})
    except FileNotFoundError:
        return {}
    if not isinstance(table, dict):
        raise Error(f"{path}: {name} is a setting, so no profile can have this name.")
    return table


# The settings


def _given(options: Namespace) -> ikpipe.Account:
    """Return the account in the environment or on standard input; options replace addresses."""
    from ikpipe.request.profiles import VARIABLES, read_environment

    values = read_environment() if options.from_env else _read_lines(sys.stdin)
    if "public_key" not in values:
        place = "The environment" if options.from_env else "Standard input"
        raise AccountError(f"{place} has no {VARIABLES['public_key']}.", fix="Nothing was written.")
    return _account({**values, **_addresses(options)})


def _account(values: dict[str, Any]) -> ikpipe.Account:
    account = ikpipe.Account(**values)
    if account.private_key is None and account.authentication_endpoint is None:
        raise AccountError("The private key is empty.", fix="It is only optional with --authentication-endpoint.")
    return account


def _addresses(options: Namespace) -> dict[str, str]:
    """Return the addresses in options, after checking them."""
    given = {name: getattr(options, name) for name in _ADDRESSES}
    return {name: url for name in given if (url := checked_address(option_name(name), seal(given[name]))) is not None}


def _read_lines(lines: Iterable[str]) -> dict[str, Any]:
    """Return the settings in lines such as ``export IMAGEKIT_PUBLIC_KEY='public_…'``; other variables are ignored."""
    from ikpipe.request.profiles import PROFILE, VARIABLES

    names, values = {variable: name for name, variable in VARIABLES.items()}, {}
    for number, line in enumerate(map(SealedHeaders, lines), 1):
        for variable, value in _pairs(line):
            if variable in names:
                values[names[variable]] = clean_setting(value, variable)
            elif variable.startswith("IMAGEKIT_") and variable != PROFILE:
                raise Error(f"Standard input, line {number}: There is no variable {variable}.")
    return {name: value for name, value in values.items() if value}


def _pairs(line: SealedHeaders) -> list[tuple[str, SealedHeaders]]:
    """Return the names and values of a line, which can be one of a shell script."""
    try:
        words = shlex.split(line.lstrip("\ufeff"), comments=True)
    except ValueError:  # a quote that is not closed
        words = [line.strip()]
    parts = (word.partition("=") for word in words if "=" in word)
    return [(name, SealedHeaders(value)) for name, _, value in parts]


def _asked(name: str, path: Path, before: dict[str, Any], options: Namespace) -> ikpipe.Account:
    """Ask for the settings until they are valid; those of the existing profile are the defaults."""
    say(
        f"The profile [{name}] of {path}{' exists; Enter keeps a setting' if before else ''}.",
        "The keys are in the ImageKit dashboard: Developer options, API keys.",
    )
    addresses = _addresses(options)
    while True:
        try:
            return _account({**_others(before), **_keys(before, options), **addresses})
        except AccountError as error:
            say(f"{error} Try again.")


def _others(before: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of an existing profile that are not asked for."""
    from ikpipe.request.profiles import SETTINGS

    asked = ("public_key", "private_key", "url_endpoint", "keyring")
    return {setting: value for setting, value in before.items() if setting in SETTINGS and setting not in asked}


def _keys(before: dict[str, Any], options: Namespace) -> dict[str, Any]:
    """Ask for both keys and the URL endpoint."""
    from ikpipe.cli.prompts import ask, ask_secret

    public = ask("Public key", _text(before.get("public_key")))
    stored = _stored_key(before, public)
    private = ask_secret("Private key", has_default=stored is not None) or stored
    if options.url_endpoint is None:
        form = "URL endpoint (https://ik.imagekit.io/your_imagekit_id; optional)"
        endpoint = ask(form, _text(before.get("url_endpoint"))) or None
    else:
        endpoint = options.url_endpoint
    return {"public_key": public, "private_key": private or None, "url_endpoint": endpoint}


def _text(value: Any) -> str | None:
    return str(value) if isinstance(value, str) and value else None


def _stored_key(before: dict[str, Any], public: str) -> SealedHeaders | None:
    """Return the private key that an existing profile has for this public key."""
    from ikpipe.request.keyring_access import read_key

    if public != before.get("public_key"):
        return None
    if before.get("keyring") is not True:
        return SealedHeaders(before["private_key"]) if _text(before.get("private_key")) else None
    try:
        return read_key(SealedHeaders(public))
    except AccountError as error:
        say(str(error))
        return None


# The check and the file


def _check(account: ikpipe.Account) -> int:
    """Check the account with the service, print what is wrong, and return the exit status."""
    from ikpipe.service.account_check import check_account

    say(f"Checking with {account.api_url if account.private_key else account.authentication_endpoint} …")
    problems = [finding for finding in check_account(account) if finding.level == "problem"]
    for finding in problems:
        say(f"{finding.about}: {in_options(finding.sentences)}")
    if not problems:
        say("ImageKit accepts the keys." if account.private_key else "The authentication endpoint signs uploads.")
    return REFUSED if any(finding.refused for finding in problems) else BAD_INPUT if problems else SUCCESS


def _settings(account: ikpipe.Account, *, keyring: bool) -> dict[str, Any]:
    """Return the settings of the profile: None for one that it does not have."""
    from ikpipe.request.account import API_URL, UPLOAD_URL

    usual = {"upload_url": UPLOAD_URL, "api_url": API_URL}
    addresses = {name: getattr(account, name) for name in _ADDRESSES}
    return {
        "public_key": account.public_key,
        "private_key": None if keyring else account.private_key,
        "keyring": True if keyring and account.private_key is not None else None,
        **{name: None if url == usual.get(name) else url for name, url in addresses.items()},
        **({} if account.headers else {"headers": None}),
    }


def _show(name: str, path: Path, account: ikpipe.Account, *, keyring: bool) -> None:
    """Print what will be written, without the private key."""
    from ikpipe.request.secrets import shown_setting

    settings = {key: value for key, value in _settings(account, keyring=keyring).items() if value is not None}
    lines = [f"  {key} = {'true' if value is True else shown_setting(value)}" for key, value in settings.items()]
    say(f"For {path}:", f"  [{name}]", *lines)
    if "keyring" in settings:
        say("The private key goes into the keyring of this machine.")


def _is_confirmed(name: str, status: int, *, asks: bool, replaces: bool) -> bool:
    """Return whether the profile is to be written."""
    from ikpipe.cli.prompts import confirm

    if not asks:
        return status == SUCCESS
    if status != SUCCESS:
        return confirm("Write it anyway?", default=False)
    return confirm(f"Replace the profile [{name}]?", default=False) if replaces else confirm("Write it?", default=True)


def _write(name: str, path: Path, account: ikpipe.Account, *, keyring: bool, default: bool) -> None:
    """Write the profile, and say how to use it."""
    from ikpipe.request.config_file import write_profile
    from ikpipe.request.keyring_access import store_key

    if keyring and account.private_key is not None:
        store_key(account.public_key, SealedHeaders(account.private_key))
    write_profile(path, name, _settings(account, keyring=keyring), default=default)
    usual = default or name == "default"
    say("Written." if usual else f"Written. Use it with: {command_text(['--profile', name])}")
    if set_ := [one for one in ("IMAGEKIT_PUBLIC_KEY", "IMAGEKIT_PRIVATE_KEY") if os.environ.get(one)]:
        say(f"As long as {' and '.join(set_)} are set, commands without --profile use the environment instead.")
