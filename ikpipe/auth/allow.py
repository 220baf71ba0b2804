"""`Allow`: who may have what signed. What it does not allow is refused: with `Allow()`, everything."""

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

_CALLER = re.compile(r"[\w-]+")  # that can be one level of a folder
_STAND_IN = "callerxcallerx"  # for ``{caller}``, while a value is checked


def nobody(_request: SigningRequest) -> None:
    """Refuse everybody."""


@dataclass(frozen=True, kw_only=True)
class Allow:
    """What an authentication endpoint may sign.

    A token cannot add to an upload, only fit it: so what is forced must be in the request as well.

    Parameters
    ----------
    who
        Called with each `Request` (headers, the client's address): the caller's name, or None for somebody who may not
        sign. May be a coroutine function for `endpoint`.
    parameters
        The upload parameters that a caller may set, in either spelling. All others are refused.
    folders
        The folders that a caller may upload to, each with those below it; ``{caller}`` is the caller's name:
        ``["/users/{caller}/"]``. A request without a folder is for ``/``.
    names
        A regular expression that the whole file name, as the service stores it, must match; None takes any.
    tags
        The tags that a caller may use; None takes any.
    values
        Of further parameters, the values that are allowed, or a function that tells whether a text is.
    force
        Parameters that each request must have with exactly this value, which may have ``{caller}`` in it.
    replace
        Whether a caller may replace files that are there: else ``useUniqueFileName=false`` needs
        ``overwriteFile=false``, too.
    lifetime
        Seconds that a token may live at most: up to 3600 (docs), which is what the seed's page asks for.
    rate
        Requests that a caller has per minute; they may come at once. None sets no limit.

    Raises
    ------
    MappingError
        A parameter is unknown, or a value breaks its rule.
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
        for name in ("parameters", "folders", "tags"):
            _check_list(name, getattr(self, name))
        if not _is_number(self.lifetime) or not 0 < self.lifetime <= LONGEST:
            raise MappingError(f"Allow(lifetime={self.lifetime!r}): a token lives 1 to {LONGEST} seconds.")
        if self.rate is not None and (not _is_number(self.rate) or not self.rate >= 1):
            raise MappingError(f"Allow(rate={self.rate!r}): give the requests per minute, at least 1, or None.")
        for folder in self.folders:
            _written("folder", folder)
        if self.names is not None:
            try:
                re.compile(self.names)
            except re.error as error:
                raise MappingError(f"Allow(names={self.names!r}): {error}.") from None
        forced = {_wire(name): _written(BY_WIRE[_wire(name)], value) for name, value in self.force.items()}
        for name, value in {
            "parameters": frozenset({_wire(name) for name in self.parameters} | set(forced)),
            "values": {_wire(name): _allowed(name, allowed) for name, allowed in self.values.items()},
            "force": forced,
            "tags": None if self.tags is None else frozenset(_tags_of(self.tags)),
        }.items():
            object.__setattr__(self, name, value)

    def check(self, caller: str, fields: Mapping[str, str], expire: int) -> None:
        """Compare what is to be signed with what the caller may have.

        Raises
        ------
        Refused
            Something may not be signed; the message says what.
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
            raise forbidden(f"expire may be {self.lifetime} at most.")

    def _parameters(self, _caller: str, fields: Mapping[str, str]) -> None:
        for name in fields:
            if name not in self.parameters:
                raise forbidden(f"{name} may not be set.")

    def _forced(self, caller: str, fields: Mapping[str, str]) -> None:
        for name, value in self.force.items():
            if fields.get(name) != _of(caller, value):
                raise forbidden(f"{name} must be {_of(caller, value)!r}.")

    def _folder(self, caller: str, fields: Mapping[str, str]) -> None:
        wanted = folder_levels(fields.get("folder", "/"))
        for folder in self.folders:
            levels = folder_levels(_of(caller, folder))
            if wanted[: len(levels)] == levels:
                return
        raise forbidden(f"The folder {fields.get('folder', '/')!r} may not be uploaded to.")

    def _name(self, _caller: str, fields: Mapping[str, str]) -> None:
        if self.names is not None and not re.fullmatch(self.names, stored_name(fields["fileName"])):
            raise forbidden("The fileName is none that may be used.")

    def _tags(self, _caller: str, fields: Mapping[str, str]) -> None:
        if self.tags is not None:
            for tag in tag_list(fields.get("tags", "")):
                if tag not in self.tags:
                    raise forbidden(f"The tag {tag!r} may not be used.")

    def _values(self, _caller: str, fields: Mapping[str, str]) -> None:
        for name, allowed in self.values.items():
            if name in fields and not (allowed(fields[name]) if callable(allowed) else fields[name] in allowed):
                raise forbidden(f"{name} may not have this value.")

    def _replacing(self, _caller: str, fields: Mapping[str, str]) -> None:
        fixed = fields.get("useUniqueFileName") == "false"
        if fixed and not self.replace and fields.get("overwriteFile") != "false":
            raise forbidden("With useUniqueFileName=false, overwriteFile must be false: no file may be replaced.")


def _of(caller: str, template: str) -> str:
    """Put the caller's name into a value, if it can be one level of a folder, and of nobody else's.

    Not ``..``, nor ``a/b``, nor letters that some systems take for others.
    """
    fits = _CALLER.fullmatch(caller) and unicodedata.is_normalized("NFKC", caller)
    if "{caller}" in template and not fits:
        raise forbidden("The caller's name can be in no folder.")
    return template.replace("{caller}", caller)


def _wire(name: str) -> str:
    known = TABLE.get(BY_WIRE.get(name, name))
    if known is None or known.wire == "file":
        raise MappingError(f"Allow: {name!r} is no parameter that is signed{did_you_mean(name, TABLE)}.")
    return known.wire


def _written(name: str, value: object) -> str:
    """Write a value as it is sent, with ``{caller}`` where it stands."""
    given = value.replace("{caller}", _STAND_IN) if isinstance(value, str) else value
    try:
        text = encode(name, given)
        return (strict_folder(text) if name == "folder" else text).replace(_STAND_IN, "{caller}")
    except InvalidValue as bad:
        raise MappingError(f"Allow: {bad.message}; {bad.fix}.".replace(_STAND_IN, "{caller}")) from None


def _check_list(name: str, value: object) -> None:
    """Refuse a text where a list is wanted: each part of it would be allowed."""
    if isinstance(value, (str, bytes)):
        raise MappingError(f"Allow({name}={short_repr(value)}): give a list.")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _allowed(name: str, allowed: Collection[Any] | Callable[[str], bool]) -> Collection[str] | Callable[[str], bool]:
    """Take texts as they are, and write other values as they are sent."""
    if callable(allowed):
        return allowed
    _check_list(f"values[{name!r}]", allowed)
    known = BY_WIRE[_wire(name)]
    return frozenset(one if isinstance(one, str) else _written(known, one) for one in allowed)


def _tags_of(tags: Collection[Any]) -> list[str]:
    try:
        return tag_list(list(tags))
    except InvalidValue as bad:
        raise MappingError(f"Allow: tags: {bad.message}; {bad.fix}.") from None
