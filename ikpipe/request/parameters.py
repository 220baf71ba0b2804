"""The table of upload parameters: the type, rule and source of each, and how its value is written.

`Parameters` is the table: its annotations have the types of the keyword arguments for type checkers, and a
`Parameter` each for this module. Pure: no network, no clock, no frame.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypedDict, get_type_hints

from ikpipe.errors import InvalidValue, quoted, short_repr, unreadable
from ikpipe.request.formats import CellFormats
from ikpipe.request.names import split_path, without_slash
from ikpipe.request.update_values import encode_file_id, encode_file_path, encode_unset
from ikpipe.request.urls import valid_url
from ikpipe.request.values import (
    RESPONSE_FIELDS,
    encode_coordinates,
    encode_custom_metadata,
    encode_extensions,
    encode_folder,
    encode_response_fields,
    encode_tags,
    encode_transformation,
    to_flag,
    to_text,
)

Json = Mapping[str, Any] | str
Flag = bool | str | int


class Parameter(NamedTuple):
    """One upload parameter: how its value is checked and written.

    `wire` is the name in the form. `encode` returns the text that is sent for a cell that is not missing, or raises
    `InvalidValue`. `rule` and `source` are for people. `template`: `{column}` is filled in a keyword's text. `label` is
    the subject of messages about a value.
    """

    wire: str
    encode: Callable[[Any], str]
    rule: str
    source: str = "upload docs"
    template: bool = False
    label: str = ""


def _address(value: object) -> str:
    return valid_url(to_text(value))


def _never(value: object) -> str:
    """Stand in for `file`, which `request.sources` reads."""
    raise NotImplementedError(short_repr(value))


class Parameters(TypedDict, total=False):
    """The upload parameters that a row or a keyword can give, apart from the file itself."""

    file_name: Annotated[
        str,
        Parameter(
            "fileName",
            to_text,
            "Any text without `/`; characters other than letters, marks, numerals, `.`, `_` and `-` become `_`.",
            template=True,
        ),
    ]
    use_unique_file_name: Annotated[
        Flag,
        Parameter(
            "useUniqueFileName",
            to_flag,
            "Default true: a suffix makes the name unique. False replaces a file of that name.",
        ),
    ]
    tags: Annotated[
        Sequence[str] | str,
        Parameter(
            "tags",
            encode_tags,
            "A list, a JSON list or comma-separated text; at most 500 characters in all, no `%`.",
            template=True,
        ),
    ]
    folder: Annotated[
        str,
        Parameter(
            "folder",
            encode_folder,
            "At most 50 levels; characters other than letters, marks, numerals, `_` and `-` become `_`. Default `/`.",
            template=True,
        ),
    ]
    is_private_file: Annotated[
        Flag, Parameter("isPrivateFile", to_flag, "Default false. True: only signed URLs open the file.")
    ]
    is_published: Annotated[Flag, Parameter("isPublished", to_flag, "Default true. False needs an enterprise plan.")]
    custom_coordinates: Annotated[
        Sequence[int] | str,
        Parameter("customCoordinates", encode_coordinates, "`x,y,width,height` in pixels; images only.", template=True),
    ]
    response_fields: Annotated[
        Sequence[str] | str,
        Parameter(
            "responseFields",
            encode_response_fields,
            f"Any of {', '.join(f'`{name}`' for name in RESPONSE_FIELDS)}.",
            "upload docs, spec",
        ),
    ]
    extensions: Annotated[
        Sequence[Mapping[str, Any]] | str,
        Parameter(
            "extensions",
            encode_extensions,
            "A JSON array; the taggers need `maxTags` and `minConfidence`.",
            "upload docs, spec",
        ),
    ]
    webhook_url: Annotated[
        str,
        Parameter(
            "webhookUrl", _address, "http(s) URL that ImageKit notifies when pending extensions finish.", template=True
        ),
    ]
    overwrite_file: Annotated[
        Flag,
        Parameter(
            "overwriteFile",
            to_flag,
            "Default true. False without a unique name: an existing file of that name is an error.",
        ),
    ]
    overwrite_ai_tags: Annotated[
        Flag, Parameter("overwriteAITags", to_flag, "Default true: replacing a file removes its AI tags.")
    ]
    overwrite_tags: Annotated[
        Flag, Parameter("overwriteTags", to_flag, "Default true: replacing a file without new tags removes its tags.")
    ]
    overwrite_custom_metadata: Annotated[
        Flag,
        Parameter(
            "overwriteCustomMetadata", to_flag, "Default true: replacing a file without new custom metadata removes it."
        ),
    ]
    custom_metadata: Annotated[
        Json,
        Parameter("customMetadata", encode_custom_metadata, "A JSON object; its fields must exist in the account."),
    ]
    transformation: Annotated[
        Json, Parameter("transformation", encode_transformation, '`{"pre": "w-400", "post": [{"type": …}]}`.', "spec")
    ]
    checks: Annotated[
        str,
        Parameter("checks", to_text, 'Conditions that the service checks, such as `"request.folder" : "x/"`.', "spec"),
    ]
    description: Annotated[str, Parameter("description", to_text, "Any text.", "spec", template=True)]


class Keywords(Parameters, total=False):
    """`Parameters` and the file: everything that a row can give."""

    file: Annotated[
        str | bytes | Path,
        Parameter(
            "file",
            _never,
            "URL, data URI, bytes, a `Path`, or text below `root=` (see `request.sources`).",
            template=True,
        ),
    ]


class UpdateParameters(TypedDict, total=False):
    """What a row or a keyword of `ikpipe.update` can give besides upload parameters: which file, and what changes."""

    file_id: Annotated[str, Parameter("fileId", encode_file_id, "The id of the file.", "spec")]
    file_path: Annotated[
        str,
        Parameter("filePath", encode_file_path, "The path of the file, which is used as it is.", "spec", template=True),
    ]
    add_tags: Annotated[
        Sequence[str] | str,
        Parameter("addTags", encode_tags, "Tags that the file gets besides its own.", template=True),
    ]
    remove_tags: Annotated[
        Sequence[str] | str,
        Parameter("removeTags", encode_tags, "Tags that are removed from the file.", "spec", template=True),
    ]
    unset: Annotated[
        Sequence[str] | str,
        Parameter(
            "unset",
            encode_unset,
            "Details to remove: any of `description`, `tags`, `custom_coordinates`, `custom_metadata`, and "
            "`custom_metadata.FIELD`.",
            "spec",
        ),
    ]


def _table(typed: type) -> dict[str, Parameter]:
    entries = {name: hint.__metadata__[0] for name, hint in get_type_hints(typed, include_extras=True).items()}
    return {name: entry._replace(label=_label(name, entry)) for name, entry in entries.items()}


def _label(name: str, entry: Parameter) -> str:
    """Return the subject of messages; a flag's is its name, which is what people see in a table."""
    return name if entry.encode is to_flag else f"The {name.replace('_', ' ').replace('url', 'URL')}"


TABLE: dict[str, Parameter] = _table(Keywords)
"""Python name → parameter; without `token`, which only the signer makes."""

_ONLY_UPDATES = _table(UpdateParameters)
UPDATE_TABLE: dict[str, Parameter] = {
    **_ONLY_UPDATES,
    **{
        name: TABLE[name]
        for name in (
            *("tags", "custom_metadata", "description", "custom_coordinates", "is_private_file", "is_published"),
            *("file_name", "folder"),
        )
    },
}
"""The parameters of `ikpipe.update`, as `TABLE` has those of `ikpipe.upload`."""

LISTS = ("tags", "add_tags", "remove_tags")
"""The parameters that several columns can give together."""

_ENTRIES = {**_ONLY_UPDATES, **TABLE}

PATH = "path"
"""A parameter of rows that is not sent: it sets `folder` and `file_name` together."""

NAMES = (*TABLE, PATH)
"""Every parameter that a row or a keyword can give."""

LABELS = {PATH: "The path"} | {name: entry.label for name, entry in _ENTRIES.items()}
"""The subject of messages about each parameter."""

BY_WIRE: dict[str, str] = {entry.wire: name for name, entry in TABLE.items()}


_SNAKE = BY_WIRE | {entry.wire: name for name, entry in _ONLY_UPDATES.items()}


def python_name(name: str) -> str:
    """Return the name of a parameter, of an upload or an update, in Python's spelling."""
    return _SNAKE.get(name, name)


def writes_text(name: str) -> bool:
    """Whether a parameter's text is sent as it is."""
    return _ENTRIES[name].encode is to_text


def encode(name: str, value: object) -> str:
    """Return the text that is sent for one value, which is not missing; `name` is a key of `TABLE` or `UPDATE_TABLE`.

    Raise `InvalidValue` if the value breaks the parameter's rule.
    """
    try:
        text = str.__str__(_ENTRIES[name].encode(value))  # plain text, if the class is derived from it
        text.encode()
    except UnicodeEncodeError:
        words = f"{LABELS[name]} cannot be sent, since it contains half a character: {quoted(value)}."
        raise InvalidValue("bad_character", words, "Read the table with its correct encoding.") from None
    except InvalidValue as bad:
        raise bad.of(LABELS[name]) from None
    except NotImplementedError:  # `_never`
        raise
    except Exception as error:  # noqa: BLE001 - a value can be of any class, and concerns its own row alone
        raise unreadable(value, error) from None
    return text


def text_reader(name: str, formats: CellFormats) -> Callable[[Any], Any] | None:
    """Return what reads a cell of a parameter in the formats of a table; None if `encode` reads it as it is."""
    if name in _ENTRIES and _ENTRIES[name].encode is encode_tags and formats.tag_separator != ",":
        return formats.split_tags
    if name in _ENTRIES and _ENTRIES[name].encode is to_flag and (formats.true_values or formats.false_values):
        return formats.to_flag
    return None


def check_constant(name: str, value: Any) -> None:
    """Check the value of a keyword that is the same for every row.

    Raise `InvalidValue` if the value breaks the parameter's rule.
    """
    if name == PATH:
        folder, file_name = split_path(value)
        check_constant("folder", folder or "/")
        check_constant("file_name", file_name)
    elif name != "file":
        text = encode(name, value)
        if name == "file_name":
            without_slash(text)
