"""The bridge as the comm of a real uploader."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge import Bridge, Message

    from ikpipe import Uploader

SHOWN = ("session", "settings", "summary", "revision")  # the traits that the page reads


class Comm:
    """What ipywidgets needs of a comm."""

    comm_id = "a-page"
    process = ""
    """The kernel that it is in; if it is empty, one of its own."""

    def __init__(self, bridge: Bridge, uploader: Uploader) -> None:
        self._bridge = bridge
        self._callback: Callable[[Any], None] = lambda _message: None
        self.frames: list[Any] = []
        """All messages that the widget sent."""
        bridge.state = {name: getattr(uploader, name) for name in SHOWN}
        bridge.script = str(uploader.get_state("_esm")["_esm"])
        bridge.hears = self.hear
        uploader.comm = self

    def on_msg(self, callback: Callable[[Any], None]) -> None:
        """Register the widget's handler."""
        self._callback = callback

    def on_close(self, callback: Callable[[Any], None]) -> None:
        """Do nothing: nobody closes it."""

    def close(self, *_args: object, **_more: object) -> None:
        """Do nothing: nothing is open."""

    def hear(self, message: Message) -> None:
        """Pass a message from the page to the widget, or the traits that it sets."""
        if message["type"] == "set traits":
            data = {"method": "update", "state": message["state"], "buffer_paths": []}
            self._callback({"content": {"data": data}, "buffers": []})
            return
        self._callback({"content": {"data": {"method": "custom", "content": message}}, "buffers": []})

    def send(self, data: dict[str, Any], metadata: Any = None, buffers: Any = None) -> None:
        """Pass a message from the widget to the page."""
        self.frames.append(data)
        if data.get("method") == "custom":
            content = data["content"]
            if content["type"] == "welcome":
                content = {**content, "process": self.process or content["session"]}
            self._bridge.say(content, [bytes(one) for one in buffers or ()])
        elif data.get("method") == "update":
            self._bridge.set(**{name: value for name, value in data["state"].items() if name in SHOWN})
