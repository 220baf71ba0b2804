"""The rules of a run about files that are there already: the keywords of `ikpipe.upload`. It imports nothing heavy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, Self, get_args

OnExisting = Literal["replace", "skip", "error", "sync"]
ON_EXISTING = get_args(OnExisting)
CONTENT, SIZE = "content", "size"
"""Values of `changed_by` that are not columns."""


class ExistingRules(NamedTuple):
    """What a run does about files that are there: the keywords of `ikpipe.upload`.

    `changed_by` is ``content``, ``size``, or a column. `dedupe`: rows with the same content share a file.
    """

    on_existing: OnExisting | None = None
    changed_by: str = CONTENT
    dedupe: bool = False

    @classmethod
    def of(cls, mapping: Mapping[str, Any]) -> Self:
        """Return the rules in the mapping of a run."""
        return cls(**mapping.get("existing", {}))

    @property
    def decides(self) -> bool:
        """Whether the files at the targets of rows matter before rows are sent."""
        return self.on_existing in ("skip", "error", "sync")

    @property
    def needs_state(self) -> bool:
        """Whether the content of rows is compared."""
        return self.on_existing == "sync" or self.dedupe


EXISTING = ExistingRules._fields
"""The keywords of `ikpipe.upload` about files that are there."""


def is_rule(name: str, value: object) -> bool:
    """Whether a value is valid for a keyword of `EXISTING`."""
    if name == "on_existing":
        return isinstance(value, str) and value in ON_EXISTING
    return isinstance(value, bool if name == "dedupe" else str)
