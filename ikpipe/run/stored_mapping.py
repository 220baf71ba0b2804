"""The mapping in the ``attrs`` of results: what `retry` takes from it, and what the caller has to pass again.

Whoever writes a results file writes its mapping too. So it is checked as a caller's would be, and never decides which
folder is read (`root`), who downloads (`fetch`), or which address is told of the files (`webhook_url`).
"""

import datetime
import logging
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from ikpipe.errors import ApiName, MappingError, Message, keyword, printable
from ikpipe.errors.scrubbing import without_credentials
from ikpipe.frames.mapping_text import value_text
from ikpipe.request.formats import CellFormats
from ikpipe.request.known_runs import about, known_by
from ikpipe.request.parameters import BY_WIRE
from ikpipe.run.existing.rules import EXISTING, is_rule

HOOK = "webhook_url"
_VALUES = (str, int, float, bool, bytes, type(None), Decimal, datetime.date, datetime.time)
_log = logging.getLogger("ikpipe.run")


def of_results(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """Return a mapping as the ``attrs`` of results have it: without the password of a webhook URL.

    Nobody takes the URL from there: the caller passes it again.
    """
    parameters = mapping.get("parameters", {})
    if not isinstance(hook := parameters.get(HOOK), str):
        return dict(mapping)
    return {**mapping, "parameters": {**parameters, HOOK: without_credentials(hook)}}


def merged(
    attrs: Mapping[Any, Any], given: Mapping[str, Any], fetch: str | None, labels: Sequence[Any] = ()
) -> dict[str, Any]:
    """Return the mapping of a run that retries results with these ``attrs``.

    `given` is the caller's mapping, as `prepare.collect_mapping` returns it; what it leaves out is taken from the
    results. `fetch` says who downloads URLs, where the caller says so. `labels` are the columns of the results: one
    that is not there any more is no longer ignored. Raise `MappingError` if the results have settings that only the
    caller may pass, or their mapping is not a valid one.
    """
    known = known_by(attrs)
    earlier = stored(attrs) if known is None else known.mapping
    columns, parameters = _with_hook(earlier, given)
    rules = earlier.get("existing", {})
    ignored = given.get("ignore") or [label for label in earlier.get("ignore", ()) if label in labels]
    if known is None:
        own = columns if columns is not given["columns"] else {}
        _check_passed_again(earlier, given, fetch, own, parameters)
        _log_taken(
            _besides(own, given["columns"]),
            _besides(parameters, given["parameters"]),
            _besides(optional_entries({}, ignored, rules), given),
        )
        earlier = {name: earlier[name] for name in ("file_kind", "formats") if name in earlier}
    formats = {**earlier.get("formats", {}), **given.get("formats", {})}
    return {
        "columns": columns,
        "root": given["root"] or earlier.get("root"),
        "file_kind": given["file_kind"] or earlier.get("file_kind"),
        "fetch": fetch or earlier.get("fetch", "server"),
        "parameters": {**parameters, **given["parameters"]},
        **optional_entries(formats, ignored, {**rules, **given.get("existing", {})}),
    }


def optional_entries(
    formats: Mapping[str, Any], ignore: list[Any], existing: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return entries of a mapping that are there only if there are any formats, columns to ignore, or rules.

    So the mapping of a run that an earlier version started, which lacks them, stays the same. `existing` are the rules
    about files that are in the library already.
    """
    entries = (("formats", formats), ("ignore", ignore), ("existing", existing))
    return {name: value for name, value in entries if value}


def stored(attrs: Mapping[Any, Any]) -> dict[str, Any]:
    """Return the mapping in a frame's ``attrs``. It has the right types; nothing of it is to be trusted.

    Raise `MappingError` if it is not one that ikpipe writes.
    """
    mapping = about(attrs).get("mapping", {})
    if not _has_text_keys(mapping):
        raise _invalid()
    columns = _part(mapping, "columns", _is_target)
    parameters = _part(mapping, "parameters", _is_value)
    formats = _part(mapping, "formats", _is_value)
    try:
        CellFormats.read(formats)
    except MappingError:
        raise _invalid() from None
    kind, fetch, root = mapping.get("file_kind"), mapping.get("fetch"), mapping.get("root")
    if kind is not None and not _is_text(kind, "base64"):
        raise _invalid()
    return {
        "columns": columns,
        "parameters": parameters,
        "file_kind": kind,
        "root": None if root is None else "said",
        "fetch": "server" if fetch is None or _is_text(fetch, "server") else "client",
        "formats": formats,
        "ignore": _labels_to_ignore(mapping),
        "existing": _existing_rules(mapping),
    }


def _existing_rules(mapping: Mapping[str, Any]) -> dict[str, Any]:
    rules = _part(mapping, "existing", _is_value)
    if not rules.keys() <= {*EXISTING} or not all(is_rule(name, value) for name, value in rules.items()):
        raise _invalid()
    return rules


def _labels_to_ignore(mapping: Mapping[str, Any]) -> list[Any]:
    labels = mapping.get("ignore", [])
    if not isinstance(labels, list) or not all(map(_is_label, labels)):
        raise _invalid()
    return labels


def _part(mapping: Mapping[str, Any], name: str, is_valid: Callable[[Any], bool]) -> dict[str, Any]:
    """Return the columns or the parameters of a mapping, whose values are checked."""
    part = mapping.get(name)
    if part is None:
        return {}
    if not _has_text_keys(part) or not all(map(is_valid, part.values())):
        raise _invalid()
    return dict(part)


def _is_text(value: Any, text: str) -> bool:
    return isinstance(value, str) and value == text


def _invalid() -> MappingError:
    fix = "Remove it (del results.attrs['ikpipe']), and pass columns= and the parameters again."
    return MappingError("The mapping in these results is not one that ikpipe writes.", fix=fix)


def _has_text_keys(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(name, str) for name in value)


def _is_target(target: Any) -> bool:
    """Whether an entry of `columns` names a column, or several."""
    if isinstance(target, Mapping):
        return _has_text_keys(target) and all(map(_is_label, target.values()))
    return all(map(_is_label, target)) if isinstance(target, list) else _is_label(target)


def _is_label(label: Any) -> bool:
    """Whether a column can have this label, so that comparing it with others is safe."""
    return all(map(_is_label, label)) if isinstance(label, tuple) else isinstance(label, _VALUES)


def _is_value(value: Any) -> bool:
    """Whether a parameter can have this value for all rows."""
    if isinstance(value, Mapping):
        return _has_text_keys(value) and all(map(_is_value, value.values()))
    return all(map(_is_value, value)) if isinstance(value, list | tuple | set) else isinstance(value, _VALUES)


def _gives_hook(names: Mapping[str, Any]) -> bool:
    return bool(only_hook(names))


def only_hook(names: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that only a caller may pass."""
    return {name: value for name, value in names.items() if BY_WIRE.get(name, name) == HOOK}


def _without_hook(names: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in names.items() if BY_WIRE.get(name, name) != HOOK}


def _with_hook(earlier: Mapping[str, Any], given: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return the columns, and the parameters of the results: a webhook URL of the caller replaces theirs.

    The caller's columns replace all of theirs, unless they have the webhook URL only.
    """
    columns, parameters = earlier.get("columns", {}), earlier.get("parameters", {})
    if _gives_hook(given["columns"]) or _gives_hook(given["parameters"]):
        columns, parameters = _without_hook(columns), _without_hook(parameters)
    if _gives_hook(given["columns"]) and not _without_hook(given["columns"]):
        return {**columns, **given["columns"]}, parameters
    return given["columns"] or columns, parameters


def _check_passed_again(
    earlier: Mapping[str, Any],
    given: Mapping[str, Any],
    fetch: str | None,
    columns: Mapping[str, Any],
    parameters: Mapping[str, Any],
) -> None:
    """Check that the caller passes every setting that only a caller may pass.

    Raise `MappingError` if only the results have it; the message says what to pass, and repeats nothing of theirs.
    """
    hook_of_columns = _gives_hook(columns) and not _gives_hook(given["columns"])
    only_callers = {
        keyword("root", ...): earlier["root"] is not None and given["root"] is None,
        keyword("fetch", "client"): earlier["fetch"] != "server" and fetch is None,
        ApiName("column", HOOK): hook_of_columns,
        keyword(HOOK, ...): _gives_hook(parameters),
    }
    missing = [part for name, is_missing in only_callers.items() if is_missing for part in (", ", name)][1:]
    if missing:
        otherwise = ". Otherwise remove them (del results.attrs['ikpipe']) and pass the whole mapping."
        raise MappingError(
            "These results are from a run that this process does not know, and ask for more than a mapping. Results "
            "can come from anyone, so these settings are not taken from them.",
            fix=Message("To use them again, pass ", *missing, otherwise),
        )


def _besides(names: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in names.items() if name not in given}


def _log_taken(columns: Mapping[str, Any], parameters: Mapping[str, Any], ignored: Mapping[str, Any]) -> None:
    """Log which mapping was taken from the results."""
    entries = [f"{parameter} ← {value_text(target)}" for parameter, target in columns.items()]
    entries += [f"{parameter} = {value_text(value)}" for parameter, value in parameters.items()]
    entries += [f"{name}: {value_text(labels)}" for name, labels in ignored.items()]
    if entries:
        _log.warning("Mapping taken from the results: %s", printable(", ".join(entries)))
