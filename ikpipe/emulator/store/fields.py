"""Custom metadata fields."""

import json
from typing import Any

from ikpipe.emulator.store.database import Database

Field = dict[str, Any]
"""A field as the API shows it: `id`, `name`, `label`, `schema`."""


class StoredFields:
    """The custom metadata fields, also those that were deleted."""

    SCHEMA = """
    CREATE TABLE IF NOT EXISTS fields (
        id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, field TEXT NOT NULL, deleted INTEGER NOT NULL DEFAULT 0);
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._cached: list[Field] | None = None

    def all(self) -> list[Field]:
        """Return the custom metadata fields in the order of their creation."""
        # cached: every upload needs them, and they rarely change
        if self._cached is None:
            rows = self._database.rows("SELECT field FROM fields WHERE NOT deleted ORDER BY rowid")
            self._cached = [json.loads(row[0]) for row in rows]
        return self._cached

    def all_and_deleted(self) -> list[Field]:
        """Return the custom metadata fields, also those that were deleted."""
        return [json.loads(row[0]) for row in self._database.rows("SELECT field FROM fields ORDER BY rowid")]

    def has_name(self, name: str) -> bool:
        """Whether a custom metadata field has a name, or had it before it was deleted."""
        return bool(self._database.rows("SELECT 1 FROM fields WHERE name = ?", name))

    def save(self, field: Field) -> None:
        """Store a new or changed custom metadata field."""
        self._cached = None
        self._database.write(
            "INSERT INTO fields (id, name, field) VALUES (?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET field = excluded.field",
            *(field["id"], field["name"], json.dumps(field)),
        )

    def delete(self, field_id: str) -> bool:
        """Delete a custom metadata field, whose name stays taken [spec]; return False if it does not exist."""
        self._cached = None
        return self._database.write("UPDATE fields SET deleted = 1 WHERE id = ? AND NOT deleted", field_id) == 1
