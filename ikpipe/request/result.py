"""The result of one row: the columns that a results frame adds, in their order."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Self

from ikpipe.errors import CODES, UploadError, quoted


@dataclass(slots=True)
class Result:
    """The result of one file: the `ik_` columns of a results frame, without the prefix.

    `status` is one of ``uploaded accepted exists skipped unchanged updated duplicate invalid failed unknown
    cancelled``; `error` is a code of `ikpipe.CODES`. Sizes are in bytes, `height` and `width` in pixels, `seconds` and
    `duration` in seconds. `url`, `name` and the fields from `file_id` to `duration` are the service's answer [upload
    docs]. `warnings` are sentences about what was changed or is unusual; they never change `status` or `error`.
    """

    status: str
    error: str | None = None
    message: str | None = None
    url: str | None = None
    name: str | None = None
    attempts: int | None = 0
    seconds: float | None = None
    request_id: str | None = None
    file_id: str | None = None
    thumbnail_url: str | None = None
    file_path: str | None = None
    file_type: str | None = None
    size: int | None = None
    height: int | None = None
    width: int | None = None
    tags: list[Any] | None = None
    ai_tags: list[Any] | None = None
    version_id: str | None = None
    version_name: str | None = None
    is_private_file: bool | None = None
    is_published: bool | None = None
    custom_coordinates: str | None = None
    custom_metadata: dict[str, Any] | None = None
    embedded_metadata: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    extension_status: dict[str, Any] | None = None
    bit_rate: int | None = None
    video_codec: str | None = None
    audio_codec: str | None = None
    duration: float | None = None
    warnings: list[Any] | None = None
    extra: dict[str, Any] | None = field(default=None, repr=False)

    @property
    def ok(self) -> bool:
        """Whether the file is in the library, as the row asks."""
        return self.status in SETTLED

    def raise_for_status(self) -> Self:
        """Return this result if the file is uploaded, or raise `UploadError` with the reason and what to do."""
        if self.ok:
            return self
        code = CODES.get(self.error or "")
        name = quoted(self.name) if self.name else "The file"
        words = f"{name} {ended(self.status)} ({self.error}): {self.message}"
        raise UploadError(words, fix=None if code is None or code.fix in words else code.fix)

    def warn(self, *sentences: str) -> None:
        """Add warnings, without repeating any."""
        if sentences:
            self.warnings = list(dict.fromkeys([*(self.warnings or ()), *sentences]))


KINDS: dict[str, str] = {one.name: str(one.type).removesuffix(" | None") for one in fields(Result)}
"""Field of a `Result` → the name of its type, without None."""

_DTYPES = {"str": "string", "int": "Int64", "float": "Float64", "bool": "boolean"}

EXTRA = "ik_extra"
"""The column for response fields that this version does not know; only there if a row has some."""

RESULT_COLUMNS: dict[str, str] = {
    f"ik_{name}": _DTYPES.get(kind, "object") for name, kind in KINDS.items() if f"ik_{name}" != EXTRA
}
"""Column of a results frame → its pandas dtype; nested values are ``object``."""

LISTED = ("ik_tags", "ik_warnings")
"""Columns of a results frame that are lists of text, also in Arrow tables; other nested values are JSON there."""

CANCELLED = Result("cancelled", "cancelled", "Not sent: the run was stopped.")
"""The result of a row that was not started."""

UPLOADED = frozenset({"uploaded", "exists", "accepted"})
"""The statuses of rows that were uploaded."""

SETTLED = UPLOADED | {"skipped", "unchanged", "updated", "duplicate"}
"""The statuses of rows that are done, which `retry` leaves unchanged: the file is in the library as the row asks."""


def ended(status: str) -> str:
    """Return what a sentence says of a row with a status: ``failed``, ``is invalid``."""
    return status if status == "failed" else f"is {status}"
