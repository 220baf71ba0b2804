"""Keys and addresses of an ImageKit account."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ikpipe._errors import AccountError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping
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


class Secret(str):
    """Text that can be used but does not show: its ``repr`` is ``'***'``."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


@dataclass(frozen=True)
class Account:
    """An ImageKit account: its keys, and the addresses of the service.

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
        A key is empty, the keys are swapped, or an address is no http(s) URL.
    """

    public_key: str
    private_key: Secret | str | None = None
    authentication_endpoint: str | None = field(default=None, kw_only=True)
    headers: Mapping[str, str] | None = field(default=None, kw_only=True, repr=False)
    max_file_size: int | None = field(default=None, kw_only=True)
    url_endpoint: str | None = field(default=None, kw_only=True)
    upload_url: str = field(default=UPLOAD_URL, kw_only=True)
    api_url: str = field(default=API_URL, kw_only=True)

    def __post_init__(self) -> None:
        if not self.public_key or not self.public_key.strip():
            raise AccountError("The public key is empty. Copy it from the dashboard, Developer options, API keys.")
        if self.public_key.startswith("private_"):
            # It would travel in every token's header.
            raise AccountError("The public key begins with 'private_': the two keys are swapped.")
        if self.private_key is not None:
            if not self.private_key.strip():
                raise AccountError("The private key is empty. Leave it out where an authentication_endpoint signs.")
            object.__setattr__(self, "private_key", Secret(self.private_key))
        for name in ("authentication_endpoint", "url_endpoint", "upload_url", "api_url"):
            self._check_address(name)

    def _check_address(self, name: str) -> None:
        address: str | None = getattr(self, name)
        if address is None:
            return
        try:
            parts = urlsplit(address)
            web = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:  # a port that is no number, a bracket that is not closed
            web = False
        if not web:
            raise AccountError(f"{name} is {address!r}, which is no http(s) URL.")
        object.__setattr__(self, name, address.rstrip("/"))

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
        return cls(**values)

    def key(self) -> Secret:
        """Give the private key to those that sign or ask the media API, or say that there is none."""
        if self.private_key is None:
            raise AccountError("This needs the private key, and the account here has none: set IMAGEKIT_PRIVATE_KEY.")
        return Secret(self.private_key)


def _environment() -> dict[str, Any]:
    found = {name: os.environ.get(variable, "") for name, variable in VARIABLES.items()}
    return _sealed({name: value for name, value in found.items() if value})


def _sealed(values: dict[str, Any]) -> dict[str, Any]:
    """Hide what is secret among settings: some tools show the variables of each frame of a traceback."""
    sealed = dict(values)
    if "private_key" in values:
        sealed["private_key"] = Secret(values["private_key"])
    if isinstance(values.get("headers"), dict):
        sealed["headers"] = {name: Secret(value) for name, value in values["headers"].items()}
    return sealed


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
        raise AccountError(f"{path} has no profile [{profile}]{nearest(profile, profiles)}.")
    values = profiles[profile]
    known = set(Account.__dataclass_fields__)
    for name in values:
        if name not in known:
            raise AccountError(f"{path}, [{profile}]: there is no setting {name!r}{nearest(name, known)}.")
    return values


def _tables(path: Path) -> dict[str, dict[str, Any]]:
    import tomllib

    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    return {name: _sealed(table) for name, table in tables.items() if isinstance(table, dict)}
