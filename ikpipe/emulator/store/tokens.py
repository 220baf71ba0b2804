"""Tokens that were used: each is valid for one request."""

from ikpipe.emulator.store.database import Database
from ikpipe.emulator.upload.jwt_reading import ReadToken


class SpentTokens:
    """The used tokens, by their digests."""

    SCHEMA = """
    CREATE TABLE IF NOT EXISTS tokens (
        digest TEXT NOT NULL, expires INTEGER NOT NULL, PRIMARY KEY (expires, digest)) WITHOUT ROWID;
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def spend(self, token: ReadToken) -> bool:
        """Mark a token as used; return False if it already was."""
        return self._database.write("INSERT OR IGNORE INTO tokens (digest, expires) VALUES (?, ?)", *_key(token)) == 1

    def unspend(self, token: ReadToken) -> None:
        """Mark a token as unused again."""
        self._database.write("DELETE FROM tokens WHERE digest = ? AND expires = ?", *_key(token))


def _key(token: ReadToken) -> tuple[str, int]:
    return token.digest, token.expires
