"""The keys and URLs of an ImageKit account."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import InitVar, dataclass, fields
from typing import TYPE_CHECKING, Any, Self

from ikpipe.errors import AccountError, Message, keyword, sentences
from ikpipe.errors.scrubbing import MASK
from ikpipe.request.profiles import VARIABLES, AccountSettings, account_settings, read_environment
from ikpipe.request.secrets import (
    SealedHeaders,
    Secret,
    checked_address,
    checked_headers,
    checked_key,
    checked_keys,
    masked,
    seal,
    sealed_headers,
    shown_setting,
)

UPLOAD_URL = "https://upload.imagekit.io/api/v2/files/upload"  # [upload docs]
API_URL = "https://api.imagekit.io"
COPY_KEYS = "Copy both keys from one account (dashboard, Developer options, API keys)."
"""What to do if ImageKit rejects the keys."""

_HERE: dict[str, dict[str, Any]] = {}
"""Public key → the secrets of this process's account: of the last one that was pickled, else of the first."""


class _Hidden:
    """A setting outside the variables and fields of its account, so that nothing that writes those shows it."""

    def __set_name__(self, _owner: type, name: str) -> None:
        self._name = name

    def __get__(self, account: Account | None, _owner: type) -> Any:
        return None if account is None else account._secret(self._name)  # noqa: SLF001 - a part of it

    def __set__(self, _account: Account, _value: object) -> None:
        raise AttributeError(f"{self._name} cannot be changed. Use dataclasses.replace.")


class _Safe:
    """Slots for the secrets of an account, which `vars` does not show."""

    __slots__ = ("_profile", "_secrets", "_stripped")

    _secrets: dict[str, Any]
    _stripped: tuple[str, ...]
    _profile: str | None


@dataclass(frozen=True, init=False, repr=False)
class Account(_Safe):
    """An ImageKit account: its keys, and the URLs of the service.

    A pickled account has neither its private key nor its headers. Once it is unpickled, they are taken from the
    process, the profile that the account was read from, or the environment, if the public keys match. Copies in the
    same process keep them.

    Parameters
    ----------
    public_key
        Identifies the account; it is the `kid` of every token [upload docs].
    private_key
        Signs tokens and authorizes requests to the media API. Never shown. None if an `authentication_endpoint` signs:
        with both, a process that has the key signs with it, and another one asks the endpoint.
    authentication_endpoint
        URL of a server that signs for users without the private key [upload docs].
    headers
        Headers for the authentication endpoint, for example a session cookie. Never shown.
    max_file_size
        Largest file in bytes; None leaves the limit to the service, since it depends on the plan.
    url_endpoint
        Base URL of delivered files, ``https://ik.imagekit.io/your_imagekit_id``.
    upload_url
        URL of the upload endpoint.
    api_url
        Origin of the media API, before ``/v1/…``.

    Raises
    ------
    AccountError
        A key is empty, is not a key or is the other key, or a URL is not a valid http(s) URL.
    """

    public_key: str
    if TYPE_CHECKING:
        private_key: Secret | None
        headers: Mapping[str, str] | None
    else:  # `dataclasses.replace` copies them, `fields` and `asdict` do not have them
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
        # First, so that a traceback with this frame's variables shows no secret.
        public_key, private_key, headers = seal(public_key), seal(private_key), sealed_headers(headers)
        authentication_endpoint, url_endpoint = seal(authentication_endpoint), seal(url_endpoint)
        upload_url, api_url = seal(upload_url), seal(api_url)
        public_key, private_key = checked_keys(public_key, private_key)
        secrets = {"private_key": private_key, "headers": checked_headers(headers)}
        self._set(_secrets={name: value for name, value in secrets.items() if value is not None})
        self._set(_stripped=(), _profile=None, public_key=str(public_key), max_file_size=max_file_size)
        vars(self).update(dict.fromkeys(self._secrets, MASK))
        if self._secrets:
            _HERE.setdefault(self.public_key, self._secrets)  # for forked processes
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
        if "api_url" not in vars(self):  # a traceback shows an account whose settings were invalid
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
        return _unpickled, (type(self), self._open() | self._for_a_child(), self._lacking(), self._profile)

    @classmethod
    def unpickled(cls, values: dict[str, Any], lacking: tuple[str, ...], profile: str | None) -> Account:
        """Return an account without the secrets that it lacks, which are taken from the machine that uses it.

        `values` are keywords of `Account`, and `profile` is the one that the account was read from.
        """
        account = cls(**values)
        account._set(_stripped=lacking, _profile=profile)
        return account

    def _lacking(self) -> tuple[str, ...]:
        """Return which secrets another process takes from its own machine.

        Somebody has to sign, so an account without a private key can be that of a machine that does not have it.
        """
        needed = ("private_key",) if self.authentication_endpoint is None else ()
        return tuple(dict.fromkeys((*needed, *self._secrets, *self._stripped)))

    def _for_a_child(self) -> dict[str, Any]:
        """Return the secrets while `multiprocessing` starts a process, which gets them by a pipe, as its own key."""
        starting = sys.modules.get("multiprocessing.context")
        if starting is None or starting.get_spawning_popen() is None:
            return {}
        secrets: dict[str, Any] = {}
        if self.private_key is not None:
            secrets["private_key"] = str(self.private_key)
        if self.headers is not None:
            secrets["headers"] = {name: str(value) for name, value in self.headers.items()}
        return secrets

    def without_secrets(self) -> Account:
        """Return this account as it is after pickling: its secrets are taken from the machine that uses it."""
        self.__reduce__()
        return self.unpickled(self._open(), self._lacking(), self._profile)

    def _secret(self, name: str) -> Any:
        """Return a secret; None if there is none, or it cannot be found here."""
        if name in self._stripped and name not in self._secrets:
            try:
                self._find()
            except AccountError:
                return None
        return self._secrets.get(name)

    def _find(self) -> None:
        """Load the secrets of a pickled account from this machine, or raise an error with the reason."""
        self._secrets.update(
            {name: one for name, one in _HERE.get(self.public_key, {}).items() if name in self._stripped}
        )
        missing, reason = {*self._stripped} - self._secrets.keys(), None
        if missing and self._profile is not None:
            try:
                self._secrets.update(self._of_profile(self._profile))
            except AccountError as error:
                reason = error.message
            missing -= self._secrets.keys()
        if "private_key" in missing:
            self._find_key(reason)
        if "headers" in missing and self.authentication_endpoint is not None and "private_key" not in self._secrets:
            words = f"The machine {platform.node()} does not have the headers of the authentication endpoint."
            fix = Message("They are not pickled: use ", keyword("profile"), " with a profile of its config.toml.")
            raise AccountError(words, fix=fix)
        self._set(_stripped=())

    def _find_key(self, reason: str | None) -> None:
        """Load the private key from the environment of this machine, or from the profile that applies here.

        `reason` is why the account's own profile does not have it. Raise `AccountError` if there is none, unless an
        endpoint signs: then the key is needed for searches of the library only.
        """
        try:
            self._secrets["private_key"] = self._key_of_environment() or self._key_of_default_profile(reason)
        except AccountError:
            if self.authentication_endpoint is None:
                raise

    def _key_of_environment(self) -> SealedHeaders | None:
        settings = read_environment()
        if (other := settings.get("public_key", self.public_key)) != self.public_key:
            raise AccountError(
                f"The environment of the machine {platform.node()} has the keys of the account {masked(other)}, not "
                f"those of {self.public_key}.",
                fix=f"Set {VARIABLES['private_key']} and {VARIABLES['public_key']} there to the keys of one account.",
            )
        return checked_key(settings["private_key"], VARIABLES["private_key"]) if "private_key" in settings else None

    def _key_of_default_profile(self, reason: str | None) -> Secret:
        """Return the key in the profile that applies on this machine if nothing is chosen."""
        with suppress(AccountError):
            there = Account.from_env()
            if there.public_key == self.public_key and there.private_key is not None:
                return there.private_key
            if there.public_key != self.public_key:
                reason = reason or f"Its profile {there._profile!r} is of the account {masked(there.public_key)}."  # noqa: SLF001 - another account
        set_it = f"It is not pickled: set {VARIABLES['private_key']} in the environment of each worker, or use "
        raise AccountError(
            sentences(
                f"The machine {platform.node()} does not have the private key of the account {self.public_key}.", reason
            ),
            fix=Message(set_it, keyword("profile"), " with a profile of its config.toml."),
        )

    def _of_profile(self, profile: str) -> dict[str, Any]:
        account = Account.from_env(profile)
        if account.public_key != self.public_key:
            raise AccountError(
                f"The profile {profile!r} on the machine {platform.node()} is of the account "
                f"{masked(account.public_key)}, not {self.public_key}.",
                fix=f"Set its keys in config.toml there to those of {self.public_key}, or use another profile.",
            )
        return account._secrets  # noqa: SLF001 - another account

    def from_profile(self, profile: str) -> Account:
        """Return this account with the secrets of a profile on this machine.

        Raises
        ------
        AccountError
            The profile does not exist, is of another account, or has no private key although no endpoint signs.
        """
        secrets = self._of_profile(profile)
        if self.authentication_endpoint is None and "private_key" not in secrets:
            words = f"The profile {profile!r} on the machine {platform.node()} has no private key."
            raise AccountError(words, fix=f"Run there: ikpipe configure --profile {profile}")
        account = self.without_secrets()
        account._set(_secrets=secrets, _profile=profile)  # noqa: SLF001 - its own
        return account

    @classmethod
    def from_env(cls, profile: str | None = None) -> Account:
        """Return the account in the environment, or in a profile of the user's configuration file.

        Without `profile`, it is the profile that `IMAGEKIT_PROFILE` names, or the account whose keys are in the
        environment, or else the default profile. Settings of the environment and of a profile are never mixed.

        Parameters
        ----------
        profile
            The name of a table of ``config.toml`` in the user's configuration folder for ikpipe (``~/.config/ikpipe``
            on Linux), whose keys are the parameters of `Account`. With ``keyring = true``, the private key is in the
            system's keyring. `ikpipe configure` writes profiles.

        Raises
        ------
        AccountError
            No account is set, the profile does not exist, the keyring cannot be read, or both `IMAGEKIT_PROFILE` and
            keys are set.
        """
        return cls.from_settings(account_settings(profile))

    @classmethod
    def from_settings(cls, settings: AccountSettings) -> Account:
        """Return the account with the settings of a source."""
        account = cls(**settings.values)
        account._set(_profile=settings.profile)
        return account

    def key(self) -> Secret:
        """Return the private key, for signing and for the media API.

        Raises
        ------
        AccountError
            The account has none.
        """
        if (key := self.private_key) is None:
            if "private_key" in self._stripped:
                self._find()  # which raises the reason
            raise AccountError("This needs the account's private key.", fix="Set IMAGEKIT_PRIVATE_KEY.")
        return key

    def check(self) -> None:
        """Check that tokens can be made for this account.

        Raises
        ------
        AccountError
            The private key or the headers are missing.
        """
        if self.authentication_endpoint is None:
            self.key()
        elif self.private_key is None and "headers" in self._stripped and self.headers is None:
            self._find()


def _unpickled(kind: type[Account], values: dict[str, Any], lacking: tuple[str, ...], profile: str | None) -> Account:
    return kind.unpickled(values, lacking, profile)
