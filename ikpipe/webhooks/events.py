"""The body of a webhook → a typed event (spec). Pure.

What an event must have, to be of its type, is looked at; everything else is in its `data` and `body` as it came.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from ikpipe.errors import WebhookError
from ikpipe.request.reply import parsed


@dataclass(frozen=True, kw_only=True)
class Event:
    """What every webhook has; those of no type known here are of this class itself.

    Parameters
    ----------
    type
        Such as ``upload.pre-transform.success``; ``extension`` for the result of an extension, which names no type.
    id
        The event's own; None where it has none.
    created_at
        When it happened; None where it does not say.
    file_id
        The file that it is about, where it says so.
    data, body
        Its `data`, and all of it.
    signed
        Whether its signature was verified.
    replayed
        Whether a webhook of this id was here before: sent again by the service, or by somebody else.
    """

    type: str
    id: str | None = None
    created_at: datetime | None = None
    file_id: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict, repr=False)
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)
    signed: bool = False
    replayed: bool = False


@dataclass(frozen=True, kw_only=True)
class ExtensionEvent(Event):
    """How an extension ended: sent to the upload's `webhook_url`, and not signed as far as anybody knows (spec).

    `status` is in the words of `ik_extension_status`; `data` is the file's details, where there are some; `error` is
    what the service says of a failure.
    """

    service: str
    status: Literal["success", "failed"]
    error: Any = None


@dataclass(frozen=True, kw_only=True)
class PreTransformEvent(Event):
    """How the pre-transformation of an upload ended, that was `accepted` (``upload.pre-transform.…``).

    `request_id` is the upload's `ik_request_id`; `data` the file's details, of a success; `reason` that of a failure.
    """

    succeeded: bool
    request_id: str
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class PostTransformEvent(Event):
    """How one post-transformation of a file ended (``upload.post-transform.…``); `url` is where its outcome is."""

    succeeded: bool
    request_id: str
    url: str | None = None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class VideoEvent(Event):
    """How far a video's transformation is (``video.transformation.…``): ``accepted``, ``ready`` or ``error``."""

    status: str
    request_id: str
    url: str | None = None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class FileEvent(Event):
    """A file, or a version of one (``file.…``, ``file-version.…``), was ``created``, ``updated`` or ``deleted``."""

    change: str
    version_id: str | None = None


def parse(body: bytes | str | Mapping[str, Any], *, signed: bool = False, replayed: bool = False) -> Event:
    """Read a webhook's body, without looking at its signature: `verify` does.

    Parameters
    ----------
    body
        Its JSON, or that already read.
    signed, replayed
        What is known of it.

    Raises
    ------
    WebhookError
        It is no event, or lacks what its type must have.
    """
    try:
        return _event(body if isinstance(body, Mapping) else _json(body), signed=signed, replayed=replayed)
    except WebhookError as error:
        error.signed = signed
        raise


def _event(found: Mapping[str, Any], *, signed: bool, replayed: bool) -> Event:
    what = found.get("type", "extension" if isinstance(found.get("service"), str) else None)
    data = found.get("data", {})
    if not isinstance(what, str) or not isinstance(data, Mapping):
        raise WebhookError("The body is no event: it has neither a type nor a service.")
    common = {
        "type": what,
        "id": _text(found, "id"),
        "created_at": moment(found.get("created_at")),
        "file_id": _text(data, "fileId"),
        "data": data,
        "body": found,
        "signed": signed,
        "replayed": replayed,
    }
    family, _, outcome = what.rpartition(".")
    return _KINDS.get(what if what == "extension" else family, _other)(common, outcome)


def _json(body: bytes | str) -> Mapping[str, Any]:
    found = parsed(body.encode("utf-8", "replace") if isinstance(body, str) else body)
    if found is None:
        raise WebhookError("The body is no JSON.")
    if not isinstance(found, dict):
        raise WebhookError("The body is no event: it is no JSON object.")
    return found


def _text(of: Mapping[str, Any], name: str) -> str | None:
    found = of.get(name)
    return found if isinstance(found, str) else None


def _needed(of: object, name: str) -> str:
    found = of.get(name) if isinstance(of, Mapping) else None
    if not isinstance(found, str):
        raise WebhookError(f"The event lacks {name!r}, or it is no text.")
    return found


def moment(text: object) -> datetime | None:
    """Read a time (ISO 8601); what is none is None."""
    try:
        return datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _reason(data: Mapping[str, Any]) -> str | None:
    found: object = data
    for name in ("transformation", "error", "reason"):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, str) else None


def _request(common: Mapping[str, Any]) -> str:
    return _needed(common["body"].get("request"), "x_request_id")


def _other(common: dict[str, Any], _outcome: str) -> Event:
    return Event(**common)


def _extension(common: dict[str, Any], _outcome: str) -> Event:
    body = common["body"]
    details = body.get("fileObject")
    details = details if isinstance(details, Mapping) else {}
    word, service = _needed(body, "status").upper(), _needed(body, "service")
    if word not in ("SUCCESS", "FAILURE"):
        raise WebhookError(f"An extension's status is SUCCESS or FAILURE; {word!r} is neither.")
    common |= {"data": details, "file_id": _text(details, "fileId") or _text(body, "fileId")}
    status: Literal["success", "failed"] = "success" if word == "SUCCESS" else "failed"
    return ExtensionEvent(**common, service=service, status=status, error=body.get("error"))


def _pre_transform(common: dict[str, Any], outcome: str) -> Event:
    if outcome not in ("success", "error"):
        return Event(**common)
    if (good := outcome == "success") and common["file_id"] is None:
        raise WebhookError("The event lacks 'fileId', or it is no text.")
    return PreTransformEvent(**common, succeeded=good, request_id=_request(common), reason=_reason(common["data"]))


def _post_transform(common: dict[str, Any], outcome: str) -> Event:
    if outcome not in ("success", "error"):
        return Event(**common)
    data, good = common["data"], outcome == "success"
    return PostTransformEvent(
        **common, succeeded=good, request_id=_request(common), url=_text(data, "url"), reason=_reason(data)
    )


def _video(common: dict[str, Any], outcome: str) -> Event:
    if outcome not in ("accepted", "ready", "error"):
        return Event(**common)
    data = common["data"]
    asset = data.get("asset")
    url = _text(asset, "url") if isinstance(asset, Mapping) else None
    return VideoEvent(**common, status=outcome, request_id=_request(common), url=url, reason=_reason(data))


def _file(common: dict[str, Any], outcome: str) -> Event:
    if outcome not in ("created", "updated", "deleted"):
        return Event(**common)
    data = common["data"]
    if common["file_id"] is None:
        raise WebhookError("The event lacks 'fileId', or it is no text.")
    version = data.get("versionInfo")
    version_id = _text(data, "versionId") or (_text(version, "id") if isinstance(version, Mapping) else None)
    return FileEvent(**common, change=outcome, version_id=version_id)


_KINDS: dict[str, Callable[[dict[str, Any], str], Event]] = {
    "extension": _extension,
    "upload.pre-transform": _pre_transform,
    "upload.post-transform": _post_transform,
    "video.transformation": _video,
    "file": _file,
    "file-version": _file,
}
