"""The uploader as a person uses it: by what is written on it, wherever it is shown."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from playwright.sync_api import Locator, Page

PASTE = """async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    await navigator.clipboard.write([new ClipboardItem({"image/png": new Blob([bytes], {type: "image/png"})})]);
}"""


class Screen:
    """One uploader on a page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.root: Locator = page.get_by_role("region", name="Uploader").first

    def shown(self) -> Screen:
        """Wait until it is there, and has heard of its kernel."""
        self.root.wait_for()
        self.button("Add files").wait_for()
        return self

    def button(self, name: str | re.Pattern[str]) -> Locator:
        """Find a button by its text."""
        return self.root.get_by_role("button", name=name).first

    def pick(self, files: Sequence[Path]) -> None:
        """Choose files in the browser's dialogue."""
        with self.page.expect_file_chooser() as chosen:
            self.button("Add files").click()
        chosen.value.set_files([str(file) for file in files])

    def drop(self, *paths: Path) -> None:
        """Drop files or folders from the desktop: a real drag, which alone has folders in it."""
        box = self.root.bounding_box()
        assert box
        place = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
        data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
        session = self.page.context.new_cdp_session(self.page)
        for kind in ("dragEnter", "dragOver", "drop"):
            session.send("Input.dispatchDragEvent", {"type": kind, **place, "data": data})
        session.detach()

    def paste(self, picture: bytes) -> None:
        """Paste a picture from the clipboard."""
        self.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        self.root.evaluate("(root) => root.focus()")
        self.page.evaluate(PASTE, base64.b64encode(picture).decode())
        self.page.keyboard.press("ControlOrMeta+v")

    def has(self, text: str | re.Pattern[str], seconds: float = 60) -> None:
        """Wait until it says something."""
        self.root.get_by_text(text).first.wait_for(timeout=seconds * 1000)

    def send(self, count: int) -> None:
        """Upload what is ready, once so many files are."""
        self.button(re.compile(rf"^Upload {count:,} files?$")).click()

    def up(self, count: int, seconds: float = 90) -> None:
        """Wait until it says that so many files are uploaded, and none is not."""
        self.has(re.compile(rf"^{count:,} (files? )?uploaded$"), seconds)

    def idle(self, seconds: float = 60) -> None:
        """Wait until nothing is on its way."""
        self.root.get_by_role("button", name="Cancel all").wait_for(state="hidden", timeout=seconds * 1000)

    def rows(self) -> list[str]:
        """Give what the rows in view say."""
        found: list[str] = self.root.locator("[data-id]").all_inner_texts()
        return found


def jwts(text: str) -> list[str]:
    """Find tokens in a text."""
    return re.findall(r"eyJ[\w-]{10,}\.[\w-]+\.[\w-]+", text)


def frames(page: Page) -> list[bytes]:
    """Note every websocket frame of a page that is opened from now on, both ways."""
    noted: list[bytes] = []

    def note(payload: Any) -> None:
        noted.append(payload if isinstance(payload, bytes) else payload.encode())

    def listen(socket: Any) -> None:
        socket.on("framesent", note)
        socket.on("framereceived", note)

    page.on("websocket", listen)
    return noted
