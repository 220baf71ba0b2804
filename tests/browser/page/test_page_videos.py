"""Videos: the thumbnail is an early frame, if the browser can decode it."""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from driver import Uploads
    from playwright.sync_api import Locator

    import ikpipe
    from ikpipe.emulator import Emulator

# One second of a red image that moves a little, since a recorder needs changes.
RECORD = """async () => {
    const canvas = Object.assign(document.createElement("canvas"), {width: 96, height: 64});
    const context = canvas.getContext("2d");
    let frames = 0;
    const draw = () => {
        context.fillStyle = "red";
        context.fillRect(0, 0, 96, 64);
        context.fillStyle = "black";
        context.fillRect(frames++ % 8, 0, 2, 2);
    };
    draw();
    const recorder = new MediaRecorder(canvas.captureStream(25), {mimeType: "video/webm;codecs=vp8"});
    const parts = [];
    recorder.ondataavailable = ({data}) => parts.push(data);
    const ended = new Promise((resolve) => (recorder.onstop = resolve));
    recorder.start();
    const timer = setInterval(draw, 40);
    while (frames < 25) await new Promise((resolve) => setTimeout(resolve, 20));
    clearInterval(timer);
    recorder.stop();
    await ended;
    const reader = new FileReader();
    return new Promise((resolve) => {
        reader.onload = () => resolve(reader.result.split(",")[1]);
        reader.readAsDataURL(new Blob(parts));
    });
}"""

MIDDLE = """async (image) => {
    await image.decode(); // it is there before its pixels are
    const canvas = Object.assign(document.createElement("canvas"), {width: 1, height: 1});
    const context = canvas.getContext("2d");
    context.drawImage(image, image.naturalWidth / 2, image.naturalHeight / 2, 1, 1, 0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data];
}"""


@pytest.fixture
def video(uploads: Uploads, tmp_path: Path) -> Path:
    """Record a video in the browser."""
    path = tmp_path / "red.webm"
    path.write_bytes(b64decode(uploads.evaluate(RECORD)))
    return path


def is_red(image: Locator) -> bool:
    """Wait for an image, and return whether its center is red."""
    image.wait_for()
    red, green, blue, _ = image.evaluate(MIDDLE)
    return red > 200 and green < 60 and blue < 60


def test_a_picked_video_shows_a_frame(uploads: Uploads, video: Path) -> None:
    """The frame is shown in the table and in the gallery."""
    uploads.choose([str(video)])
    assert is_red(uploads.row("red.webm").locator(".ik-thumb img"))
    uploads.button("Gallery").click()
    assert is_red(uploads.root.locator(".ik-card .ik-thumb img"))


def test_a_video_that_cannot_be_decoded_shows_its_icon(uploads: Uploads, video: Path, tmp_path: Path) -> None:
    """The images after it are shown."""
    broken = [tmp_path / f"broken {number}.webm" for number in range(4)]
    for path in broken:
        path.write_bytes(b"no video")
    uploads.choose([str(video), *map(str, broken)])
    uploads.row("red.webm").locator(".ik-thumb img").wait_for()
    assert uploads.root.locator(".ik-thumb svg").count() == 4
    assert uploads.root.locator(".ik-thumb img").count() == 1


def test_a_video_of_the_kernel_shows_a_frame(
    upload_page: Callable[..., tuple[Uploads, ikpipe.Uploader]], emulate: Callable[..., Emulator], video: Path
) -> None:
    """The kernel sends a small video unchanged, and the page shows a frame of it."""
    root = video.parent / "there"
    root.mkdir()
    video.rename(root / video.name)
    uploads, _uploader = upload_page(emulate().account, root=root)
    assert is_red(uploads.row("red.webm").locator(".ik-thumb img"))
