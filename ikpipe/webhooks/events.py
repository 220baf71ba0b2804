"""`parse`: a webhook's body to a typed event [spec]. Pure.

Only the fields that an event type needs are checked; everything else is unchanged in the event's `data` and `body`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from ikpipe.errors import WebhookError
from ikpipe.request.reply import parse_json


@dataclass(frozen=True, kw_only=True)
class Event:
    """A webhook event. Types that ikpipe does not know are instances of this class itself.

    Parameters
    ----------
    type
        Such as ``upload.pre-transform.success``; ``extension`` for the result of an extension, which has no type.
    id
        The event's id; None if it has none.
    created_at
        When the event happened; None if the webhook does not say.
    file_id
        The file's id; None if the webhook does not say.
    data, body
        The `data` of the webhook, and the complete body.
    signed
        Whether the signature was verified.
    replayed
        Whether a webhook with this id was received before: sent again by the service or by somebody else.
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
    """The result of an extension, sent to the upload's `webhook_url` and, as far as is known, not signed [spec].

    `status` has a value of `ik_extension_status`; `data` the file's details, if the webhook has them; `error` the
    service's description of a failure.
    """

    service: str
    status: Literal["success", "failed"]
    error: Any = None


@dataclass(frozen=True, kw_only=True)
class PreTransformEvent(Event):
    """The result of the pre-transformation of an `accepted` upload (``upload.pre-transform.…``).

    `request_id` is the upload's `ik_request_id`; `data` has the file's details after a success; `reason` describes a
    failure.
    """

    succeeded: bool
    request_id: str
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class PostTransformEvent(Event):
    """The result of one post-transformation of a file (``upload.post-transform.…``); `url` is its address."""

    succeeded: bool
    request_id: str
    url: str | None = None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class VideoEvent(Event):
    """The state of a video transformation (``video.transformation.…``): ``accepted``, ``ready`` or ``error``."""

    status: str
    request_id: str
    url: str | None = None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class FileEvent(Event):
    """A file or file version was ``created``, ``updated`` or ``deleted`` (``file.…``, ``file-version.…``)."""

    change: str
    version_id: str | None = None


def parse(body: bytes | str | Mapping[str, Any], *, signed: bool = False, replayed: bool = False) -> Event:
    """Return the event of a webhook's body, without checking its signature; `verify` does.

    Parameters
    ----------
    body
        The JSON, as text or parsed.
    signed, replayed
        The event's attributes of these names.

    Raises
    ------
    WebhookError
        The body is not an event, or a field of its type is missing.
    """
    try:
        return _event(body if isinstance(body, Mapping) else _json(body), signed=signed, replayed=replayed)
    except WebhookError as error:
        error.signed = signed
        raise


def _event(body: Mapping[str, Any], *, signed: bool, replayed: bool) -> Event:
    kind = body.get("type", "extension" if isinstance(body.get("service"), str) else None)
    data = body.get("data", {})
    if not isinstance(kind, str) or not isinstance(data, Mapping):
        raise WebhookError("The body is not a webhook event: it has neither a type nor a service.")
    common: dict[str, Any] = {
        "type": kind,
        "id": _text(body, "id"),
        "created_at": parse_time(body.get("created_at")),
        "file_id": _text(data, "fileId"),
        "data": data,
        "body": body,
        "signed": signed,
        "replayed": replayed,
    }
    family, _, outcome = kind.rpartition(".")
    reader, outcomes = _READERS.get(family, (None, ()))
    return Event(**common) if reader is None or outcome not in outcomes else reader(common, outcome)


def _json(body: bytes | str) -> Mapping[str, Any]:
    content = parse_json(body.encode("utf-8", "replace") if isinstance(body, str) else body)
    if content is None:
        raise WebhookError("The body is not valid JSON.")
    if not isinstance(content, dict):
        raise WebhookError("The body is not a webhook event: it is not a JSON object.")
    return content


def _text(fields: object, name: str) -> str | None:
    value = fields.get(name) if isinstance(fields, Mapping) else None
    return value if isinstance(value, str) else None


def _required(fields: object, name: str) -> str:
    if (value := _text(fields, name)) is None:
        raise WebhookError(f"The event has no {name!r}, or it is not text.")
    return value


def parse_time(text: object) -> datetime | None:
    """Return a time in ISO 8601; None if the text is not one."""
    try:
        return datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _reason(data: Mapping[str, Any]) -> str | None:
    value: object = data
    for name in ("transformation", "error", "reason"):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value if isinstance(value, str) else None


def _request_id(common: Mapping[str, Any]) -> str:
    return _required(common["body"].get("request"), "x_request_id")


def _extension(common: dict[str, Any], _outcome: str) -> Event:
    body = common["body"]
    details = body.get("fileObject")
    details = details if isinstance(details, Mapping) else {}
    status_word, service = _required(body, "status").upper(), _required(body, "service")
    if status_word not in ("SUCCESS", "FAILURE"):
        raise WebhookError(f"The status {status_word!r} of an extension is neither SUCCESS nor FAILURE.")
    common |= {"data": details, "file_id": _text(details, "fileId") or _text(body, "fileId")}
    status: Literal["success", "failed"] = "success" if status_word == "SUCCESS" else "failed"
    return ExtensionEvent(**common, service=service, status=status, error=body.get("error"))


def _pre_transform(common: dict[str, Any], outcome: str) -> Event:
    data, succeeded = common["data"], outcome == "success"
    if succeeded:
        _required(data, "fileId")
    return PreTransformEvent(**common, succeeded=succeeded, request_id=_request_id(common), reason=_reason(data))


def _post_transform(common: dict[str, Any], outcome: str) -> Event:
    data, url = common["data"], _text(common["data"], "url")
    succeeded, request_id = outcome == "success", _request_id(common)
    return PostTransformEvent(**common, succeeded=succeeded, request_id=request_id, url=url, reason=_reason(data))


def _video(common: dict[str, Any], outcome: str) -> Event:
    data = common["data"]
    url = _text(data.get("asset"), "url")
    return VideoEvent(**common, status=outcome, request_id=_request_id(common), url=url, reason=_reason(data))


def _file(common: dict[str, Any], outcome: str) -> Event:
    data = common["data"]
    _required(data, "fileId")
    version_id = _text(data, "versionId") or _text(data.get("versionInfo"), "id")
    return FileEvent(**common, change=outcome, version_id=version_id)


_READERS: dict[str, tuple[Callable[[dict[str, Any], str], Event], tuple[str, ...]]] = {
    "": (_extension, ("extension",)),
    "upload.pre-transform": (_pre_transform, ("success", "error")),
    "upload.post-transform": (_post_transform, ("success", "error")),
    "video.transformation": (_video, ("accepted", "ready", "error")),
    "file": (_file, ("created", "updated", "deleted")),
    "file-version": (_file, ("created", "updated", "deleted")),
}
"""What an event's type starts with → how to read it, and the outcomes that it ends with."""
