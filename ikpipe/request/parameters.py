"""The table of upload parameters: name, kind, limits, source of each limit → checked text fields.

`Parameters` is the table: its annotations are the keyword arguments' types for a type checker, and carry for
this module how each value is checked and written on the wire. Pure: no network, no clock, no frame.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path  # noqa: TC003 - the table is read from the annotations
from typing import Annotated, Any, NamedTuple, TypedDict, get_type_hints

from ikpipe.errors import InvalidValue, short_repr, unreadable
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

    `encode` takes a cell that is not missing and gives the text for the wire, or raises `InvalidValue`.
    `template` tells whether `{column}` is filled in a keyword's text.
    """

    wire: str
    encode: Callable[[Any], str]
    rule: str
    source: str
    template: bool = False


def _address(value: object) -> str:
    return valid_url(to_text(value))


def _never(value: object) -> str:
    """Stand in for parameters whose values other stations write (`file`, `token`)."""
    raise NotImplementedError(short_repr(value))


def _p(
    wire: str, encode: Callable[[Any], str], rule: str, source: str = "seed", *, template: bool = False
) -> Parameter:
    return Parameter(wire, encode, rule, source, template)


class Parameters(TypedDict, total=False):
    """The upload parameters that a row or a keyword can give, all but the file itself."""

    file_name: Annotated[
        str,
        _p(
            "fileName",
            to_text,
            "Any text without `/`; characters other than letters, marks, numerals, `.`, `_` and `-` become `_`.",
            template=True,
        ),
    ]
    use_unique_file_name: Annotated[
        Flag,
        _p("useUniqueFileName", to_flag, "Default true: a suffix makes the name unique. False replaces a namesake."),
    ]
    tags: Annotated[
        Sequence[str] | str,
        _p(
            "tags",
            encode_tags,
            "A list, a JSON list or comma-separated text; 500 characters in all, no `%`.",
            template=True,
        ),
    ]
    folder: Annotated[
        str,
        _p(
            "folder",
            encode_folder,
            "At most 50 levels; characters other than letters, marks, numerals, `_` and `-` become `_`. Default `/`.",
            template=True,
        ),
    ]
    is_private_file: Annotated[Flag, _p("isPrivateFile", to_flag, "Default false. True: only signed URLs open it.")]
    is_published: Annotated[Flag, _p("isPublished", to_flag, "Default true. False needs an enterprise plan.")]
    custom_coordinates: Annotated[
        Sequence[int] | str,
        _p("customCoordinates", encode_coordinates, "`x,y,width,height` in pixels; images only.", template=True),
    ]
    response_fields: Annotated[
        Sequence[str] | str,
        _p(
            "responseFields",
            encode_response_fields,
            f"Of {', '.join(f'`{name}`' for name in RESPONSE_FIELDS)}.",
            "seed, spec",
        ),
    ]
    extensions: Annotated[
        Sequence[Mapping[str, Any]] | str,
        _p(
            "extensions",
            encode_extensions,
            "A JSON array; the taggers need `maxTags` and `minConfidence`.",
            "seed, spec",
        ),
    ]
    webhook_url: Annotated[
        str, _p("webhookUrl", _address, "http(s) URL that hears how pending extensions end.", template=True)
    ]
    overwrite_file: Annotated[
        Flag, _p("overwriteFile", to_flag, "Default true. False, and no unique name: a namesake is an error.")
    ]
    overwrite_ai_tags: Annotated[
        Flag, _p("overwriteAITags", to_flag, "Default true: replacing a file removes its AI tags.")
    ]
    overwrite_tags: Annotated[
        Flag, _p("overwriteTags", to_flag, "Default true: replacing a file without giving tags removes its tags.")
    ]
    overwrite_custom_metadata: Annotated[
        Flag, _p("overwriteCustomMetadata", to_flag, "Default true: the same for custom metadata.")
    ]
    custom_metadata: Annotated[
        Json, _p("customMetadata", encode_custom_metadata, "A JSON object; its fields must exist in the account.")
    ]
    transformation: Annotated[
        Json, _p("transformation", encode_transformation, '`{"pre": "w-400", "post": [{"type": …}]}`.', "spec")
    ]
    checks: Annotated[
        str, _p("checks", to_text, 'Conditions that the service checks, such as `"request.folder" : "x/"`.', "spec")
    ]
    description: Annotated[str, _p("description", to_text, "Any text.", "spec", template=True)]


class Keywords(Parameters, total=False):
    """`Parameters`, and the file: what a frame's row needs in all."""

    file: Annotated[
        str | bytes | Path,
        _p(
            "file",
            _never,
            "URL, data URI, bytes, a `Path`, or text below `root=` (see `request.sources`).",
            template=True,
        ),
    ]


def _table(typed: type) -> dict[str, Parameter]:
    hints = get_type_hints(typed, include_extras=True)
    return {name: hint.__metadata__[0] for name, hint in hints.items()}


TABLE: dict[str, Parameter] = _table(Keywords)
"""Parameter's Python name → its entry; `token` is not in it, since nobody but the signer gives one."""

BY_WIRE: dict[str, str] = {entry.wire: name for name, entry in TABLE.items()}


def encode(name: str, value: object) -> str:
    """Check one value and write it for the wire.

    Parameters
    ----------
    name
        A key of `TABLE`.
    value
        A cell that is not missing.

    Raises
    ------
    InvalidValue
        The value breaks the parameter's rule; the message begins with the parameter.
    """
    try:
        text = str.__str__(TABLE[name].encode(value))  # of a class derived from it, the text alone
        text.encode()
    except UnicodeEncodeError:
        words = f"{name}: {short_repr(value)} has half a character, which cannot be sent"
        raise InvalidValue("bad_character", words, "read the table with its right encoding") from None
    except InvalidValue as bad:
        raise InvalidValue(bad.code, f"{name}: {bad.message}", bad.fix) from None
    except NotImplementedError:  # of a parameter that is no text
        raise
    except Exception as error:  # noqa: BLE001 - a value can be of any class, and concerns its own row alone
        odd = unreadable(value, error)
        raise InvalidValue(odd.code, f"{name}: {odd.message}", odd.fix) from None
    return text
