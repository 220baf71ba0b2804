"""Keys and addresses of an ImageKit account."""

from __future__ import annotations

import os
import platform
import sys
from contextlib import suppress
from dataclasses import InitVar, dataclass, fields
from typing import TYPE_CHECKING, Any, Self

from ikpipe.errors import AccountError, did_you_mean
from ikpipe.request.secrets import (
    KEYS,
    MASK,
    SealedHeaders,
    Secret,
    checked_address,
    checked_headers,
    checked_key,
    checked_keys,
    cleaned,
    masked,
    seal,
    sealed_headers,
    shown_setting,
    warn_if_readable,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

UPLOAD_URL = "https://upload.imagekit.io/api/v2/files/upload"  # seed, "Endpoint"
API_URL = "https://api.imagekit.io"

VARIABLES = {
    "public_key": "IMAGEKIT_PUBLIC_KEY",
    "private_key": "IMAGEKIT_PRIVATE_KEY",
    "url_endpoint": "IMAGEKIT_URL_ENDPOINT",
    "upload_url": "IMAGEKIT_UPLOAD_URL",
    "api_url": "IMAGEKIT_API_URL",
    "authentication_endpoint": "IMAGEKIT_AUTHENTICATION_ENDPOINT",
}

_HERE: dict[str, dict[str, Any]] = {}
"""The secrets of this process's accounts by their public keys: of the last that was pickled, else the first."""


class _Hidden:
    """A setting that is not among the variables and fields of its account, so that nothing that writes those has it."""

    def __set_name__(self, _owner: type, name: str) -> None:
        self._name = name

    def __get__(self, account: Account | None, _owner: type) -> Any:
        return None if account is None else account._secret(self._name)  # noqa: SLF001 - a part of it

    def __set__(self, _account: Account, _value: object) -> None:
        raise AttributeError(f"{self._name} cannot be changed: use dataclasses.replace.")


class _Safe:
    """Where an account has its secrets: `vars` does not show a slot."""

    __slots__ = ("_profile", "_secrets", "_stripped")

    _secrets: dict[str, Any]
    _stripped: tuple[str, ...]
    _profile: str | None


@dataclass(frozen=True, init=False, repr=False)
class Account(_Safe):
    """An ImageKit account: its keys, and the addresses of the service.

    A pickled account has neither its private key nor its headers. Where it is unpickled, they are taken from this
    process, the profile that the account was read from, or the environment, if the public keys match. Copies in the
    same process keep them.

    Parameters
    ----------
    public_key
        Names the account; it is the `kid` of every token (seed).
    private_key
        Signs tokens, and opens the media API. Never shown. None where an `authentication_endpoint` signs.
    authentication_endpoint
        URL of a server that signs for those who must not hold the private key (seed).
    headers
        Sent to the authentication endpoint, for example a session cookie. Never shown.
    max_file_size
        Largest file in bytes; None leaves it to the service, since the limit depends on the plan.
    url_endpoint
        Where files are delivered, ``https://ik.imagekit.io/your_imagekit_id``.
    upload_url
        The whole address of the upload endpoint.
    api_url
        The origin of the media API, before ``/v1/…``.

    Raises
    ------
    AccountError
        A key is empty, is not a key or is the other key, or an address is no http(s) URL.
    """

    public_key: str
    if TYPE_CHECKING:
        private_key: Secret | None
        headers: Mapping[str, str] | None
    else:  # `dataclasses.replace` takes them along, `fields` and `asdict` do not
        private_key: InitVar[str | None] = _Hidden()
        headers: InitVar[Mapping[str, str] | None] = _Hidden()
    authentication_endpoint: str | None = None
    max_file_size: int | None = None
    url_endpoint: str | None = None
    upload_url: str = UPLOAD_URL
    api_url: str = API_URL

    def __init__(
        self,
        public_key: str,
        private_key: str | None = None,
        *,
        authentication_endpoint: str | None = None,
        headers: Mapping[str, str] | None = None,
        max_file_size: int | None = None,
        url_endpoint: str | None = None,
        upload_url: str = UPLOAD_URL,
        api_url: str = API_URL,
    ) -> None:
        # First, so that a traceback with the variables of this frame shows no secret.
        public_key, private_key, headers = seal(public_key), seal(private_key), sealed_headers(headers)
        authentication_endpoint, url_endpoint = seal(authentication_endpoint), seal(url_endpoint)
        upload_url, api_url = seal(upload_url), seal(api_url)
        public_key, private_key = checked_keys(public_key, private_key)
        secrets = {"private_key": private_key, "headers": checked_headers(headers)}
        self._set(_secrets={name: value for name, value in secrets.items() if value is not None})
        self._set(_stripped=(), _profile=None, public_key=str(public_key), max_file_size=max_file_size)
        vars(self).update(dict.fromkeys(self._secrets, MASK))
        if self._secrets:
            _HERE.setdefault(self.public_key, self._secrets)  # for processes that are forked
        self._set(
            authentication_endpoint=checked_address("authentication_endpoint", authentication_endpoint),
            url_endpoint=checked_address("url_endpoint", url_endpoint),
            upload_url=checked_address("upload_url", upload_url),
            api_url=checked_address("api_url", api_url),
        )

    def _set(self, **values: object) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        if "api_url" not in vars(self):  # a traceback shows one whose settings were refused
            return "Account(…)"
        shown = {"public_key": self.public_key, "private_key": self._secrets.get("private_key"), **self._open()}
        return f"Account({', '.join(f'{name}={shown_setting(value)}' for name, value in shown.items())})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Account):
            return NotImplemented
        same = all(getattr(self, name) == getattr(other, name) for name in ("private_key", "headers"))
        return same and self._open() == other._open()

    def __hash__(self) -> int:
        return hash(tuple(self._open().values()))

    def _open(self) -> dict[str, Any]:
        """Return the settings that are not secret."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: object) -> Self:
        return self

    def __reduce__(self) -> tuple[Callable[..., Account], tuple[Any, ...]]:
        if self._secrets:
            _HERE[self.public_key] = _HERE.get(self.public_key, {}) | self._secrets
        lacks = tuple(dict.fromkeys((*self._secrets, *self._stripped)))
        return _unpickled, (type(self), self._open() | self._for_a_child(), lacks, self._profile)

    def _for_a_child(self) -> dict[str, Any]:
        """Return the secrets while a process is started: that is told by a pipe, as `multiprocessing`'s own key is."""
        starting = sys.modules.get("multiprocessing.context")
        if starting is None or starting.get_spawning_popen() is None:
            return {}
        secrets: dict[str, Any] = {}
        if self.private_key is not None:
            secrets["private_key"] = str(self.private_key)
        if self.headers is not None:
            secrets["headers"] = {name: str(value) for name, value in self.headers.items()}
        return secrets

    def stripped(self) -> Account:
        """Return this account as it is after it was pickled: its secrets are taken from where it is used."""
        self.__reduce__()
        return _unpickled(type(self), self._open(), (*self._secrets, *self._stripped), self._profile)

    def _secret(self, name: str) -> Any:
        """Return a secret; None if there is none, or none to be found here."""
        if name in self._stripped and name not in self._secrets:
            try:
                self._find()
            except AccountError:
                return None
        return self._secrets.get(name)

    def _find(self) -> None:
        """Take the secrets of an account that was pickled from where it is used now, or raise why that cannot be."""
        self._secrets.update(
            {name: one for name, one in _HERE.get(self.public_key, {}).items() if name in self._stripped}
        )
        missing = {*self._stripped} - self._secrets.keys()
        if missing and self._profile is not None:
            with suppress(AccountError):
                self._secrets.update(self._of_profile(self._profile))
            missing -= self._secrets.keys()
        if "private_key" in missing and self.authentication_endpoint is None:
            self._secrets["private_key"] = self._key_of_environment()
        elif "headers" in missing:
            raise AccountError(
                f"The headers of the authentication endpoint do not travel, and the machine {platform.node()} has "
                "none: name a profile= of its config.toml that has them."
            )
        self._set(_stripped=())

    def _key_of_environment(self) -> SealedHeaders:
        there = _environment()
        if (other := there.get("public_key", self.public_key)) != self.public_key:
            raise AccountError(
                f"The environment of the machine {platform.node()} has the keys of the account {masked(other)}, and "
                f"not of {self.public_key}: set {VARIABLES['private_key']} and {VARIABLES['public_key']} to the keys "
                "of one account."
            )
        if "private_key" not in there:
            raise AccountError(
                f"The private key does not travel, and the machine {platform.node()} has none: set "
                f"{VARIABLES['private_key']} in the environment of each worker, or name a profile= of its config.toml."
            )
        return checked_key(there["private_key"], VARIABLES["private_key"])

    def _of_profile(self, profile: str) -> dict[str, Any]:
        there = Account.from_env(profile)
        if there.public_key != self.public_key:
            raise AccountError(f"The profile {profile!r} here is of another account than {self.public_key}.")
        return there._secrets  # noqa: SLF001 - its own kind

    def from_profile(self, profile: str) -> Account:
        """Return this account with the secrets of a profile of this machine.

        Raises
        ------
        AccountError
            There is no such profile, or it is of another account.
        """
        account = self.stripped()
        account._set(_secrets=self._of_profile(profile), _profile=profile)  # noqa: SLF001 - its own
        return account

    @classmethod
    def from_env(cls, profile: str | None = None) -> Account:
        """Read the account from the environment, or from a profile of the user's configuration file.

        Parameters
        ----------
        profile
            A table of ``config.toml`` in the user's configuration folder for ikpipe (``~/.config/ikpipe`` on
            Linux), with the constructor's names as keys.

        Raises
        ------
        AccountError
            Nothing is set, or there is no such profile.
        """
        values = _profile(profile) if profile else _environment()
        if not values.get("public_key"):
            raise AccountError(
                "No ImageKit account here: set IMAGEKIT_PUBLIC_KEY and IMAGEKIT_PRIVATE_KEY (dashboard, Developer "
                "options, API keys). To try without an account, use the emulator: ikpipe emulator, or --emulator."
            )
        names = {name: f"{name} of the profile [{profile}]" if profile else VARIABLES[name] for name in KEYS}
        checked_keys(values["public_key"], values.get("private_key"), names)
        account = cls(**values)
        account._set(_profile=profile or None)
        return account

    def key(self) -> Secret:
        """Return the private key for those that sign or ask the media API.

        Raises
        ------
        AccountError
            There is none.
        """
        if (key := self.private_key) is None:
            if "private_key" in self._stripped:
                self._find()  # which says why there is none
            raise AccountError("This needs the private key, and the account here has none: set IMAGEKIT_PRIVATE_KEY.")
        return key

    def check(self) -> None:
        """See that tokens can be had for this account.

        Raises
        ------
        AccountError
            They cannot; the message says what is missing.
        """
        if self.authentication_endpoint is None:
            self.key()
        elif "headers" in self._stripped and self.headers is None:
            self._find()


def _unpickled(kind: type[Account], values: dict[str, Any], stripped: tuple[str, ...], profile: str | None) -> Account:
    account = kind(**values)
    account._set(_stripped=stripped, _profile=profile)  # noqa: SLF001 - its other half
    return account


# Where it comes from


def _environment() -> dict[str, Any]:
    found = {name: cleaned(os.environ.get(variable, ""), variable) for name, variable in VARIABLES.items()}
    return {name: value for name, value in found.items() if value}


def _sealed(table: Mapping[str, Any]) -> dict[str, Any]:
    """Hide a profile's texts, also of settings that may be misspelt ones."""
    return {name: SealedHeaders(value) if isinstance(value, str) else value for name, value in table.items()} | {
        name: _sealed(value) for name, value in table.items() if isinstance(value, dict)
    }


def _profile(profile: str) -> dict[str, Any]:
    from platformdirs import user_config_path

    path = user_config_path("ikpipe") / "config.toml"
    try:
        profiles = _tables(path)
    except FileNotFoundError:
        raise AccountError(f"There is no profile {profile!r}: the file {path} does not exist.") from None
    except (OSError, ValueError) as error:
        raise AccountError(f"{path} cannot be read: {error}") from None
    if profile not in profiles:
        raise AccountError(f"{path} has no profile [{profile}]{did_you_mean(profile, profiles)}.")
    values = profiles[profile]
    known = set(Account.__dataclass_fields__)
    for name in values:
        if name not in known:
            raise AccountError(f"{path}, [{profile}]: there is no setting {name!r}{did_you_mean(name, known)}.")
    if {"private_key", "headers"} & values.keys():
        warn_if_readable(path, "a private key" if "private_key" in values else "secret headers")
    return {
        name: cleaned(value, f"{path}, [{profile}]: {name}") if isinstance(value, str) else value
        for name, value in values.items()
    }


def _tables(path: Path) -> dict[str, dict[str, Any]]:
    import tomllib

    tables = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    return {name: _sealed(table) for name, table in tables.items() if isinstance(table, dict)}
