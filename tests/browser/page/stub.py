"""A stub of the kernel: rows in a dict, two validation rules, and tokens for the emulator."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

from bridge import unpacked

import ikpipe

if TYPE_CHECKING:
    from bridge import Bridge, Message

    from ikpipe import Account

KEYS = {"file_name": "name", "is_private_file": "private", "custom_coordinates": "coordinates"}
UP = ("uploaded", "exists", "accepted")


class Stub:
    """Answers a page like the real kernel, as far as a test of the page needs it."""

    def __init__(self, bridge: Bridge, account: Account | None = None, session: str = "s1") -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self.deaf = False
        """Whether it leaves messages unanswered, like a kernel whose cell is running."""
        self.ignored: set[str] = set()
        """Types of messages that it never answers."""
        self.held: set[str] = set()
        """Types of messages that wait as if for a cell, while others overtake them."""
        self.session = session
        self._taken: dict[str, int] = {}
        self._bridge, self._account = bridge, account
        self._attempts = 0
        self._late: list[Message] = []
        # Messages arrive in another thread than the test's, which must not answer while rows are added.
        self._lock = threading.RLock()
        bridge.state["session"] = session
        bridge.hears = self.hear

    def hear(self, message: Message) -> None:
        """Answer a message, or each of a batch."""
        for one in unpacked(message):
            self.hear_one(one)

    def hear_one(self, message: Message) -> None:
        """Answer a message, now or when it hears again."""
        with self._lock:
            if self.deaf or message["type"] in self.held:
                self._late.append(message)
                return
            if not self._takes(message):
                return
            answer = getattr(self, f"_{message['type']}", None)
            if answer is not None and message["type"] not in self.ignored:
                answer(message)

    def _takes(self, message: Message) -> bool:
        """Whether a message is the next one of its sequence."""
        if message["type"] == "ping" or "line" not in message:
            return True
        line, due = message["line"], self._taken.get(message["line"], 0) + 1
        if message["at"] == due:
            self._taken[line] = due
        return message["at"] == due

    def wake(self) -> None:
        """Handle messages again, first those that arrived meanwhile."""
        self.deaf, self.held = False, set()
        late, self._late = self._late, []
        for message in late:
            self.hear(message)

    def push(self, *rows: dict[str, Any]) -> None:
        """Add or change rows, and send them to the page."""
        with self._lock:
            for row in rows:
                known = self.rows.get(
                    row["id"], {"at": len(self.rows), "source": "url", "size": 1000, "state": "ready"}
                )
                self.rows[row["id"]] = {"name": row["id"], **known, **row}
            self._tell([row["id"] for row in rows])

    def _tell(self, ids: list[str], *, whole: bool = False, request: str | None = None) -> None:
        for start in range(0, max(len(ids), whole), 1000):
            rows = [self.rows[one] for one in ids[start : start + 1000]]
            where = {"start": start} if whole else {}
            answer = {"request": request} if request is not None else {}
            told = {"type": "rows", "version": 1, "total": len(self.rows), "rows": rows}
            self._bridge.say({**told, **where, **answer})

    def _hello(self, _message: Message) -> None:
        self._tell(list(self.rows), whole=True)
        self._bridge.say({"type": "welcome", "session": self.session, "version": 1})

    def _ping(self, message: Message) -> None:
        taken = self._taken.get(message["line"], 0)
        self._bridge.say({**message, "type": "pong", "taken": taken})

    def _add(self, message: Message) -> None:
        ids, refused = {}, {}
        for file in message["files"]:
            if not file["size"]:
                refused[file["key"]] = "an empty file"
                continue
            ids[file["key"]] = one = f"b{len(self.rows)}"
            folder = {"folder": f"/{file['path']}"} if file["path"] else {}
            picked = {"name": file["name"], "path": file["path"], "modified": file.get("modified")}
            seen = {"name": file["name"], "size": file["size"], "kind": file["type"], "file": picked, **folder}
            self.rows[one] = {"id": one, "at": len(self.rows), "source": "browser", "state": "ready", **seen}
        self._bridge.say({"type": "added", "request": message["request"], "ids": ids, "refused": refused})
        self._tell(list(ids.values()))

    def _remove(self, message: Message) -> None:
        for one in message["ids"]:
            self.rows.pop(one, None)
        self._bridge.say({"type": "gone", "ids": message["ids"]})

    def _edit(self, message: Message) -> None:
        column, ids = message["column"], message["ids"]
        for one, value in zip(ids, message.get("values") or [message["value"]] * len(ids), strict=True):
            row = self.rows[one] = dict(self.rows[one])
            if column.startswith("custom_metadata."):
                row["metadata"] = {**row.get("metadata", {}), column.removeprefix("custom_metadata."): value}
            else:
                row[KEYS.get(column, column)] = value
            self._check(row)
        self._tell(message["ids"], request=message["request"])

    def _check(self, row: dict[str, Any]) -> None:
        row["problems"] = []
        if "#" in (row.get("folder") or ""):
            suggestion = row["folder"].replace("#", "_")
            words = "'#' is not allowed in a folder", "Remove or replace it."
            row["problems"] = [problem("folder", "bad_character", *words, suggestion)]
        row["state"] = "invalid" if row["problems"] else "ready"

    def _send(self, message: Message) -> None:
        ids = list(self.rows) if message["ids"] is None else message["ids"]
        ready = [self.rows[one] for one in ids if self.rows[one]["state"] == "ready"]
        self.push(*({"id": row["id"], "state": "sending"} for row in ready))
        posts = [self._order(row) for row in ready if row["source"] == "browser"]
        self._bridge.say({"type": "post", "posts": posts})

    def _order(self, row: dict[str, Any]) -> dict[str, Any]:
        assert self._account is not None
        fields = {"fileName": row["name"], "folder": row.get("folder", "/"), "useUniqueFileName": "false"}
        self._attempts += 1
        return {
            "id": row["id"],
            "attempt": self._attempts,
            "url": self._account.upload_url,
            "fields": list(map(list, fields.items())),
            "token": ikpipe.sign(fields, self._account),
            "name": row["name"],
            "timeout": 60,
        }

    def _result(self, message: Message) -> None:
        self._bridge.say({"type": "ack", "id": message["id"], "attempt": message["attempt"]})
        if message.get("status") == 200:
            body = json.loads(message["body"])
            result = {"url": body["url"], "thumbnail": body["thumbnailUrl"], "path": body["filePath"]}
            self.push({"id": message["id"], "state": "uploaded", "result": result})
        else:
            words = message.get("error") or str(message["status"])
            self.push({"id": message["id"], "state": "failed", "result": {"message": words}})

    def _csv(self, message: Message) -> None:
        self._bridge.say({"type": "csv", "request": message["request"], "text": "file,ik_status\n"})


def problem(column: str, code: str, message: str, fix: str, suggestion: object = None) -> dict[str, Any]:
    """Return a problem as the kernel sends it."""
    optional = {} if suggestion is None else {"suggestion": suggestion}
    return {"column": column, "code": code, "message": message, "fix": fix, **optional}
