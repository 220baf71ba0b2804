"""Where the settings of an account come from: the environment, or a profile of the user's ``config.toml``.

A source is used as a whole: settings of the environment and of a profile are never mixed, because a private key must
not go to an address that was set for another account. The first of these applies:

1. the profile that the caller names (`Account.from_env`, ``--profile``);
2. the profile that `IMAGEKIT_PROFILE` names, or the keys in the environment; both at once are an error;
3. the profile that `default_profile` names, at the top of ``config.toml``; otherwise the profile ``default``.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ikpipe.errors import AccountError, Message, did_you_mean, keyword, listed
from ikpipe.request import keyring_access
from ikpipe.request.secrets import KEYS, SealedHeaders, checked_keys, clean_setting, masked, warn_if_readable
from ikpipe.request.user_folders import config_folder

VARIABLES = {
    "public_key": "IMAGEKIT_PUBLIC_KEY",
    "private_key": "IMAGEKIT_PRIVATE_KEY",
    "url_endpoint": "IMAGEKIT_URL_ENDPOINT",
    "upload_url": "IMAGEKIT_UPLOAD_URL",
    "api_url": "IMAGEKIT_API_URL",
    "authentication_endpoint": "IMAGEKIT_AUTHENTICATION_ENDPOINT",
}
PROFILE = "IMAGEKIT_PROFILE"
DEFAULT = "default"
"""The profile that is used if nothing else is set."""
DEFAULT_SETTING, KEYRING = "default_profile", "keyring"
SETTINGS = (*VARIABLES, "headers", "max_file_size", KEYRING)
"""The settings of a profile: those of `Account`, and whether the private key is in the system's keyring."""

_NONE_SET = "No ImageKit account is set up."
_LISTED = 5  # profiles in a message

_log = logging.getLogger("ikpipe")
_LOGGED: set[str] = set()


@dataclass(frozen=True)
class AccountSettings:
    """The settings of an account and where they come from; `profile` is None for those of the environment.

    `values` are keywords of `Account`. `sources` are where settings are: the variable, the profile or the keyring.
    """

    values: dict[str, Any] = field(repr=False)
    profile: str | None = None
    path: Path | None = None
    sources: Mapping[str, str] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """The source as a whole, for messages."""
        return "the environment" if self.profile is None else f"the profile [{self.profile}] of {self.path}"


def account_settings(profile: str | None = None) -> AccountSettings:
    """Return the settings of the account that applies, and log once which one that is.

    Raise `AccountError` if no account is set up, its settings are incomplete or invalid, or its source is ambiguous.
    """
    settings = _selected(profile)
    if not settings.values.get("public_key"):
        place = f"{settings.place[0].upper()}{settings.place[1:]}"
        raise AccountError(f"{place} has no public key.", fix=_missing_fix(settings))
    of_profile = "" if settings.profile is None else f" of the profile [{settings.profile}]"
    names = {name: f"{name}{of_profile}" if of_profile else VARIABLES[name] for name in KEYS}
    checked_keys(settings.values["public_key"], settings.values.get("private_key"), names)
    _log_once(logging.INFO, f"Account {masked(settings.values['public_key'])} from {settings.place}.")
    if settings.profile is not None and (unused := [one for one in VARIABLES.values() if os.environ.get(one)]):
        level = logging.WARNING if not _keys_set() else logging.INFO
        words = "is not used, since" if len(unused) == 1 else "are not used, since"
        _log_once(level, f"{', '.join(unused)} {words} the account comes from {settings.place}.")
    return settings


def is_set_up() -> bool:
    """Whether the environment or the configuration file names an account, without a profile from the caller."""
    return bool(os.environ.get(PROFILE, "").strip() or _keys_set() or _default_profile(_optional_profiles()[0]))


def _selected(profile: str | None) -> AccountSettings:
    """Return the settings of the source that applies."""
    if profile:
        return _profile_settings(profile)
    named, keys = os.environ.get(PROFILE, "").strip(), _keys_set()
    if named and keys:
        words = f"{PROFILE} ({named}) and {' and '.join(keys)} are both set, so it is not clear which account to use."
        raise AccountError(words, fix=Message("Unset one of them, or choose the profile with ", _option(named), "."))
    if keys:
        return AccountSettings(read_environment(), sources=VARIABLES)
    if named:
        return _profile_settings(named, f"{PROFILE}: ")
    tables, reason = _optional_profiles()
    if (default := _default_profile(tables)) is not None:
        return _profile_settings(default, f"{DEFAULT_SETTING}: " if DEFAULT_SETTING in tables else "")
    raise AccountError(_NONE_SET if reason is None else f"{_NONE_SET} {reason}", fix=_set_up_fix(tables))


def _keys_set() -> list[str]:
    """Return the variables of keys that are set."""
    return [VARIABLES[name] for name in KEYS if os.environ.get(VARIABLES[name], "").strip()]


def _option(profile: str) -> object:
    return keyword("profile", profile)


def _set_up_fix(tables: Mapping[str, Any]) -> Message:
    """Return what to do without an account."""
    names, choose = [name for name, table in tables.items() if isinstance(table, dict)], Message("Run")
    if names:
        choose = Message("Choose a profile with ", _option(names[0]), f" ({listed(names, _LISTED)}), or run")
    return Message(
        choose,
        " `ikpipe configure`, or set IMAGEKIT_PUBLIC_KEY and IMAGEKIT_PRIVATE_KEY (dashboard, Developer options, API "
        "keys). To try ikpipe without an account, use the emulator: ikpipe emulator, or --emulator.",
    )


def _missing_fix(settings: AccountSettings) -> str:
    if settings.profile is None:
        return f"Set {VARIABLES['public_key']} too."
    return f"Run: ikpipe configure --profile {settings.profile}"


def _log_once(level: int, text: str) -> None:
    if text not in _LOGGED:
        _LOGGED.add(text)
        _log.log(level, "%s", text)


# The environment


def read_environment() -> dict[str, Any]:
    """Return the settings in the environment; an empty variable is not set."""
    values = {name: clean_setting(os.environ.get(variable, ""), variable) for name, variable in VARIABLES.items()}
    return {name: value for name, value in values.items() if value}


# Profiles


def config_path() -> Path:
    """Return the path of the user's configuration file, whether it exists or not.

    Raise `AccountError` if this user has no home folder.
    """
    if (folder := config_folder()) is None:
        raise AccountError(
            "There is no home folder for the configuration file.",
            fix="Set HOME or XDG_CONFIG_HOME, or set the account's settings as environment variables.",
        )
    return folder / "config.toml"


def read_profiles(path: Path) -> dict[str, Any]:
    """Return the content of a configuration file, with all texts hidden.

    Raise `AccountError` if it cannot be read, and `FileNotFoundError` if it does not exist.
    """
    import tomllib

    try:
        return _sealed(tomllib.loads(path.read_text(encoding="utf-8-sig")))
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise AccountError(f"{path} cannot be read: {reason}.") from None


def _optional_profiles() -> tuple[dict[str, Any], str | None]:
    """Return the content of the configuration file; nothing, and the reason, if this user may not look for it."""
    try:
        path = config_path()
        path.stat()
    except AccountError as error:
        return {}, error.message
    except (FileNotFoundError, NotADirectoryError):
        return {}, None
    except OSError as error:  # as in a container that runs as another user than its home folder's
        return {}, f"{path} cannot be read: {error.strerror}."
    return read_profiles(path), None


def _default_profile(tables: Mapping[str, Any]) -> str | None:
    """Return the name of the profile that is used if none is chosen; None if there is none."""
    named = tables.get(DEFAULT_SETTING)
    if named is not None and not isinstance(named, str):
        words = f"{config_path()}: {DEFAULT_SETTING} is not the name of a profile in quotes."
        raise AccountError(words, fix='Write, for example: default_profile = "shop"')
    return str(named) if named else DEFAULT if isinstance(tables.get(DEFAULT), dict) else None


def _profile_settings(profile: str, chosen_by: str = "") -> AccountSettings:
    """Return the settings of a profile; `chosen_by` is put before the message about one that does not exist."""
    path = config_path()
    values = stored_profile(profile, path, chosen_by)
    for name in values:
        if name not in SETTINGS:
            raise AccountError(f"{path}, [{profile}]: There is no setting {name!r}{did_you_mean(name, SETTINGS)}.")
    if {"private_key", "headers"} & values.keys():
        warn_if_readable(path, "a private key" if "private_key" in values else "secret headers")
    cleaned = {
        name: clean_setting(value, f"{path}, [{profile}]: {name}") if isinstance(value, str) else value
        for name, value in values.items()
    }
    sources = dict.fromkeys(SETTINGS, "profile")
    if cleaned.pop(KEYRING, False) is not False:
        cleaned["private_key"] = _key_of_keyring(values, f"{path}, [{profile}]")
        sources["private_key"] = "keyring"
    return AccountSettings(cleaned, profile, path, sources)


def stored_profile(profile: str, path: Path, chosen_by: str = "") -> dict[str, Any]:
    """Return a profile as the file has it, with all texts hidden; raise `AccountError` if there is none."""
    try:
        tables = read_profiles(path)
    except FileNotFoundError:
        words = f"{chosen_by}There is no profile {profile!r}: the file {path} does not exist."
        raise AccountError(words, fix=f"Run: ikpipe configure --profile {profile}") from None
    profiles = {name: table for name, table in tables.items() if isinstance(table, dict)}
    if profile not in profiles:
        raise AccountError(f"{chosen_by}{path} has no profile [{profile}]{did_you_mean(profile, profiles)}.")
    return dict(profiles[profile])


def _key_of_keyring(values: Mapping[str, Any], place: str) -> SealedHeaders:
    """Return the private key of a profile whose key is in the keyring."""
    if values[KEYRING] is not True or "private_key" in values:
        words = f"{place}: The private key must be either in the file (private_key) or in the keyring (keyring = true)."
        raise AccountError(words, fix="Remove one of the two settings.")
    public = values.get("public_key")
    if not isinstance(public, str) or not public.strip():
        raise AccountError(f"{place} has no public key, by which the keyring stores the private key.")
    return keyring_access.read_key(clean_setting(public, f"{place}: public_key"))


def _sealed(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table with all texts hidden, since the name of a setting may be misspelled."""
    return {
        name: _sealed(value) if isinstance(value, dict) else SealedHeaders(value) if isinstance(value, str) else value
        for name, value in table.items()
    }
