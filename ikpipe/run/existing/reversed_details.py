"""Which details of a file are set back when a run is undone. Pure.

Three values are compared: the one before the run, the one that the run set, and the one that the file has. A detail is
only set back if it has the run's value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from ikpipe.request.missing import without_none
from ikpipe.request.names import canonical_path
from ikpipe.run.existing.differences import Differences, same_value

_METADATA, _PATH, _PUBLISHED = "customMetadata", "filePath", "isPublished"


class SetBack(NamedTuple):
    """Details to set back.

    `changes` is the body of ``PATCH /v1/files/{id}/details``, with the publication; `path` is a path to move the file
    to. `conflicts` are the names of details that somebody changed since, `impossible` those that the media API cannot
    change, and `names` those that are set back.
    """

    changes: Differences
    path: str | None
    conflicts: list[str]
    impossible: list[str]
    names: list[str]


def merged(before: Mapping[str, Any], details: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return earlier details with those that one change replaced: of each detail that it sets, the value before."""
    found = dict(before)
    for name, value in changes.items():
        if name == _METADATA:
            values = details.get(name) or {}
            found[name] = {**(found.get(name) or {}), **{key: values.get(key) for key in value or values}}
        else:
            found[name] = details.get(name)
    return found


def changed_details(
    expected: Mapping[str, Any], file: Mapping[str, Any], earlier: Sequence[Mapping[str, Any]] | None
) -> list[str]:
    """Return the names of details that a file has otherwise than expected.

    `earlier` are the details of the version before, if there was one: what was not sent is empty, or as it was there.
    None: nothing is known of details that are not expected.
    """
    names = [name for name in _COMPARED if name not in (_PATH, "AITags")]
    return [_WORDS.get(name, name) for name in names if not _is_expected(name, expected, file, earlier)]


def _is_expected(
    name: str, expected: Mapping[str, Any], file: Mapping[str, Any], earlier: Sequence[Mapping[str, Any]] | None
) -> bool:
    there = file.get(name)
    if name == _METADATA:
        return _is_expected_metadata(expected.get(name) or {}, there or {}, earlier)
    if name in expected:
        return _same(name, expected[name], there)
    return earlier is None or any(_same(name, one, there) for one in [None, *(one.get(name) for one in earlier)])


def _is_expected_metadata(
    value: Mapping[str, Any], there: Mapping[str, Any], earlier: Sequence[Mapping[str, Any]] | None
) -> bool:
    if earlier is None:
        return _same(_METADATA, value, {key: one for key, one in there.items() if key in value})
    values = [value, *({**(one.get(_METADATA) or {}), **value} for one in earlier)]
    return any(_same(_METADATA, one, there) for one in values)


def set_back(before: Mapping[str, Any], ours: Sequence[Mapping[str, Any]], file: Mapping[str, Any]) -> SetBack:
    """Return the details of a file to set back.

    `before` has details before the run, `ours` all that the run set, and `file` those that the file has.
    """
    found = SetBack(Differences({}), None, [], [], [])
    back: dict[str, Any] = {}
    for name in filter(before.__contains__, _COMPARED):
        if name == _METADATA:
            then, now, *sent = (one.get(name) or {} for one in (before, file, *ours))
            back |= _metadata(then, sent, now, found)
        elif _is_set_back(name, before[name], [one[name] for one in ours if name in one], file.get(name), found):
            back[name] = before[name]
    return found._replace(changes=_as_changes(back), path=str(back[_PATH]) if _PATH in back else None)


def _as_changes(back: Mapping[str, Any]) -> Differences:
    """Return the request that sets details back."""
    body = {name: then or _EMPTY.get(name) for name, then in back.items() if name in (_METADATA, *_EMPTY)}
    return Differences(body, back[_PUBLISHED] is not False if _PUBLISHED in back else None)


def _is_set_back(name: str, then: Any, ours: Sequence[Any], now: Any, found: SetBack) -> bool:
    """Whether a detail differs and can be set back: the run set it, and the API can change it; note what is so."""
    if _same(name, then, now):
        return False
    is_ours = any(_same(name, one, now) for one in ours)
    word = _WORDS.get(name, name)
    if not is_ours:
        found.conflicts.append(word)
    elif name in _IMPOSSIBLE:
        found.impossible.append(word)
    else:
        found.names.append(word)
        return True
    return False


def _metadata(
    then: Mapping[str, Any], ours: Sequence[Mapping[str, Any]], now: Mapping[str, Any], found: SetBack
) -> dict[str, Any]:
    """Return the values of custom metadata to set back: null removes one."""
    values: dict[str, Any] = {}
    for key in dict.fromkeys([*then, *(key for one in ours for key in one)]):
        if same_value(then.get(key), now.get(key)):
            continue
        if any(same_value(one.get(key), now.get(key)) for one in ours):
            values[key] = then.get(key)
            found.names.append(f"custom metadata {key}")
        else:
            found.conflicts.append(f"custom metadata {key}")
    return {_METADATA: values} if values else {}


def _same(name: str, one: Any, other: Any) -> bool:
    return _COMPARED[name](one, other)


def _same_sets(one: Any, other: Any) -> bool:
    """Whether two lists of tags have the same names; those of AI tags are in objects."""
    first, second = (
        {str(tag["name"] if isinstance(tag, Mapping) else tag) for tag in tags or ()} for tags in (one, other)
    )
    return first == second


def _same_texts(one: Any, other: Any) -> bool:
    return (one or "") == (other or "")


def _same_metadata(one: Any, other: Any) -> bool:
    first, second = without_none(one or {}), without_none(other or {})
    return first.keys() == second.keys() and all(same_value(value, second[key]) for key, value in first.items())


def _same_coordinates(one: Any, other: Any) -> bool:
    return str(one or "").replace(" ", "") == str(other or "").replace(" ", "")


def _same_paths(one: Any, other: Any) -> bool:
    return canonical_path(str(one), "as_given") == canonical_path(str(other), "as_given")


_COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "tags": _same_sets,
    _METADATA: _same_metadata,
    "description": _same_texts,
    "customCoordinates": _same_coordinates,
    _PUBLISHED: lambda one, other: (one is not False) is (other is not False),
    "isPrivateFile": lambda one, other: (one is True) is (other is True),
    "AITags": _same_sets,
    _PATH: _same_paths,
}
"""Details that are compared → whether two values are the same."""
_IMPOSSIBLE = ("isPrivateFile", "AITags")
"""Details that the media API cannot set [spec]."""
_EMPTY: dict[str, Any] = {"tags": None, "description": "", "customCoordinates": None}
"""Details that a request can change → what removes them."""
_WORDS = {
    "customCoordinates": "custom coordinates",
    _METADATA: "custom metadata",
    _PUBLISHED: "publication",
    "isPrivateFile": "privacy",
    "AITags": "AI tags",
    _PATH: "path",
}
