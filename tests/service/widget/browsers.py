"""A fake browser: it answers messages as the page's script does, and can misbehave."""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Self

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ikpipe import Uploader

UPLOADED = ("uploaded", "exists", "accepted")
SOON = 20.0  # seconds: longer than anything here takes


class Browser:
    """One page that shows an uploader; it is also the widget's comm.

    Parameters
    ----------
    uploader
        The widget.
    post
        Uploads a file, and returns its result: ``{status, body}`` or ``{error, left}``.
    answers
        Changes the result of an upload, or suppresses it with None.
    """

    comm_id = "a-browser"

    def __init__(
        self,
        uploader: Uploader,
        post: Callable[[Browser, Mapping[str, Any]], dict[str, Any]] | None = None,
        answers: Callable[[dict[str, Any]], dict[str, Any] | None] = lambda said: said,
    ) -> None:
        self.uploader, self._post, self._answers = uploader, post or Browser.posted, answers
        self.frames: list[dict[str, Any]] = []  # all that the kernel sent
        self.buffers: list[list[bytes]] = []
        self.heard: list[dict[str, Any]] = []
        self.rows: dict[str, dict[str, Any]] = {}
        self.files: dict[str, bytes] = {}
        self.kept: dict[tuple[str, int], dict[str, Any]] = {}
        self.aborted: set[tuple[str, int]] = set()
        self.begun: set[tuple[str, int]] = set()
        self.online = True
        self.client = httpx.Client(timeout=30, limits=httpx.Limits(max_keepalive_connections=0))
        self._turn = threading.Condition()
        self._pool = ThreadPoolExecutor(12)
        self._keys = 0

    def __enter__(self) -> Self:
        self.uploader.comm = self
        self.say(type="hello", view="v")
        return self

    def __exit__(self, *_error: object) -> None:
        self.uploader.comm = None
        self._pool.shutdown(wait=True, cancel_futures=True)
        self.client.close()

    # As the widget's comm

    def on_msg(self, callback: Callable[[Any], None]) -> None:
        """Register the widget's handler."""
        self._callback = callback

    def on_close(self, callback: Callable[[Any], None]) -> None:
        """Do nothing: nobody closes it."""

    def close(self, *_args: object, **_more: object) -> None:
        """Do nothing: nothing is open."""

    def send(self, data: dict[str, Any], metadata: Any = None, buffers: Any = None) -> None:
        """Receive a message from the kernel."""
        with self._turn:
            self.frames.append(data)
            if data.get("method") == "custom":
                self._take(data["content"], list(buffers or ()))
            self._turn.notify_all()

    def say(self, **content: Any) -> None:
        """Send a message to the kernel."""
        self.send_raw(content)

    def send_raw(self, content: Any) -> None:
        """Send anything to the kernel, also what is not a message."""
        self._callback({"content": {"data": {"method": "custom", "content": content}}, "buffers": []})

    # As the page

    def _take(self, message: dict[str, Any], buffers: list[bytes]) -> None:
        if message["type"] == "batch":
            for one in message["messages"]:
                self._take(one, [])
            return
        self.heard.append(message)
        self.buffers.append(buffers)
        kind = message["type"]
        if kind == "rows":
            self.rows |= {row["id"]: row for row in message["rows"]}
        elif kind == "gone":
            for name in message["ids"]:
                self.rows.pop(name, None)
        elif kind == "abort":
            self.aborted.add((message["id"], message["attempt"]))
        elif kind == "ack":
            self.kept.pop((message["id"], message["attempt"]), None)
        elif kind == "post" and self.online:
            for order in message["posts"]:
                self._pool.submit(self._work, order)

    def _work(self, order: Mapping[str, Any]) -> None:
        mine = (order["id"], order["attempt"])
        there = order["id"] in self.files
        if there:
            size = len(self.files[order["id"]])
            self.say(type="progress", id=order["id"], attempt=order["attempt"], loaded=0, total=size)
        if there and mine in self.begun:
            return
        self.begun.add(mine)
        said = self._post(self, order) if there else {"error": "lost", "left": False}
        result = self._answers({"type": "result", "id": order["id"], "attempt": order["attempt"], **said})
        if result is not None:
            self.kept[order["id"], order["attempt"]] = result
            self.send_raw(result)

    def posted(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """Upload a file as a form: the texts in order, with the line ends of a browser, and the file last."""
        body = self.files[order["id"]]
        size = len(body)
        self.say(type="progress", id=order["id"], attempt=order["attempt"], loaded=size, total=size)
        texts = [(name, text.replace("\r\n", "\n").replace("\n", "\r\n")) for name, text in order["fields"]]
        form = [(name, (None, text.encode())) for name, text in [*texts, ("token", order["token"])]]
        try:
            answer = self.client.post(order["url"], files=[*form, ("file", (order["name"], body))])
        except httpx.ConnectError:
            return {"error": "network", "left": False}
        except httpx.TransportError:
            return {"error": "network", "left": True}
        request = answer.headers.get("x-ik-requestid")
        return {"status": answer.status_code, "body": answer.text, "request_id": request}

    def pick(self, files: Mapping[str, bytes], *, size: int | None = None) -> list[str]:
        """Pick files by their paths, and return the ids of their rows."""
        told, keys = [], {}
        for path, content in files.items():
            self._keys += 1
            folder, _, name = path.rpartition("/")
            kind = "image/png" if name.endswith(".png") else ""
            length = len(content) if size is None else size
            told.append({"key": f"k{self._keys}", "name": name, "path": folder, "size": length, "type": kind})
            keys[f"k{self._keys}"] = content
        self.say(type="add", request=f"q{self._keys}", files=told)
        added = self.last("added")
        self.files |= {name: keys[key] for key, name in added["ids"].items()}
        return list(added["ids"].values())

    def edit(self, ids: list[str], column: str, value: object) -> None:
        """Edit a column of some rows."""
        self._keys += 1
        self.say(type="edit", request=f"q{self._keys}", ids=ids, column=column, value=value)

    # For tests

    def last(self, kind: str) -> dict[str, Any]:
        """Return the last message of a type."""
        return next(message for message in reversed(self.heard) if message["type"] == kind)

    def all(self, kind: str) -> list[dict[str, Any]]:
        """Return all messages of a type."""
        return [message for message in self.heard if message["type"] == kind]

    def wait(self, fact: Callable[[], object], seconds: float = SOON) -> None:
        """Wait until a condition is true."""
        end = time.monotonic() + seconds
        with self._turn:
            while not fact():
                left = end - time.monotonic()
                assert left > 0, f"the condition is still false: {self.states()}, {self.heard[-3:]}"
                self._turn.wait(min(left, 0.05))

    def wait_idle(self, seconds: float = SOON) -> dict[str, str]:
        """Wait until no upload is in progress and the page knows it, and return the states."""
        self.wait(self._is_idle, seconds)
        return self.states()

    def _is_idle(self) -> bool:
        """Whether the page and the summary agree that no upload is in progress."""
        summary = self.uploader.summary
        return not summary["busy"] and summary["counts"] == Counter(self.states().values())

    def states(self) -> dict[str, str]:
        """Return the state of each row, as the page knows it."""
        return {name: row["state"] for name, row in self.rows.items()}

    def errors(self) -> list[str]:
        """Return the error messages from the kernel."""
        return [message["message"] for message in self.all("error")]
