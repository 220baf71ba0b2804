"""The effective mapping of a run in one line, such as ``file ← image_url, tags ← category, season; unused: price``."""

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

from ikpipe.errors import cut, listed, printable
from ikpipe.frames.near_misses import METADATA
from ikpipe.request.rows import ValueSource

_SHOWN = 20  # columns of one kind in the line
_SECRET = re.compile(r"(?<=://)[^\s/?#]*@|\?.*", re.DOTALL)  # of a URL: the user's name and password, the query


def effective_mapping(
    sources: Mapping[str, Sequence[ValueSource]], label: Callable[[int], Hashable], unused: Sequence[Hashable]
) -> str:
    """Return which columns and keywords give each parameter, by priority, and the columns that give none.

    `sources` is parameter → the sources of its value, by priority. `unused` are the labels of columns that no source
    reads.
    """
    ordered = sorted(sources, key=lambda parameter: parameter != "file")
    entries = [
        entry
        for parameter in ordered
        for entry in (_fields if parameter == "custom_metadata" else _one)(parameter, sources[parameter], label)
    ]
    return printable(", ".join(entries) + (f"; unused: {_listed(unused)}" if unused else ""))


def _one(parameter: str, sources: Sequence[ValueSource], label: Callable[[int], Hashable]) -> list[str]:
    """Return the entry of a parameter."""
    texts = [_origin(source, label) for source in sources]
    return [f"{parameter} {'=' if sources[0].text is not None else '←'} {', otherwise '.join(texts)}"]


def _fields(parameter: str, sources: Sequence[ValueSource], label: Callable[[int], Hashable]) -> list[str]:
    """Return the entries of metadata: one for all columns that are named like their fields, and the others."""
    alike = [source.key for source in sources if _is_alike(source, label)]
    others = [
        f"{parameter}{'' if source.key is None else f'.{cut(source.key)}'} "
        f"{'←' if source.text is None else '='} {_origin(source, label)}"
        for source in sources
        if not _is_alike(source, label)
    ]
    return [*([f"{parameter} ← {_listed(alike)}"] if alike else []), *others[:_SHOWN]]


def _is_alike(source: ValueSource, label: Callable[[int], Hashable]) -> bool:
    """Whether the column of a metadata field has the field's name, with or without the name of the parameter."""
    own = {source.key, *(f"{prefix}{source.key}" for prefix in METADATA)}
    return source.key is not None and str(label(source.columns[0])) in own


def _origin(source: ValueSource, label: Callable[[int], Hashable]) -> str:
    return cut(source.text) if source.text is not None else _listed([label(at) for at in source.columns])


def _listed(names: Sequence[object]) -> str:
    return listed(names, _SHOWN, lambda name: cut(str(name)))


def value_text(value: Any) -> str:
    """Return a keyword's value for people; of a URL, neither password nor query, which can be secrets."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {value_text(part)}" for name, part in value.items())
    if isinstance(value, list | tuple | set):
        return cut(", ".join(map(value_text, value)))
    text = f"{len(value):,} bytes" if isinstance(value, bytes) else str(value)
    return cut(_SECRET.sub("", text) if "://" in text else text)
