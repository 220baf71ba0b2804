"""The keywords that `upload` and its siblings share: written once, with their types and defaults."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypedDict, TypeVar

from ikpipe.request.parameters import TABLE, Keywords, Parameters
from ikpipe.run.prepare import Fetch, FileKind, collect_mapping

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from ikpipe.request.policy import Policy
    from ikpipe.request.result import Result
    from ikpipe.run.progress import Progress

Function = TypeVar("Function", bound=Callable[..., Any])


class _File(TypedDict, total=False):
    root: str | Path | None
    file_kind: FileKind | None
    fetch: Fetch


class _Connection(TypedDict, total=False):
    fetch_hosts: Sequence[str]
    timeout: float | None
    policy: Policy | None
    transport: httpx.AsyncBaseTransport | None


class SendKeywords(_Connection, total=False):
    """How a run sends."""

    concurrency: int | None
    rate: float | None
    retries: int
    max_failures: int | None
    trust_journal: bool
    progress: bool | Callable[[Progress], None]
    on_result: Callable[[Any, Result], None] | None
    on_unknown: Literal["hold", "resend"]
    on_error: Literal["return", "raise"]


class UploadKeywords(Keywords, _File, SendKeywords, total=False):
    """What a run sends, and how."""

    columns: Mapping[str, Any] | None


class CheckKeywords(Keywords, _File, _Connection, total=False):
    """What a run would send."""

    columns: Mapping[str, Any] | None


class FileKeywords(Parameters, _File, _Connection, total=False):
    """What is sent of one file, and how."""

    retries: int
    on_unknown: Literal["hold", "resend"]


class PartKeywords(Keywords, _File, total=False):
    """What is sent of the parts of an upload, and how."""

    columns: Mapping[str, Any] | None
    fetch_hosts: Sequence[str]
    concurrency: int | None
    rate: float | None
    retries: int
    timeout: float | None
    on_unknown: Literal["hold", "resend"]
    on_error: Literal["return", "raise"]
    policy: Policy | None


_MAPPING = ("columns", "root", "file_kind", "fetch")
DEFAULTS = {
    "fetch": "server",
    "fetch_hosts": (),
    "retries": 5,
    "trust_journal": False,
    "progress": True,
    "on_unknown": "hold",
    "on_error": "return",
}
"""The defaults that are not None."""


def spelled_out(kind: type, defaults: Mapping[str, Any] = DEFAULTS) -> Callable[[Function], Function]:
    """Make a decorator that lists the keywords of a function one by one in its signature, for `help()` and notebooks.

    Parameters
    ----------
    kind
        What the function unpacks its keywords as. Upload parameters stay ``**parameters``, since they are many.
    defaults
        Those that are not None.
    """
    hints = {name: hint.__forward_arg__ for name, hint in kind.__annotations__.items() if name not in TABLE}
    names = [*(name for name in _MAPPING if name in hints), *(name for name in hints if name not in _MAPPING)]
    listed = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=defaults.get(name), annotation=hints[name])
        for name in names
    ]

    def decorate(function: Function) -> Function:
        signature = inspect.signature(function)
        *own, rest = signature.parameters.values()
        parameters = [rest.replace(name="parameters")] if kind.__annotations__.keys() & TABLE else []
        function.__signature__ = signature.replace(parameters=[*own, *listed, *parameters])  # type: ignore[attr-defined]
        return function

    return decorate


def parted(kind: type, keywords: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Part keywords into a mapping and what is said of the sending.

    What `kind` does not have is taken for an upload parameter, and refused as such with the name that is nearest.
    """
    sending = {name: value for name, value in keywords.items() if name in kind.__annotations__ and name not in TABLE}
    mapping = {name: sending.pop(name, DEFAULTS.get(name)) for name in _MAPPING}
    parameters = {name: value for name, value in keywords.items() if name in TABLE or name not in kind.__annotations__}
    return collect_mapping(**mapping, parameters=parameters), sending
