"""Which of a row's details differ from those of a file in the library. Pure.

Only parameters that the row gives are compared. `extensions`, `webhook_url`, `response_fields`, `transformation` and
`checks` say what happens during an upload; they are not details of a file, and not compared.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from ikpipe.request.names import canonical_path
from ikpipe.request.update_requests import UpdateRequest
from ikpipe.request.update_values import REMOVABLE
from ikpipe.request.values import separated


class Differences(NamedTuple):
    """The details of a file that a row changes.

    `changes` is the body of ``PATCH /v1/files/{id}/details`` [spec]. `published` is what the publication changes to;
    None: it does not. `private` is the same for the privacy, which only a new version of the file can have.
    """

    changes: dict[str, Any]
    published: bool | None = None
    private: bool | None = None

    @property
    def values(self) -> dict[str, Any]:
        """The details that change, with their new values, under the media API's names."""
        return self.changes | ({} if self.published is None else {"isPublished": self.published})

    @property
    def names(self) -> list[str]:
        """The names of the details that differ, for people."""
        names = [_NAMES.get(name, name) for name in self.changes if name != "customMetadata"]
        names += [f"custom metadata {key}" for key in self.changes.get("customMetadata", ())]
        names += ["publication"] * (self.published is not None)
        return names + ["privacy"] * (self.private is not None)


_NAMES = {"customCoordinates": "custom coordinates"}


class FileChange(NamedTuple):
    """What a row of `ikpipe.update` changes of a file: only what differs.

    `details` are those that are set or removed. `target` is the file's new path; None: it stays where it is.
    """

    details: Differences
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()
    target: str | None = None

    @property
    def parts(self) -> list[str]:
        """What changes, for people."""
        tags = [f"tag {tag} is added" for tag in self.add_tags] + [f"tag {tag} is removed" for tag in self.remove_tags]
        path = [] if self.target is None else [f"path {self.target}"]
        return self.details.names + tags + path


def file_change(request: UpdateRequest, file: Mapping[str, Any], names: str) -> FileChange:
    """Return what a row changes of a file, whose details are as the library lists them.

    `names` is that of `Policy`: with ``"stored"``, a path that differs only in characters that the service may replace
    is not changed.
    """
    different = differences(request.fields, file)
    there = _tags(file.get("tags"))
    path = str(file.get("filePath"))
    target = request.target(path)
    return FileChange(
        different._replace(changes=_merged(different.changes, _removed(request.unset, file))),
        tuple(tag for tag in dict.fromkeys(request.add_tags) if tag not in there),
        tuple(tag for tag in dict.fromkeys(request.remove_tags) if tag in there),
        None if canonical_path(target, names) == canonical_path(path, names) else target,
    )


def _removed(unset: Iterable[str], file: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body that removes details that a file has [spec; a description can only be empty]."""
    values = file.get("customMetadata")
    metadata = values if isinstance(values, Mapping) else {}
    body: dict[str, Any] = {}
    for name in unset:
        parameter, dot, field = name.partition(".")
        if parameter == "custom_metadata":
            keys = [key for key in metadata if not dot or key == field]
            body |= {"customMetadata": {**body.get("customMetadata", {}), **dict.fromkeys(keys)}} if keys else {}
        elif file.get(REMOVABLE[parameter]):
            body[REMOVABLE[parameter]] = "" if parameter == "description" else None
    return body


def _merged(changes: Mapping[str, Any], removed: Mapping[str, Any]) -> dict[str, Any]:
    """Return the bodies of details that are set and of those that are removed as one."""
    metadata = {**removed.get("customMetadata", {}), **changes.get("customMetadata", {})}
    return {**removed, **changes, **({"customMetadata": metadata} if metadata else {})}


def _tags(there: Any) -> set[Any]:
    return {*(there if isinstance(there, list) else ())}


def differences(fields: Mapping[str, str], file: Mapping[str, Any]) -> Differences:
    """Return the details that a row gives and a file has otherwise.

    `fields` are the form's texts under their wire names; `file` has the file's details as the library lists them.
    """
    changes: dict[str, Any] = {}
    for wire, changed in _CHANGED.items():
        if (text := fields.get(wire)) is not None and (value := changed(text, file.get(wire))) is not None:
            changes[wire] = value
    return Differences(
        changes,
        _changed_flag(fields.get("isPublished"), file.get("isPublished"), default=True),
        _changed_flag(fields.get("isPrivateFile"), file.get("isPrivateFile"), default=False),
    )


def _changed_tags(text: str, there: Any) -> list[str] | None:
    """Return the row's tags if they differ; their order says nothing, and the service may change it [guess]."""
    tags = list(dict.fromkeys(separated(text)))
    return None if set(tags) == _tags(there) else tags


def _changed_metadata(text: str, there: Any) -> dict[str, Any] | None:
    """Return the values that differ; other fields of the file stay as they are."""
    values = there if isinstance(there, Mapping) else {}
    changed = {key: value for key, value in _parsed(text).items() if not same_value(value, values.get(key))}
    return changed or None


@lru_cache(maxsize=1024)
def _parsed(text: str) -> dict[str, Any]:
    """Return the values of custom metadata; many rows have the same."""
    values: dict[str, Any] = json.loads(text)
    return values


def _changed_text(text: str, there: Any) -> str | None:
    return None if text == (there or "") else text


def _changed_coordinates(text: str, there: Any) -> str | None:
    return None if text == str(there or "").replace(" ", "") else text


_CHANGED: dict[str, Callable[[str, Any], Any]] = {
    "tags": _changed_tags,
    "customMetadata": _changed_metadata,
    "description": _changed_text,
    "customCoordinates": _changed_coordinates,
}


def _changed_flag(text: str | None, there: Any, *, default: bool) -> bool | None:
    """Return a flag of the row if it differs from the file's."""
    if text is None:
        return None
    flag = text == "true"
    return None if flag is (there if isinstance(there, bool) else default) else flag


def same_value(given: Any, there: Any) -> bool:
    """Whether two values of custom metadata are the same: numbers by value, dates by time, options in any order."""
    if isinstance(given, bool) or isinstance(there, bool):
        return given is there
    if isinstance(given, list) and isinstance(there, list):
        return sorted(map(str, given)) == sorted(map(str, there))
    if given == there or not (isinstance(given, str) and isinstance(there, str)):
        return bool(given == there)
    time = _time(given)
    return time is not None and time == _time(there)


def _time(text: str) -> datetime | None:
    """Return a date or time in ISO 8601; the service may write it otherwise than it was sent [guess]."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time
