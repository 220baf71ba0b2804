"""Thumbnails of videos and animations: `/clip.mp4/ik-thumbnail.jpg`. FFmpeg, which makes them, is a process."""

from __future__ import annotations

import subprocess
import sys
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from imageio_ffmpeg import get_ffmpeg_exe
from PIL import Image

from ikpipe.emulator.media.video_frame import FrameError, extract_frame

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from emulator_client import Client

BAD = "Bad Image Transformation Request"


def ffmpeg(*arguments: str) -> None:
    """Run FFmpeg."""
    subprocess.run([get_ffmpeg_exe(), "-nostdin", "-v", "error", *arguments], check=True)  # noqa: S603 - arguments of these tests


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with videos: one second of red, and one of blue."""
    folder = tmp_path_factory.mktemp("videos")
    colors = "color=red:s=64x48:r=5:d=1[a];color=blue:s=64x48:r=5:d=1[b];[a][b]concat"
    ffmpeg("-f", "lavfi", "-i", colors, "-c:v", "mpeg4", "-q:v", "2", str(folder / "clip.mp4"))
    ffmpeg("-i", str(folder / "clip.mp4"), "-c", "copy", str(folder / "clip.mov"))
    ffmpeg("-i", str(folder / "clip.mp4"), "-c", "copy", str(folder / "clip.mkv"))
    ffmpeg("-display_rotation", "90", "-i", str(folder / "clip.mp4"), "-c", "copy", str(folder / "upright.mp4"))
    return folder


@pytest.fixture(scope="module")
def clip(videos: Path) -> bytes:
    """Return the bytes of a video."""
    return (videos / "clip.mp4").read_bytes()


def get(client: Client, path: str, **options: Any) -> Any:
    """Request a path below the endpoint."""
    return client.http.get(client.emulator.url_endpoint + path, **options)


def look(reply: Any) -> tuple[str | None, tuple[int, int], str]:
    """Return format, size and color of the image in a response."""
    assert reply.status_code == 200, reply.text
    image = Image.open(BytesIO(reply.content))
    red, _, blue = image.convert("RGB").resize((1, 1)).getpixel((0, 0))  # type: ignore[misc]
    return image.format, image.size, "red" if red > 200 else "blue" if blue > 200 else "other"


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mov", "clip.mkv"])
def test_first_frame(client: Client, videos: Path, name: str) -> None:
    """The thumbnail is the first frame as a JPEG [docs]."""
    client.fixed(name, (videos / name).read_bytes(), folder="/in")
    reply = get(client, f"/in/{name}/ik-thumbnail.jpg")
    assert look(reply) == ("JPEG", (64, 48), "red")
    assert reply.headers["content-type"] == "image/jpeg"


def test_attachment(client: Client, clip: bytes) -> None:
    """A thumbnail is saved under its own name."""
    client.fixed("clip.mp4", clip)
    reply = get(client, "/clip.mp4/ik-thumbnail.jpg?ik-attachment=true")
    assert reply.headers["content-disposition"] == 'attachment; filename="ik-thumbnail.jpg"'


@pytest.mark.parametrize(
    ("text", "size", "color"),
    [
        ("so-1.5", (64, 48), "blue"),
        ("so-idu_div_4", (64, 48), "red"),
        ("so-0_sub_9", (64, 48), "red"),
        ("so-bdu_mul_0.7,w-32", (32, 24), "blue"),
        ("w-32:rt-90", (24, 32), "red"),
        ("so-1.5,w-20,h-20,cm-pad_resize", (20, 20), "blue"),
        ("l-image,i-ik_canvas,bg-0000FF,l-end", (64, 48), "blue"),
    ],
)
def test_transformed(client: Client, clip: bytes, text: str, size: tuple[int, int], color: str) -> None:
    """`so` is the time of the frame, and images' transformations and layers apply to it [docs]."""
    client.fixed("clip.mp4", clip)
    for path in (f"/clip.mp4/ik-thumbnail.jpg?tr={text}", f"/tr:{text}/clip.mp4/ik-thumbnail.jpg"):
        reply = get(client, path)
        assert look(reply) == ("JPEG", size, color)
        assert "x-emulator-ignored" not in reply.headers


def test_format(client: Client, clip: bytes) -> None:
    """Another format is made if requested."""
    client.fixed("clip.mp4", clip)
    assert look(get(client, "/clip.mp4/ik-thumbnail.jpg?tr=f-png"))[0] == "PNG"
    webp = get(client, "/clip.mp4/ik-thumbnail.jpg?tr=f-auto", headers={"Accept": "image/webp"})
    assert look(webp)[0] == "WEBP"


def test_upright(client: Client, videos: Path) -> None:
    """A frame is rotated as players rotate it."""
    client.fixed("upright.mp4", (videos / "upright.mp4").read_bytes())
    assert look(get(client, "/upright.mp4/ik-thumbnail.jpg")) == ("JPEG", (48, 64), "red")


def test_animation(client: Client) -> None:
    """The thumbnail of a GIF is its first frame as a JPEG."""
    file = BytesIO()
    frames = [Image.new("RGB", (30, 20), color) for color in ("red", "blue")]
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    client.fixed("a.gif", file.getvalue())
    assert look(get(client, "/a.gif/ik-thumbnail.jpg?tr=w-15")) == ("JPEG", (15, 10), "red")


def test_access(client: Client, clip: bytes) -> None:
    """The thumbnail of a private video needs a signature; a draft has none."""
    client.fixed("private.mp4", clip, isPrivateFile="true")
    assert get(client, "/private.mp4/ik-thumbnail.jpg").status_code == 401
    assert look(get(client, "/private.mp4/ik-thumbnail.jpg?tr=n-ik_ml_thumbnail"))[2] == "red"
    client.fixed("draft.mp4", clip, isPublished="false")
    for name in ("draft", "none"):
        assert get(client, f"/{name}.mp4/ik-thumbnail.jpg").status_code == 404


def test_earlier_version(client: Client, videos: Path, clip: bytes) -> None:
    """An earlier version of a video has a thumbnail of its own."""
    ffmpeg("-ss", "1", "-i", str(videos / "clip.mp4"), "-c:v", "mpeg4", str(videos / "blue.mp4"))
    first = client.fixed("clip.mp4", clip, folder="/versions").json()["versionInfo"]["id"]
    client.fixed("clip.mp4", (videos / "blue.mp4").read_bytes(), folder="/versions")
    assert look(get(client, "/versions/clip.mp4/ik-thumbnail.jpg"))[2] == "blue"
    assert look(get(client, f"/versions/clip.mp4/ik-thumbnail.jpg?ik-obj-version={first}"))[2] == "red"


def test_a_file_of_that_name(start: Callable[..., Client], clip: bytes) -> None:
    """A stored file whose path is that of a thumbnail is delivered itself."""
    client = start(names="keep")
    client.fixed("ik-thumbnail.jpg", b"itself", folder="/clip.mp4")
    client.fixed("clip.mp4", clip)
    assert get(client, "/clip.mp4/ik-thumbnail.jpg").content == b"itself"


def test_files_without_a_thumbnail(client: Client) -> None:
    """What the emulator cannot make is a 501 that says so."""
    client.fixed("a.pdf", b"%PDF-1.4")
    reply = get(client, "/a.pdf/ik-thumbnail.jpg")
    assert (reply.status_code, reply.text) == (501, "The emulator makes no thumbnails of application/pdf.")
    assert reply.headers["ik-error"].endswith(reply.text)


def test_without_ffmpeg(client: Client, clip: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package, or its program, the response names what to install."""
    client.fixed("clip.mp4", clip)
    message = 'Video thumbnails need the package imageio-ffmpeg: pip install "ikpipe[video]".'
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", "/no/such/program")
    assert (get(client, "/clip.mp4/ik-thumbnail.jpg").status_code) == 501
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    reply = get(client, "/clip.mp4/ik-thumbnail.jpg")
    assert (reply.status_code, reply.text) == (501, message)
    assert get(client, "/clip.mp4").content == clip


@pytest.mark.parametrize(
    ("so", "reason"),
    [("so-99", "The video has no frame at 99 seconds."), ("so-1_div_0", "1_div_0 has no value")],
)
def test_times_without_a_frame(client: Client, clip: bytes, so: str, reason: str) -> None:
    """A time after the end, or none at all, is an error that names it."""
    client.fixed("clip.mp4", clip)
    reply = get(client, f"/clip.mp4/ik-thumbnail.jpg?tr={so}")
    assert (reply.status_code, reply.text) == (400, BAD)
    assert reply.headers["ik-error"].endswith(reason)


def damaged(clip: bytes) -> dict[str, bytes]:
    """Return files that are no videos, and broken ones."""
    return {
        "empty": b"\0",
        "text": b"no video",
        "head": clip[:32],
        "half": clip[: len(clip) // 2],
        "zeros": clip[:40] + bytes(len(clip)),
        "image": b"\x89PNG\r\n\x1a\n" + bytes(50),
    }


def test_broken_videos(client: Client, clip: bytes) -> None:
    """Whatever is in the file, there is one answer."""
    for name, data in damaged(clip).items():
        client.fixed(f"{name}.mp4", data)
        reply = get(client, f"/{name}.mp4/ik-thumbnail.jpg")
        assert (reply.status_code, reply.text) == (400, BAD), name
        assert reply.headers["ik-error"].endswith("The video cannot be read."), name


def test_a_file_names_no_others(client: Client, clip: bytes) -> None:
    """A playlist does not show a private video, whose file is in the same folder."""
    version = client.fixed("private.mp4", clip, isPrivateFile="true").json()["versionInfo"]["id"]
    client.fixed("list.mp4", f"ffconcat version 1.0\nfile {version}\n".encode())
    client.fixed("hls.mp4", f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{version}\n#EXT-X-ENDLIST\n".encode())
    for name in ("list", "hls"):
        assert get(client, f"/{name}.mp4/ik-thumbnail.jpg").status_code == 400


def test_large_frames(tmp_path: Path) -> None:
    """A video of more than 8K is not decoded."""
    large = (
        "-f",
        "lavfi",
        "-i",
        "color=s=7600x4800,format=gray",
        "-frames:v",
        "1",
        "-c:v",
        "mjpeg",
        "-pix_fmt",
        "gray",
    )
    ffmpeg(*large, str(tmp_path / "large.mp4"))
    with pytest.raises(FrameError, match="cannot be read"):
        extract_frame(tmp_path / "large.mp4", 0)


def test_limit_of_time(videos: Path) -> None:
    """FFmpeg is killed if it takes too long."""
    with pytest.raises(FrameError, match=r"within 0\.0001 seconds"):
        extract_frame(videos / "clip.mp4", 0, limit=0.0001)


def test_transformations_of_a_video_itself(client: Client, clip: bytes) -> None:
    """A video is delivered as uploaded; the header names the transformation that was not made."""
    client.fixed("clip.mp4", clip)
    reply = get(client, "/tr:w-20,so-1/clip.mp4")
    assert (reply.content, reply.headers["x-emulator-ignored"]) == (clip, "w-20,so-1")
    assert "x-emulator-ignored" not in get(client, "/clip.mp4").headers


def test_times_of_images(start: Callable[..., Client]) -> None:
    """`so` has no effect on an image."""
    client = start()
    file = BytesIO()
    Image.new("RGB", (30, 20), "red").save(file, "PNG")
    client.fixed("a.png", file.getvalue())
    reply = get(client, "/a.png?tr=so-1,w-3")
    assert (look(reply)[1], reply.headers["x-emulator-ignored"]) == ((3, 2), "so-1")
