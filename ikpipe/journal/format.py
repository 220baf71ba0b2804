"""The schema of a journal, the message that the MAC of each entry covers, and the upgrade from earlier formats.

A message is the entry's kind in 8 bytes, its numbers in 8 bytes each, then its text. If there are several texts, the
lengths of all but the last are among the numbers: so two entries never have the same message.
"""

from __future__ import annotations

import json
from struct import Struct
from typing import TYPE_CHECKING

from ikpipe.journal.proof import Seal

if TYPE_CHECKING:
    import sqlite3

FORMAT = 4
WITHOUT_BEFORE = 3
EARLIER = 2
READABLE = (EARLIER, WITHOUT_BEFORE, FORMAT)
APPLICATION_ID = int.from_bytes(b"ikpj", "big")
_SCHEMA_3 = """
CREATE TABLE about (facts TEXT NOT NULL, mac BLOB NOT NULL, rows INTEGER, rows_mac BLOB, ended REAL);
CREATE TABLE pieces (start INTEGER PRIMARY KEY, rows INTEGER NOT NULL, cells TEXT NOT NULL, head TEXT,
    mac BLOB NOT NULL);
CREATE TABLE rows (position INTEGER PRIMARY KEY, fields TEXT NOT NULL, size INTEGER, own_name INTEGER NOT NULL,
    mac BLOB NOT NULL);
CREATE TABLE intents (
    position INTEGER NOT NULL, iat INTEGER NOT NULL, exp INTEGER NOT NULL, at REAL NOT NULL, token TEXT,
    guess INTEGER NOT NULL, mac BLOB NOT NULL, voided BLOB);
CREATE INDEX intents_of ON intents (position);
CREATE TABLE results (position INTEGER PRIMARY KEY, result TEXT NOT NULL, mac BLOB NOT NULL);
"""
FILES_BEFORE = """
CREATE TABLE files_before (
    position INTEGER NOT NULL, file_id TEXT NOT NULL, version_id TEXT, before TEXT NOT NULL, changes TEXT NOT NULL,
    mac BLOB NOT NULL);
CREATE INDEX files_before_of ON files_before (position);
CREATE TABLE undone (at REAL NOT NULL);
"""
SCHEMA = _SCHEMA_3 + FILES_BEFORE
_SCHEMA_2 = """
CREATE TABLE about (facts TEXT NOT NULL, rows INTEGER, ended REAL);
CREATE TABLE pieces (start INTEGER PRIMARY KEY, rows INTEGER NOT NULL, cells TEXT NOT NULL, head TEXT);
CREATE TABLE rows (position INTEGER PRIMARY KEY, fields TEXT NOT NULL, size INTEGER, own_name INTEGER NOT NULL);
CREATE TABLE intents (
    position INTEGER NOT NULL, iat INTEGER NOT NULL, exp INTEGER NOT NULL, token TEXT, at REAL NOT NULL,
    guess INTEGER NOT NULL, settled INTEGER NOT NULL DEFAULT 0);
CREATE INDEX intents_of ON intents (position);
CREATE TABLE results (position INTEGER PRIMARY KEY, result TEXT NOT NULL);
"""
_COMPLETE, _PIECE, _ROW = Struct("<8sq").pack, Struct("<8sqqq").pack, Struct("<8sqqq").pack
_INTENT, _TOKEN, _RESULT = Struct("<8sqqqdq").pack, Struct("<8sqqq").pack, Struct("<8sq").pack
_BEFORE = Struct("<8sqqqq").pack
_TABLES = ("pieces", "rows", "intents", "results")
_UPGRADE = """
INSERT INTO pieces SELECT start, rows, cells, head, piece_mac(start, rows, cells, head) FROM old_pieces;
INSERT INTO rows SELECT position, fields, size, own_name, row_mac(position, fields, size, own_name) FROM old_rows;
INSERT INTO intents SELECT position, iat, exp, at, with_mac(position, iat, exp, {token}), guess,
    intent_mac(position, iat, exp, at, guess),
    CASE WHEN {voided} THEN void_mac(intent_mac(position, iat, exp, at, guess)) END FROM old_intents ORDER BY rowid;
INSERT INTO results SELECT position, result, result_mac(position, result) FROM old_results
"""
_UPGRADE_BEFORE = """
INSERT INTO files_before SELECT position, file_id, version_id, before, changes,
    before_mac(position, file_id, version_id, before, changes) FROM old_files_before ORDER BY rowid;
INSERT INTO undone SELECT at FROM old_undone
"""


def statements(schema: str = SCHEMA) -> list[str]:
    """Return the statements of a schema."""
    return [statement.strip() for statement in schema.split(";") if statement.strip()]


def format_of(db: sqlite3.Connection) -> int | None:
    """Return the format of a database: 0 if it is empty, None if it is not a journal that this version knows."""
    schema = {sql for (sql,) in db.execute("SELECT sql FROM sqlite_master")}
    marked = db.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID
    if marked:
        number = int(db.execute("PRAGMA user_version").fetchone()[0])
        ours = {FORMAT: SCHEMA, WITHOUT_BEFORE: _SCHEMA_3}.get(number)
        if ours is None or schema == {*statements(ours)}:
            return number
        return None if schema else 0
    return EARLIER if schema == {*statements(_SCHEMA_2)} else None


def about_message(facts: str) -> bytes:
    """Return the message whose MAC shows who wrote a journal."""
    return b"about " + facts.encode()


def complete_message(rows: int) -> bytes:
    """Return the message for the number of the table's rows."""
    return _COMPLETE(b"complete", rows)


def piece_message(start: int, rows: int, cells: str, head: str | None) -> bytes:
    """Return the message for a piece of the table."""
    first = b"" if head is None else head.encode()
    return _PIECE(b"piece", start, rows, -1 if head is None else len(first)) + first + cells.encode()


def row_message(position: int, fields: str, size: int | None, own_name: int) -> bytes:
    """Return the message for a row's request."""
    return _ROW(b"row", position, -1 if size is None else size, own_name) + fields.encode()


def before_message(position: int, file_id: str, version_id: str | None, before: str, changes: str) -> bytes:
    """Return the message for a file that a row replaces or changes."""
    texts = [file_id.encode(), b"" if version_id is None else version_id.encode(), before.encode()]
    lengths = [len(texts[0]), -1 if version_id is None else len(texts[1]), len(texts[2])]
    return _BEFORE(b"before", position, *lengths) + b"".join(texts) + changes.encode()


def intent_message(position: int, iat: int, exp: int, at: float, guess: int) -> bytes:
    """Return the message for a request that is about to be sent."""
    return _INTENT(b"intent", position, iat, exp, at, guess)


def token_message(position: int, iat: int, exp: int, token: str) -> bytes:
    """Return the message for a token that another machine signed."""
    return _TOKEN(b"token", position, iat, exp) + token.encode()


def void_message(mac: bytes) -> bytes:
    """Return the message for the note that nothing is stored of an intent, given the intent's MAC."""
    return b"void    " + mac


def result_message(position: int, result: str) -> bytes:
    """Return the message for a row's result."""
    return _RESULT(b"result", position) + result.encode()


def upgrade(db: sqlite3.Connection, number: int, own: Seal) -> None:
    """Rewrite a trusted journal, within a transaction: in the present format, with MACs of this account.

    `number` is the format that it has, `own` the account's seal. Raise `sqlite3.Error`, `ValueError`, `KeyError`,
    `TypeError` or `struct.error` if it is damaged.
    """
    facts_text, rows, ended = db.execute("SELECT facts, rows, ended FROM about").fetchone()
    facts = {**json.loads(facts_text), "format": FORMAT}
    seal = own.of_run(facts["run"])
    _register(db, seal)
    db.execute("DROP INDEX intents_of")
    db.execute("DROP INDEX IF EXISTS files_before_of")
    tables = (*_TABLES, *(["files_before", "undone"] if number == FORMAT else []))
    for table in tables:
        db.execute(f"ALTER TABLE {table} RENAME TO old_{table}")
    db.execute("DROP TABLE about")
    for words in statements():
        db.execute(words)
    text = json.dumps(facts)
    rows_mac = None if rows is None else seal(complete_message(rows))
    db.execute("INSERT INTO about VALUES (?, ?, ?, ?, ?)", (text, own(about_message(text)), rows, rows_mac, ended))
    earlier = {"token": "token", "voided": "settled"}
    present = {"token": "substr(token, instr(token, ' ') + 1)", "voided": "voided IS NOT NULL"}
    copies = _UPGRADE.format_map(earlier if number == EARLIER else present)
    for words in [*statements(copies), *(statements(_UPGRADE_BEFORE) if number == FORMAT else [])]:
        db.execute(words)
    for table in tables:
        db.execute(f"DROP TABLE old_{table}")
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute(f"PRAGMA user_version = {FORMAT}")


def extend(db: sqlite3.Connection) -> None:
    """Add to a proven journal of format 3, within a transaction, what this format has besides it."""
    for words in statements(FILES_BEFORE):
        db.execute(words)
    db.execute(f"PRAGMA user_version = {FORMAT}")


def _register(db: sqlite3.Connection, seal: Seal) -> None:
    """Let SQL make the MACs of entries, whose JSON has to be valid."""

    def piece(start: int, rows: int, cells: str, head: str | None) -> bytes:
        """Return the MAC of a piece of the table."""
        return seal(piece_message(start, rows, _json(cells), None if head is None else _json(head)))

    def token(position: int, iat: int, exp: int, text: str | None) -> str | None:
        """Return a stored token after its MAC."""
        return None if text is None else f"{seal(token_message(position, iat, exp, text)).hex()} {text}"

    def row(position: int, fields: str, size: int | None, own_name: int) -> bytes:
        """Return the MAC of a prepared row."""
        return seal(row_message(position, _json(fields), size, own_name))

    def before(position: int, file_id: str, version_id: str | None, details: str, changes: str) -> bytes:
        """Return the MAC of a file that a row replaces or changes."""
        return seal(before_message(position, file_id, version_id, _json(details), _json(changes)))

    db.create_function("piece_mac", 4, piece)
    db.create_function("before_mac", 5, before)
    db.create_function("row_mac", 4, row)
    db.create_function("intent_mac", 5, lambda *values: seal(intent_message(*values)))
    db.create_function("with_mac", 4, token)
    db.create_function("void_mac", 1, lambda mac: seal(void_message(mac)))
    db.create_function("result_mac", 2, lambda position, result: seal(result_message(position, _json(result))))


def _json(text: str) -> str:
    json.loads(text)
    return text
