"""`Allow`: the policy of an authentication endpoint. Whatever it does not allow is rejected."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ikpipe.auth.refusal import forbidden
from ikpipe.errors import InvalidValue, MappingError, did_you_mean, short_repr
from ikpipe.request.names import strict_folder
from ikpipe.request.parameters import BY_WIRE, TABLE, encode
from ikpipe.request.token import LONGEST
from ikpipe.request.values import folder_levels, stored_name, tag_list

if TYPE_CHECKING:
    from ikpipe.auth.messages import SigningRequest

Who = Callable[["SigningRequest"], "Awaitable[str | None] | str | None"]

_CALLER = re.compile(r"[\w-]+")  # a caller's name that can be a folder name
_PLACEHOLDER = "callerxcallerx"  # replaces ``{caller}`` while a value is checked


def nobody(_request: SigningRequest) -> None:
    """Reject every caller."""


@dataclass(frozen=True, kw_only=True)
class Allow:
    """The policy of an authentication endpoint: who may have what signed. `Allow()` allows nothing.

    A token cannot add parameters to an upload, so the request must contain forced parameters, too.

    Parameters
    ----------
    who
        Called with each `SigningRequest` (headers, client address); returns the caller's name, or None for a caller
        who may not sign. For `endpoint`, it may be a coroutine function.
    parameters
        The upload parameters that a caller may set, in either spelling. All others are rejected.
    folders
        The folders that a caller may upload to, including their subfolders; ``{caller}`` is the caller's name:
        ``["/users/{caller}/"]``. A request without a folder uploads to ``/``.
    names
        A regular expression that must match the complete file name as the service stores it; None allows any.
    tags
        The tags that a caller may use; None allows any.
    values
        Allowed values of further parameters, or a function that returns whether a value is allowed.
    force
        Parameters that each request must have with exactly this value, which may contain ``{caller}``.
    replace
        Whether a caller may replace existing files. If not, ``useUniqueFileName=false`` needs ``overwriteFile=false``,
        too.
    lifetime
        The maximum lifetime of a token in seconds, up to 3600 [docs], which the page of ImageKit's upload documentation
        requests.
    rate
        The number of requests per caller and minute, which may come at once. None sets no limit.

    Raises
    ------
    MappingError
        A parameter is unknown, or a value is invalid.
    """

    who: Who = nobody
    parameters: Collection[str] = ()
    folders: Collection[str] = ()
    names: str | None = None
    tags: Collection[Any] | None = None
    values: Mapping[str, Collection[Any] | Callable[[str], bool]] = field(default_factory=dict)
    force: Mapping[str, Any] = field(default_factory=dict)
    replace: bool = False
    lifetime: int = LONGEST
    rate: float | None = 60

    def __post_init__(self) -> None:
        self._check_options()
        forced = {_api_name(name): _encoded(BY_WIRE[_api_name(name)], value) for name, value in self.force.items()}
        for name, value in {
            "parameters": frozenset({_api_name(name) for name in self.parameters} | set(forced)),
            "values": {_api_name(name): _encode_allowed(name, allowed) for name, allowed in self.values.items()},
            "force": forced,
            "tags": None if self.tags is None else frozenset(_read_tags(self.tags)),
        }.items():
            object.__setattr__(self, name, value)

    def _check_options(self) -> None:
        for name in ("parameters", "folders", "tags"):
            _check_list(name, getattr(self, name))
        if not _is_number(self.lifetime) or not 0 < self.lifetime <= LONGEST:
            raise MappingError(f"Allow(lifetime={self.lifetime!r}) must be 1 to {LONGEST:,} seconds.")
        if self.rate is not None and (not _is_number(self.rate) or not self.rate >= 1):
            raise MappingError(f"Allow(rate={self.rate!r}) must be the requests per minute, at least 1, or None.")
        for folder in self.folders:
            _encoded("folder", folder)
        if self.names is not None:
            try:
                re.compile(self.names)
            except re.error as error:
                raise MappingError(f"Allow(names={self.names!r}) is not a valid regular expression: {error}.") from None

    def check(self, caller: str, fields: Mapping[str, str], expire: int) -> None:
        """Check a request against this policy.

        Raise `RefusedError` if the request contains something that may not be signed.
        """
        for rule in (
            self._parameters,
            self._forced,
            self._folder,
            self._name,
            self._tags,
            self._values,
            self._replacing,
        ):
            rule(caller, fields)
        if expire > self.lifetime:
            raise forbidden(f"expire must be at most {self.lifetime} seconds.")

    def _parameters(self, _caller: str, fields: Mapping[str, str]) -> None:
        for name in fields:
            if name not in self.parameters:
                raise forbidden(f"The parameter {name} is not allowed.")

    def _forced(self, caller: str, fields: Mapping[str, str]) -> None:
        for name, value in self.force.items():
            if fields.get(name) != _fill(caller, value):
                raise forbidden(f"{name} must be {_fill(caller, value)!r}.")

    def _folder(self, caller: str, fields: Mapping[str, str]) -> None:
        target = folder_levels(fields.get("folder", "/"))
        for folder in self.folders:
            levels = folder_levels(_fill(caller, folder))
            if target[: len(levels)] == levels:
                return
        raise forbidden(f"Uploads to the folder {fields.get('folder', '/')!r} are not allowed.")

    def _name(self, _caller: str, fields: Mapping[str, str]) -> None:
        if self.names is not None and not re.fullmatch(self.names, stored_name(fields["fileName"])):
            raise forbidden("This fileName is not allowed.")

    def _tags(self, _caller: str, fields: Mapping[str, str]) -> None:
        if self.tags is not None:
            for tag in tag_list(fields.get("tags", "")):
                if tag not in self.tags:
                    raise forbidden(f"The tag {tag!r} is not allowed.")

    def _values(self, _caller: str, fields: Mapping[str, str]) -> None:
        for name, allowed in self.values.items():
            if name in fields and not (allowed(fields[name]) if callable(allowed) else fields[name] in allowed):
                raise forbidden(f"This value of {name} is not allowed.")

    def _replacing(self, _caller: str, fields: Mapping[str, str]) -> None:
        fixed_name = fields.get("useUniqueFileName") == "false"
        if fixed_name and not self.replace and fields.get("overwriteFile") != "false":
            raise forbidden(
                "With useUniqueFileName=false, overwriteFile must be false, because files may not be replaced."
            )


def _fill(caller: str, template: str) -> str:
    """Insert the caller's name into a value; reject a name that could mean another folder.

    Such as ``..`` or ``a/b``, or one with letters that some systems replace by others.
    """
    valid = _CALLER.fullmatch(caller) and unicodedata.is_normalized("NFKC", caller)
    if "{caller}" in template and not valid:
        raise forbidden("The caller's name cannot be used as a folder name.")
    return template.replace("{caller}", caller)


def _api_name(name: str) -> str:
    parameter = TABLE.get(BY_WIRE.get(name, name))
    if parameter is None or parameter.wire == "file":
        raise MappingError(f"Allow: {name!r} is not a parameter that can be signed{did_you_mean(name, TABLE)}.")
    return parameter.wire


def _encoded(name: str, value: object) -> str:
    """Return a value as it is sent, with ``{caller}`` unchanged."""
    filled = value.replace("{caller}", _PLACEHOLDER) if isinstance(value, str) else value
    try:
        text = encode(name, filled)
        return (strict_folder(text) if name == "folder" else text).replace(_PLACEHOLDER, "{caller}")
    except InvalidValue as invalid:
        raise MappingError(f"Allow: {invalid.text}".replace(_PLACEHOLDER, "{caller}")) from None


def _check_list(name: str, value: object) -> None:
    """Reject text instead of a list, because each character of it would be allowed."""
    if isinstance(value, (str, bytes)):
        raise MappingError(f"Allow({name}={short_repr(value)}) must be a list.")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _encode_allowed(
    name: str, allowed: Collection[Any] | Callable[[str], bool]
) -> Collection[str] | Callable[[str], bool]:
    """Return allowed values as they are sent; text is unchanged."""
    if callable(allowed):
        return allowed
    _check_list(f"values[{name!r}]", allowed)
    parameter = BY_WIRE[_api_name(name)]
    return frozenset(value if isinstance(value, str) else _encoded(parameter, value) for value in allowed)


def _read_tags(tags: Collection[Any]) -> list[str]:
    try:
        return tag_list(list(tags))
    except InvalidValue as invalid:
        raise MappingError(f"Allow: {invalid.of('The tags').text}") from None
