"""Map the columns of a table and the keywords of a call to the parameters of `ikpipe.update`."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, ClassVar

from ikpipe.errors import ApiName, MappingError, Message, keyword, sentences
from ikpipe.frames.mapping import ColumnMapping
from ikpipe.frames.missing_file import columns_of_table
from ikpipe.frames.near_misses import described, how_to_use
from ikpipe.request.parameters import PATH, UPDATE_TABLE
from ikpipe.request.template import Placeholder

if TYPE_CHECKING:
    import pandas as pd

_FILES = ("file_id", "file_path")
"""The parameters that say which file a row changes."""
_CHANGES = [name for name in (*UPDATE_TABLE, PATH) if name not in _FILES]


class UpdateMapping(ColumnMapping):
    """The mapping of a table's columns to what is changed of which file.

    A column of ids that upload returned identifies the files, else one of paths. Where a caller names a column of paths
    explicitly, it is used instead. Parameters are those of `ColumnMapping`.
    """

    table = UPDATE_TABLE
    purpose = "update"
    # Tables that were uploaded have such columns, with names that were made unique since.
    explicit: ClassVar = {"file_name": "A column renames files", "folder": "A column moves files"}

    def check(self, frame: pd.DataFrame, *, names: bool = True) -> None:
        """Check that the mapping says which files are changed, and what; and does not ignore a column by mistake.

        Parameters and errors are as for `ColumnMapping.check`.
        """
        near = self._near("error") if names else []
        some = frame.shape != (0, 0)
        if some and not any(map(self.provides, _FILES)):
            words = "No column, mapping or keyword says which files are changed."
            ways = Message("Map a column of ids or paths: ", ApiName("column", "file_path", ...), ".")
            fix = ways if not near else how_to_use(near)
            raise MappingError(sentences(words, columns_of_table(list(frame.columns))), fix=fix)
        if near:
            raise MappingError(described(near), fix=how_to_use(near))
        if some and not any(map(self.provides, _CHANGES)):
            words = "No column, mapping or keyword says what is changed."
            raise MappingError(words, fix=Message("Pass a parameter, such as ", keyword("add_tags", ["sale"]), "."))
        self._check_tags()

    def _check_tags(self) -> None:
        """Raise `MappingError` if all tags of files are set, and some are added or removed."""
        if self.provides("tags") and (others := [name for name in ("add_tags", "remove_tags") if self.provides(name)]):
            words = f"tags sets all tags of a file, so {' and '.join(others)} cannot be used too."
            raise MappingError(
                words, fix=Message("Use one of them; ", keyword("ignore", ["tags"]), " ignores a column.")
            )

    def _own_places(self, parameter: str, wire: str, given: Collection[str]) -> list[int]:
        if parameter not in _FILES:
            return super()._own_places(parameter, wire, given)
        if any(name in given for name in _FILES):
            return []
        return self._names.own(f"ik_{parameter}") or super()._own_places(parameter, wire, given)

    def _check_special(self, parameter: str, one: Placeholder) -> None:
        if one.special and one.name != "row":
            words = "An update has no file whose name could be filled in."
            raise MappingError(words, fix="Use a column.", about=keyword(parameter, f"{{{one.text}}}"))
        super()._check_special(parameter, one)
