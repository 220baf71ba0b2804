"""Settings of the account that its API changes, such as origins and named transformations."""

import json
from collections import defaultdict
from typing import Any

from ikpipe.emulator.store.database import Database

Setting = dict[str, Any]
"""A setting as the API shows it, with its `id`."""
URL_ENDPOINTS, NAMED_TRANSFORMATIONS = "/v1/accounts/url-endpoints", "/v1/named-transformations"
"""The kinds that delivery reads; a kind is the path of its API."""
WEBHOOKS = "/v1/accounts/webhooks"
"""The kind that subscribes to events."""


class StoredSettings:
    """The settings of each kind, in the order of their creation.

    They are few, and often read: all are in memory, where any thread may read them.
    """

    SCHEMA = """
    CREATE TABLE IF NOT EXISTS settings (
        kind TEXT NOT NULL, id TEXT NOT NULL, setting TEXT NOT NULL, PRIMARY KEY (kind, id));
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._settings: dict[str, dict[str, Setting]] = defaultdict(dict)
        for kind, identifier, setting in database.rows("SELECT kind, id, setting FROM settings ORDER BY rowid"):
            self._settings[kind][identifier] = json.loads(setting)

    def all(self, kind: str) -> list[Setting]:
        """Return the settings of a kind."""
        return [*self._settings[kind].values()]

    def save(self, kind: str, setting: Setting) -> None:
        """Store a new or changed setting."""
        self._settings[kind][setting["id"]] = setting
        self._database.write(
            "INSERT INTO settings VALUES (?, ?, ?) ON CONFLICT (kind, id) DO UPDATE SET setting = excluded.setting",
            *(kind, setting["id"], json.dumps(setting)),
        )

    def delete(self, kind: str, identifier: str) -> None:
        """Delete a setting."""
        del self._settings[kind][identifier]
        self._database.write("DELETE FROM settings WHERE kind = ? AND id = ?", kind, identifier)
