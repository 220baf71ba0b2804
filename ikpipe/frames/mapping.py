"""Map the columns of a table and the keywords of a call to upload parameters."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self

import pandas as pd

from ikpipe.errors import ApiName, InvalidValue, MappingError, Message, did_you_mean, keyword
from ikpipe.frames.cells import plain_cells
from ikpipe.frames.mapping_text import effective_mapping, value_text
from ikpipe.frames.missing_file import missing_file
from ikpipe.frames.near_misses import METADATA, NearMiss, described, how_to_use, is_result, label_text, near_misses
from ikpipe.request.columns import map_distinct, map_present
from ikpipe.request.formats import DEFAULT_FORMATS, CellFormats
from ikpipe.request.locations import FileLocator
from ikpipe.request.missing import missing
from ikpipe.request.names import PARTS, without_slash
from ikpipe.request.parameters import LABELS, LISTS, PATH, TABLE, Parameter, check_constant, python_name, text_reader
from ikpipe.request.rows import FILE, ROW, Cells, MappedRows, ValueSource
from ikpipe.request.template import SPECIAL, Placeholder, Template
from ikpipe.request.values import tag_list

if TYPE_CHECKING:
    from ikpipe.frames.chunks import Chunk


class ColumnMapping:
    """The mapping of a table's columns to parameters, checked without reading cells.

    `labels` are those of the columns. `columns` is parameter → column, with a list of columns for `tags`, and a dict of
    field → column for `custom_metadata`; `keywords` is parameter → value or template, for every row. `formats` say how
    text is read. `locator` knows where the files are, for their names and folders in templates. `numbered` says whether
    rows have numbers: rows of a part of a table have not. Columns `edited` take precedence over `path`; columns
    `ignore` are not used because of their names.

    Raise `MappingError` if a column, parameter, template or constant is wrong; the message suggests the most similar
    name.
    """

    table: ClassVar[Mapping[str, Parameter]] = TABLE
    """The parameters."""
    purpose: ClassVar[str] = "upload"
    """What the parameters are of, for messages."""
    explicit: ClassVar[Mapping[str, str]] = {"webhook_url": "A column sets the URL that is notified about each file"}
    """Parameters that are never mapped by a column's name alone, with what such a column does."""

    def __init__(
        self,
        labels: pd.Index[Any],
        columns: Mapping[str, Any] | None,
        keywords: Mapping[str, Any],
        formats: CellFormats = DEFAULT_FORMATS,
        locator: FileLocator = FileLocator(),  # noqa: B008 - immutable
        *,
        numbered: bool = True,
        edited: Collection[str] = (),
        ignore: Iterable[Any] = (),
    ) -> None:
        self.formats = formats
        self._locator, self._numbered = locator, numbered
        self._names = _Names(labels, ignore)
        self._check_names(columns or {})
        self._check_names(keywords)
        self._sources: dict[str, list[ValueSource]] = {}
        for parameter, target in (columns or {}).items():
            self._add(python_name(parameter), self._mapped(python_name(parameter), target))
        passed = {python_name(parameter): value for parameter, value in keywords.items() if not _missing(value)}
        self._unmapped = [at for at in self._unused() if at not in self._names.ignored]
        self._given = _given_names(self._sources, passed)
        for parameter, sources in self._own_columns(passed):
            self._add(parameter, sources)
        for parameter, value in passed.items():
            self._add(parameter, [self._keyword(parameter, value)])
        if PATH in self._sources:
            self._check_path({*map(python_name, columns or {}), *passed}, edited)

    @classmethod
    def read(cls, labels: pd.Index[Any], mapping: Mapping[str, Any], *, numbered: bool = True) -> Self:
        """Return the mapping of a run, as `prepare.collect_mapping` returns it, for a table with these labels."""
        formats = CellFormats.read(mapping.get("formats", {}))
        locator = FileLocator(mapping["root"], mapping["file_kind"] == "base64")
        return cls(
            labels,
            mapping["columns"],
            mapping["parameters"],
            formats,
            locator,
            numbered=numbered,
            edited=mapping.get("edited", ()),
            ignore=mapping.get("ignore", ()),
        )

    def provides(self, parameter: str) -> bool:
        """Whether any column or keyword gives this parameter."""
        return parameter in self._sources

    @cached_property
    def text(self) -> str:
        """The effective mapping in one line: what gives each parameter, and the columns that give none."""
        unused = [label for at in self._unused() if not is_result(label := self._names.label(at))]
        return effective_mapping(self._sources, self._names.label, unused)

    @property
    def warnings(self) -> list[NearMiss]:
        """Columns that are not used, and whose names are similar to parameters."""
        return self._near("warning")

    def check(self, frame: pd.DataFrame, *, names: bool = True) -> None:
        """Check that the mapping provides the file, and does not ignore a column by mistake.

        `frame` has the first rows, or none: their cells decide which column is suggested for the file. `names` says
        whether columns whose names are almost those of parameters are errors. Raise `MappingError` if nothing provides
        the file, or such a column is neither used nor ignored.
        """
        near = self._near("error") if names else []
        if not self.provides("file") and frame.shape != (0, 0):  # such as an empty file of JSON lines
            raise missing_file(frame, [at for at in self._unused() if at < frame.shape[1]], near)
        if near:
            raise MappingError(described(near), fix=how_to_use(near))

    def _check_names(self, parameters: Iterable[str]) -> None:
        """Raise a `MappingError` if one is not a parameter, or is given in both spellings."""
        seen, names = set(), [*self.table, PATH]
        for parameter in parameters:
            name = python_name(parameter)
            if name == "token":
                raise MappingError("The token cannot be set: ikpipe signs one for each attempt.", fix="Remove it.")
            if name not in names:
                suggestion = did_you_mean(parameter, names)
                raise MappingError(f"There is no {self.purpose} parameter {parameter!r}{suggestion}.")
            if name in seen:
                raise MappingError(f"{name} is given twice, in both spellings.", fix="Keep one of them.")
            seen.add(name)

    def _near(self, severity: str) -> list[NearMiss]:
        return [miss for miss in self._near_misses if miss.severity == severity]

    @cached_property
    def _near_misses(self) -> list[NearMiss]:
        return near_misses(map(self._names.label, self._unmapped), self._given, self.table)

    def _unused(self) -> list[int]:
        """Return the places of the columns that no source reads."""
        used = {at for sources in self._sources.values() for source in sources for at in source.columns}
        return [at for at in range(len(self._names)) if at not in used]

    @property
    def places(self) -> list[int]:
        """The places of the columns that are used."""
        used = {at for sources in self._sources.values() for source in sources for at in source.columns}
        return sorted(used - {ROW, FILE})

    def rows(self, chunk: Chunk) -> MappedRows:
        """Return the mapped rows of a chunk."""
        places = self.places
        cells = {at: plain_cells(chunk.frame.iloc[:, at], integers=chunk.has_integers(at)) for at in places}
        labels = list(chunk.frame.index)
        return MappedRows(labels, chunk.start, self._sources, cells, self._names.label, self._locator.locate)

    def _add(self, parameter: str, sources: list[ValueSource]) -> None:
        if sources:
            self._sources.setdefault(parameter, []).extend(self._formatted(parameter, source) for source in sources)

    def _formatted(self, parameter: str, source: ValueSource) -> ValueSource:
        """Return a source whose text is read in the formats of the table."""
        if (read := text_reader(parameter, self.formats)) is None:
            return source
        return source._replace(read=lambda cells, rows: map_present(read, source.read(cells, rows)))

    def _mapped(self, parameter: str, target: Any) -> list[ValueSource]:
        """Return the sources of an entry of `columns=`."""
        name = ApiName("column", parameter, target if isinstance(target, str) else None)
        if parameter == "custom_metadata" and isinstance(target, list | Mapping):
            return [_cell(self._names.find(column, name), key) for key, column in _fields(target).items()]
        if parameter in LISTS and isinstance(target, list):
            return [_joined(target, [self._names.find(column, name) for column in target], self.formats)]
        if isinstance(target, list | Mapping):
            fix = "Only tags take a list of columns, and only custom_metadata takes a dict."
            raise MappingError(f"The value must be the label of one column, not {target!r}.", fix=fix, about=name)
        return [_cell(self._names.find(target, name))]

    def _own_columns(self, passed: Collection[str]) -> Iterator[tuple[str, list[ValueSource]]]:
        """Yield the sources in columns that are named like a metadata field, or like a parameter in either spelling.

        `passed` are the parameters that keywords give.
        """
        mapped = set(self._sources)
        yield "custom_metadata", self._own_fields()
        given = {*mapped, *passed}
        for parameter, entry in self.table.items():
            places = self._own_places(parameter, entry.wire, given)
            if places and parameter in self.explicit:
                if parameter not in given and not (parameter in PARTS and PATH in given):
                    raise self._not_mapped(parameter, places[0])
            elif places and parameter not in mapped:
                yield parameter, [_cell(self._only(parameter, places))]
            elif places:
                yield parameter, [_cell(places[0])]

    def _own_places(self, parameter: str, wire: str, given: Collection[str]) -> list[int]:  # noqa: ARG002 - for updates
        """Return the places of the columns that are named like a parameter; `given` are those given explicitly."""
        return self._names.own(parameter, wire)

    def _own_fields(self) -> list[ValueSource]:
        """Return the sources in columns that are named like a metadata field."""
        keys = dict.fromkeys(key for prefix in METADATA for key in self._names.below(prefix))
        places = {key: self._names.own(*(f"{prefix}{key}" for prefix in METADATA)) for key in keys}
        return [_cell(self._only(f"custom_metadata.{key}", found), key) for key, found in places.items()]

    def _not_mapped(self, parameter: str, at: int) -> MappingError:
        label = str(self._names.label(at))
        return MappingError(
            f"The table has a column {label!r}. {self.explicit[parameter]} only if it is mapped.",
            fix=Message(
                "Map it with ",
                ApiName("column", parameter, label),
                ", or ignore it with ",
                keyword("ignore", [label]),
                ".",
            ),
        )

    def _only(self, parameter: str, places: list[int]) -> int:
        """Return the place of the one column that is named like a parameter."""
        if len(places) > 1:
            labels = " and ".join(repr(self._names.label(at)) for at in places)
            fix = Message("Choose one with ", ApiName("column", parameter), ".")
            raise MappingError(f"The columns {labels} are both named like {parameter}.", fix=fix)
        return places[0]

    def _keyword(self, parameter: str, value: Any) -> ValueSource:
        """Return the source of a keyword: a template, or a constant, which is checked now."""
        if parameter in LISTS and isinstance(value, list) and any("{" in str(tag) for tag in value):
            value = self.formats.tag_separator.join(map(str, value))
        if isinstance(value, str) and (parameter == PATH or self.table[parameter].template):
            template = Template.read(parameter, value, self._names.has)
            if template.placeholders:
                return self._template(parameter, template, value)._replace(text=value_text(value))
            value = template.texts[0]
        read = text_reader(parameter, self.formats)
        try:
            check_constant(parameter, value if read is None else read(value))
        except InvalidValue as bad:
            raise MappingError(bad.message, fix=bad.fix, about=keyword(parameter, value)) from None
        return ValueSource((), lambda _cells, rows: [value] * rows, text=value_text(value))

    def _template(self, parameter: str, template: Template, text: str) -> ValueSource:
        if parameter == "file_name" and "/" in "".join(template.texts):
            try:
                without_slash(text)
            except InvalidValue as bad:
                raise MappingError(bad.message, fix=bad.fix, about=keyword(parameter, text)) from None
        for one in template.placeholders:
            self._check_special(parameter, one)

        def find(one: Placeholder) -> int:
            """Return the place of a placeholder's column."""
            return self._names.find(one.name, keyword(parameter, f"{{{one.text}}}"), SPECIAL)

        return template.source(LABELS[parameter], find, self._names.label, self.formats)

    def _check_special(self, parameter: str, one: Placeholder) -> None:
        """Check that rows have what a placeholder other than a column needs."""
        about = keyword(parameter, f"{{{one.text}}}")
        if one.special and one.name == "row" and not self._numbered:
            words = "The rows of this table have no numbers, since it is uploaded in parts or edited."
            raise MappingError(words, fix="Use a column that identifies each row.", about=about)
        if one.special and one.name != "row" and parameter == "file":
            raise MappingError("The file cannot be named after itself.", fix="Use a column.", about=about)

    def _check_path(self, given: set[str], edited: Collection[str]) -> None:
        """Check that nothing but the path sets the folder and the file name; the path's templates may use columns.

        Raise `MappingError` if a keyword, a mapping or another column does.
        """
        if both := [name for name in PARTS if name in given]:
            words = f" sets folder and file name together, so {both[0]} cannot be set or mapped too."
            raise MappingError(Message(keyword(PATH), words), fix="Use only one of them.")
        used = {column for source in self._sources[PATH] for column in source.columns}
        for name in PARTS:
            if name in edited or name not in self._sources:
                continue
            (source,) = self._sources.pop(name)
            if not used.issuperset(source.columns):
                label = str(self._names.label(source.columns[0]))
                fix = Message(
                    f"Use {{{label}}} in the path, or ignore the column with ", keyword("ignore", [label]), "."
                )
                words = f"The table has a column {label!r}, which would also set the {name.replace('_', ' ')}."
                raise MappingError(words, fix=fix, about=keyword(PATH))


def _missing(value: Any) -> bool:
    """Whether a keyword's value means "not given", as in a cell."""
    return (isinstance(value, str) and not value) or missing(value)


def _given_names(mapped: Mapping[str, list[ValueSource]], keywords: Mapping[str, Any]) -> set[str]:
    """Return the parameters that the mapping and keywords give, and the metadata fields as `near_misses` takes them."""
    fields = [source.key for source in mapped.get("custom_metadata", ())]
    value = keywords.get("custom_metadata")
    fields += [*value] if isinstance(value, Mapping) else [] if value is None else [None]
    parts = PARTS if PATH in mapped or PATH in keywords else ()
    return {*mapped, *keywords, *parts, *(f"custom_metadata.{'*' if field is None else field}" for field in fields)}


def _fields(target: Mapping[str, Any] | list[Any]) -> Mapping[str, Any]:
    """Return an entry of `columns` for custom metadata as field → column."""
    return target if isinstance(target, Mapping) else {str(column): column for column in target}


class _Names:
    """A table's column labels, found by their texts; columns to `ignore` are not found as those of a parameter."""

    def __init__(self, labels: pd.Index[Any], ignore: Iterable[Any]) -> None:
        self._labels = list(labels)
        self._texts = list(map(label_text, self._labels))
        self.ignored = {at for label in ignore for at in self._places(label, keyword("ignore", [label]))}

    def __len__(self) -> int:
        return len(self._labels)

    def label(self, at: int) -> Hashable:
        """Return a column's label."""
        label: Hashable = self._labels[at]
        return label

    def has(self, text: str) -> bool:
        """Whether a column has this text as label."""
        return bool(self._all(text))

    def own(self, *names: str) -> list[int]:
        """Return the places of the columns with one of these labels, by name."""
        return [at for name in dict.fromkeys(names) for at in self._all(name) if at not in self.ignored]

    def below(self, prefix: str) -> list[str]:
        """Return the rest of each label that starts with a prefix."""
        return [
            text.removeprefix(prefix)
            for at, text in enumerate(self._texts)
            if text.startswith(prefix) and at not in self.ignored
        ]

    def find(self, label: Any, name: ApiName, others: Iterable[str] = ()) -> int:
        """Return the place of the one column with a label; raise `MappingError` if there is none, or several.

        `others` are names that can be suggested too.
        """
        places = self._places(label, name, others)
        if len(places) > 1:
            words = f"The table has {len(places):,} columns {label!r}."
            raise MappingError(words, fix="Rename all but one.", about=name)
        return places[0]

    def _places(self, label: Any, name: ApiName, others: Iterable[str] = ()) -> list[int]:
        """Return the places of the columns with a label; raise a `MappingError` if there are none."""
        places = [at for at, known in enumerate(self._labels) if known == label] or self._all(str(label))
        if not places:
            words = f"The table has no column {label!r}{did_you_mean(label, [*self._texts, *others])}."
            raise MappingError(words, about=name)
        return places

    def _all(self, name: str) -> list[int]:
        return [at for at, text in enumerate(self._texts) if text == name]


def _cell(at: int, key: str | None = None) -> ValueSource:
    return ValueSource((at,), lambda cells, _rows: cells[at], key)


def _joined(labels: list[Any], columns: list[int], formats: CellFormats) -> ValueSource:
    """Return the source of tags that several columns have; an error names its column."""

    def tags(label: Any, cell: Any) -> list[str]:
        """Return the tags of a cell."""
        try:
            return tag_list(formats.split_tags(cell))
        except InvalidValue as bad:
            raise bad.at(label) from None

    def join(*row: Any) -> list[str] | None:
        """Return the tags of all columns of a row."""
        cells = zip(labels, row, strict=True)
        return [tag for label, cell in cells if cell is not None for tag in tags(label, cell)] or None

    def read(cells: Cells, rows: int) -> list[Any]:
        """Return the values of the rows."""
        return map_distinct(join, *(cells[at] for at in columns)) or [None] * rows

    return ValueSource(tuple(columns), read)
