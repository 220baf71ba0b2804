"""The keywords that `upload`, `retry`, `check` and distributed uploads share, with their types and defaults."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict, TypeVar

from ikpipe.errors import MappingError, did_you_mean
from ikpipe.request.formats import FORMATS
from ikpipe.request.parameters import BY_WIRE, NAMES, Flag, Json, Keywords, Parameters, UpdateParameters
from ikpipe.request.policy import Policy
from ikpipe.request.result import Result
from ikpipe.run.existing.rules import EXISTING, OnExisting
from ikpipe.run.prepare import Fetch, FileKind, collect_mapping
from ikpipe.run.progress import Progress

if TYPE_CHECKING:
    import httpx

Function = TypeVar("Function", bound=Callable[..., Any])


class _PathKeyword(TypedDict, total=False):
    path: str


class _FileKeywords(_PathKeyword, total=False):
    root: str | Path | None
    file_kind: FileKind | None
    fetch: Fetch


class _FormatKeywords(TypedDict, total=False):
    tag_separator: str
    decimal: Literal[".", ","]
    true_values: Sequence[str]
    false_values: Sequence[str]


class _ConnectionKeywords(TypedDict, total=False):
    fetch_hosts: Sequence[str]
    timeout: float | None
    policy: Policy | None
    transport: httpx.AsyncBaseTransport | None


class SendKeywords(_ConnectionKeywords, total=False):
    """Keywords for how a run sends."""

    concurrency: int | None
    rate: float | None
    bandwidth: float | str | None
    retries: int
    max_failures: int | None
    trust_journal: bool
    progress: bool | Callable[[Progress], None]
    on_result: Callable[[Any, Result], None] | None
    on_summary: Callable[[dict[str, Any]], object] | None
    on_unknown: Literal["hold", "resend"]
    on_error: Literal["return", "raise"]


class _ExistingKeywords(TypedDict, total=False):
    on_existing: OnExisting | None
    changed_by: str
    dedupe: bool


class _TableKeywords(Keywords, _FileKeywords, _FormatKeywords, _ExistingKeywords, total=False):
    columns: Mapping[str, Any] | None
    ignore: Sequence[Any]


class UploadKeywords(_TableKeywords, SendKeywords, total=False):
    """Keywords for what a run sends, and how."""

    state: str | Path | None
    run: str | None


class CheckKeywords(_TableKeywords, _ConnectionKeywords, total=False):
    """Keywords for what a run would send."""


class PlanKeywords(_TableKeywords, _ConnectionKeywords, total=False):
    """Keywords for what a run would do with its rows."""

    state: str | Path | None
    run: str | None


class PartUpdateKeywords(UpdateParameters, _PathKeyword, _FormatKeywords, total=False):
    """Keywords for what an update changes, for the parts of a table too."""

    tags: Sequence[str] | str
    custom_metadata: Json
    description: str
    custom_coordinates: Sequence[int] | str
    is_private_file: Flag
    is_published: Flag
    file_name: str
    folder: str
    columns: Mapping[str, Any] | None
    ignore: Sequence[Any]
    policy: Policy | None


class UpdateKeywords(PartUpdateKeywords, total=False):
    """Keywords for what an update changes, and how."""

    journal: str | Path | None
    trust_journal: bool
    progress: bool | Callable[[Progress], None]
    max_failures: int | None
    timeout: float | None
    transport: httpx.AsyncBaseTransport | None


class SyncKeywords(Keywords, _FileKeywords, _FormatKeywords, SendKeywords, total=False):
    """Keywords for what a sync sends, and how; names are fixed, and what differs is replaced."""

    columns: Mapping[str, Any] | None
    ignore: Sequence[Any]
    changed_by: str
    state: str | Path | None


class FileKeywords(Parameters, _FileKeywords, _ConnectionKeywords, total=False):
    """Keywords for what is sent for one file, and how."""

    bandwidth: float | str | None
    retries: int
    on_unknown: Literal["hold", "resend"]


class PartKeywords(_TableKeywords, total=False):
    """Keywords for what is sent for the parts of an upload, and how."""

    fetch_hosts: Sequence[str]
    concurrency: int | None
    rate: float | None
    bandwidth: float | str | None
    retries: int
    timeout: float | None
    on_unknown: Literal["hold", "resend"]
    on_error: Literal["return", "raise"]
    policy: Policy | None
    state: str | Path | None


_MAPPING = ("columns", "ignore", "root", "file_kind", "fetch")
DEFAULTS = {
    "ignore": (),
    "fetch": "server",
    "tag_separator": ",",
    "decimal": ".",
    "true_values": (),
    "false_values": (),
    "changed_by": "content",
    "dedupe": False,
    "fetch_hosts": (),
    "retries": 5,
    "trust_journal": False,
    "progress": True,
    "on_unknown": "hold",
    "on_error": "return",
}
"""The defaults other than None."""

_NO_OPTIONS = ("self", "frame", "results", "account", "parameters", "keywords")


def listed_keywords(kind: type, defaults: Mapping[str, Any] = DEFAULTS) -> Callable[[Function], Function]:
    """Return a decorator that lists the keywords of a function in its signature, for `help()` and notebooks.

    `kind` is the `TypedDict` of the function's keywords. Upload parameters stay ``**parameters``, because they are
    many. `defaults` are default values other than None.
    """
    hints = {name: hint.__forward_arg__ for name, hint in kind.__annotations__.items() if name not in NAMES}
    first = (*_MAPPING, *FORMATS, *EXISTING)
    names = [*(name for name in first if name in hints), *(name for name in hints if name not in first)]
    listed = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=defaults.get(name), annotation=hints[name])
        for name in names
    ]

    def decorate(function: Function) -> Function:
        """Return the function with a signature that lists the keywords."""
        signature = inspect.signature(function)
        *own, rest = signature.parameters.values()
        parameters = [rest.replace(name="parameters")] if kind.__annotations__.keys() & {*NAMES} else []
        function.__signature__ = signature.replace(parameters=[*own, *listed, *parameters])  # type: ignore[attr-defined]
        return function

    return decorate


def split_keywords(
    function: Callable[..., Any], kind: type, keywords: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the mapping and the send options of the call of a function.

    `kind` is the `TypedDict` of its keywords, `keywords` are those of the call. Raise `MappingError` if the function
    does not have a keyword; the message suggests a parameter or an option of a similar name.
    """
    check_keywords(keywords, function, kind.__annotations__)
    parameters = {name: value for name, value in keywords.items() if name in NAMES or name not in kind.__annotations__}
    sending = {name: value for name, value in keywords.items() if name not in parameters}
    mapping = {name: sending.pop(name, DEFAULTS.get(name)) for name in _MAPPING}
    formats, existing = ({name: sending.pop(name) for name in some if name in sending} for some in (FORMATS, EXISTING))
    return collect_mapping(**mapping, parameters=parameters, formats=formats, existing=existing), sending


def check_keywords(keywords: Iterable[str], function: Callable[..., Any], known: Collection[str] = ()) -> None:
    """Check that each keyword is an upload parameter, in either spelling, or `known`.

    Raise `MappingError` if one is not; the message suggests a parameter, or a keyword of the function, with a similar
    name.
    """
    for name in keywords:
        if name not in known and name not in NAMES and name not in BY_WIRE and name != "token":
            options = [option for option in inspect.signature(function).parameters if option not in _NO_OPTIONS]
            suggestion = did_you_mean(name, [*NAMES, *options, *known], cutoff=0.7)
            raise MappingError(f"There is no upload parameter {name!r}{suggestion}.")
