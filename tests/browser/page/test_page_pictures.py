"""Pictures that are cropped, rotated and resized before their upload, in a real browser and against the emulator."""

from __future__ import annotations

import io
import re
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pandas as pd
import pytest
from axe import violations
from driver import Uploads
from PIL import Image

import ikpipe
from ikpipe.widget import assets

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge import Bridge
    from playwright.sync_api import Browser, Page
    from stub import Stub

    from ikpipe.emulator import Emulator

    Open = Callable[..., tuple[Uploads, ikpipe.Uploader]]
    Emulate = Callable[..., Emulator]

QUICK = ikpipe.Policy(index_lag=0.2, first_wait=0.02)
OPTIONS: dict[str, Any] = {"use_unique_file_name": False, "policy": QUICK}
SIZE = (40, 30)
X = "\N{MULTIPLICATION SIGN}"
FLIP = Image.Transpose.FLIP_LEFT_RIGHT
UPEND = Image.Transpose.FLIP_TOP_BOTTOM
LEFT, RIGHT = Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_270


def pattern(size: tuple[int, int] = SIZE) -> Image.Image:
    """Return a picture whose pixels are all different."""
    image = Image.new("RGB", size)
    image.putdata([(x * 5 % 256, y * 7 % 256, (x + y) % 256) for y in range(size[1]) for x in range(size[0])])
    return image


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., str]:
    """Return a function that saves a picture, and returns its path."""

    def save(name: str, image: Image.Image | None = None, **options: Any) -> str:
        (image or pattern()).save(tmp_path / name, **options)
        return str(tmp_path / name)

    return save


def open_preview(uploads: Uploads, path: str) -> None:
    """Add a file, and open its preview."""
    uploads.choose([path])
    uploads.wait_rows(1)
    uploads.row(Path(path).name).dblclick()
    uploads.root.locator(".ik-preview").wait_for()


def open_editor(uploads: Uploads, path: str) -> None:
    """Add a picture, and open the editor of it."""
    open_preview(uploads, path)
    uploads.button("Crop and rotate").click()
    uploads.root.locator(".ik-crop").wait_for()


def fill(uploads: Uploads, label: str, number: float, part: str = "Crop") -> None:
    """Fill a field of the editor."""
    field = uploads.root.locator(".ik-picture-editor").get_by_role("group", name=part, exact=True).get_by_label(label)
    field.fill(str(number))
    field.press("Tab")


def crop(uploads: Uploads, x: int, y: int, width: int, height: int) -> None:
    """Type a crop box."""
    for label, number in {"Width": width, "Height": height, "x": x, "y": y}.items():
        fill(uploads, label, number)


def apply(uploads: Uploads) -> None:
    """Apply the edits, and close the preview."""
    uploads.button("Apply").click()
    uploads.root.locator(".ik-picture-editor").wait_for(state="detached")
    uploads.button("Close").click()
    uploads.root.locator(".ik-preview").wait_for(state="detached")


def send(uploads: Uploads, uploader: ikpipe.Uploader) -> Image.Image:
    """Upload the only file, and return the stored picture."""
    uploads.button("Upload 1 file").click()
    uploads.wait_uploaded(1)
    [url] = uploader.results["ik_url"]
    content = httpx.get(url).raise_for_status().content
    assert len(content) == uploader.results["ik_size"].iloc[0]
    return Image.open(io.BytesIO(content))


@pytest.fixture
def shop(upload_page: Open, emulator: Emulator) -> tuple[Uploads, ikpipe.Uploader]:
    """Return a page of an uploader."""
    return upload_page(emulator.account, folder=f"/{id(upload_page)}", **OPTIONS)


Shop = tuple[Uploads, ikpipe.Uploader]


def test_the_stored_file_has_the_cropped_pixels(shop: Shop, save: Callable[..., str]) -> None:
    """Exactly these; the list says what was done, and has the size of the result."""
    uploads, uploader = shop
    open_editor(uploads, save("a.png"))
    crop(uploads, 5, 6, 20, 10)
    apply(uploads)
    uploads.row("a.png").get_by_text(f"Cropped 20 {X} 10").wait_for()
    size = uploader.frame["size"].iloc[0]
    stored = send(uploads, uploader)
    assert stored.format == "PNG"
    assert stored.convert("RGB").tobytes() == pattern().crop((5, 6, 25, 16)).tobytes()
    assert uploader.results[["ik_width", "ik_height", "ik_size"]].iloc[0].tolist() == [20, 10, size]


@pytest.mark.parametrize(
    ("buttons", "expected"),
    [
        (["Rotate right"], [RIGHT]),
        (["Rotate left"], [LEFT]),
        (["Flip horizontally"], [FLIP]),
        (["Flip vertically"], [UPEND]),
        (["Rotate right", "Flip horizontally"], [RIGHT, FLIP]),
        (["Flip horizontally", "Rotate right"], [FLIP, RIGHT]),
        (["Rotate left", "Flip vertically", "Rotate right"], [LEFT, UPEND, RIGHT]),
    ],
    ids=lambda value: "-".join(map(str, value)),
)
def test_pictures_are_rotated_and_flipped(shop: Shop, save: Callable[..., str], buttons: Any, expected: Any) -> None:
    """Each step applies to what is shown, with a crop made before it."""
    uploads, uploader = shop
    open_editor(uploads, save("a.png"))
    crop(uploads, 1, 2, 30, 20)
    for name in buttons:
        uploads.button(name).click()
    apply(uploads)
    wanted = pattern().crop((1, 2, 31, 22))
    for step in expected:
        wanted = wanted.transpose(step)
    stored = send(uploads, uploader).convert("RGB")
    assert stored.size == wanted.size
    assert stored.tobytes() == wanted.tobytes()


@pytest.mark.parametrize(("name", "kind"), [("a.jpg", "JPEG"), ("a.webp", "WEBP")])
def test_the_format_is_kept(shop: Shop, save: Callable[..., str], name: str, kind: str) -> None:
    """With colors close to those of the original."""
    uploads, uploader = shop
    image = Image.new("RGB", (64, 64), (200, 30, 30))
    open_editor(uploads, save(name, image))
    crop(uploads, 0, 0, 32, 16)
    apply(uploads)
    stored = send(uploads, uploader)
    assert (stored.format, stored.size) == (kind, (32, 16))
    color = stored.convert("RGB").getpixel((8, 8))
    assert color == pytest.approx((200, 30, 30), abs=6)


def test_transparency_is_kept(shop: Shop, save: Callable[..., str]) -> None:
    """In formats that have it."""
    uploads, uploader = shop
    open_editor(uploads, save("a.png", Image.new("RGBA", SIZE, (255, 0, 0, 0))))
    crop(uploads, 0, 0, 10, 10)
    apply(uploads)
    assert send(uploads, uploader).convert("RGBA").getpixel((5, 5))[3] == 0  # type: ignore[index]


def test_pictures_of_cameras_are_upright(shop: Shop, save: Callable[..., str]) -> None:
    """The orientation that the camera noted is applied, and the camera's data are gone, which the editor says."""
    uploads, uploader = shop
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "A camera"
    open_editor(uploads, save("a.jpg", exif=exif))
    uploads.root.get_by_text("no camera data (EXIF)").wait_for()
    uploads.root.get_by_text(f"Uploaded as 30 {X} 40 pixels").wait_for()
    crop(uploads, 0, 0, 30, 20)
    apply(uploads)
    stored = send(uploads, uploader)
    assert stored.size == (30, 20)
    assert dict(stored.getexif()) == {}


def test_a_picture_is_resized(shop: Shop, save: Callable[..., str]) -> None:
    """In proportion, and not beyond its own size."""
    uploads, uploader = shop
    open_editor(uploads, save("a.png"))
    fill(uploads, "Width", 20, "Resize")
    uploads.root.get_by_text(f"Uploaded as 20 {X} 15 pixels").wait_for()
    fill(uploads, "Height", 4000, "Resize")
    uploads.root.get_by_text(f"Uploaded as 40 {X} 30 pixels").wait_for()
    fill(uploads, "Height", 3, "Resize")
    apply(uploads)
    uploads.row("a.png").get_by_text(f"Resized 4 {X} 3").wait_for()
    assert send(uploads, uploader).size == (4, 3)


def test_a_crop_can_be_changed_undone_and_reset(shop: Shop, save: Callable[..., str]) -> None:
    """The editor starts with it; undo and reset bring back the original's size."""
    uploads, uploader = shop
    path = save("a.png")
    original = Path(path).stat().st_size
    open_editor(uploads, path)
    crop(uploads, 5, 6, 20, 10)
    apply(uploads)
    uploads.row("a.png").dblclick()
    uploads.button("Crop and rotate").click()
    group = uploads.root.locator(".ik-picture-editor").get_by_role("group", name="Crop", exact=True)
    assert [group.get_by_label(label).input_value() for label in ("x", "y", "Width", "Height")] == [
        "5",
        "6",
        "20",
        "10",
    ]
    crop(uploads, 0, 0, 40, 30)
    apply(uploads)
    assert uploader.frame["size"].tolist() == [original]
    uploads.page.keyboard.press("Control+z")
    uploads.row("a.png").get_by_text(f"Cropped 20 {X} 10").wait_for()
    uploads.row("a.png").dblclick()
    uploads.root.locator(".ik-preview").get_by_role("button", name="Reset to original").click()
    uploads.root.locator(".ik-preview").get_by_text("Cropped").wait_for(state="hidden")
    assert uploader.frame["size"].tolist() == [original]


@pytest.mark.parametrize(
    ("area", "expected", "notice"),
    [
        ("10,10,10,10", "5,4,10,10", "Image changed."),
        ("0,0,10,10", "0,0,5,4", "Image changed."),
        ("30,20,10,10", None, "Image changed. The focus area was outside and has been cleared."),
    ],
)
def test_the_focus_area_moves_with_the_picture(
    shop: Shop, save: Callable[..., str], area: str, expected: str | None, notice: str
) -> None:
    """What is cut off is cut off; an area that is gone is cleared, with a notice. One undo restores both."""
    uploads, uploader = shop
    open_preview(uploads, save("a.png"))
    uploads.bridge.hears({"type": "edit", "request": "q", "ids": ["b0"], "column": "custom_coordinates", "value": area})
    uploads.wait_value("x", area.partition(",")[0])
    uploads.button("Crop and rotate").click()
    crop(uploads, 5, 6, 20, 15)
    apply(uploads)
    uploads.root.get_by_text(notice).locator("visible=true").first.wait_for()
    found = uploader.frame.get("custom_coordinates", pd.Series([None])).iloc[0]
    assert (None if pd.isna(found) else found) == expected
    uploads.page.keyboard.press("Control+z")
    uploads.row("a.png").get_by_text("Cropped").wait_for(state="detached")
    assert uploader.frame["custom_coordinates"].tolist() == [area]


def test_the_box_is_moved_and_resized_by_keys(shop: Shop, save: Callable[..., str]) -> None:
    """Arrows move it, with Shift they resize it, with Alt by a pixel; it stays inside."""
    uploads, _ = shop
    open_editor(uploads, save("a.png", pattern((400, 300))))
    box = uploads.root.locator(".ik-crop")
    box.focus()
    for key in ("Shift+ArrowLeft", "Shift+ArrowUp", "ArrowRight", "ArrowRight", "Alt+ArrowDown", "Alt+Shift+ArrowLeft"):
        uploads.page.keyboard.press(key)
    assert box.get_attribute("aria-label") == f"Crop box: 395 {X} 297 at 4, 1"
    assert uploads.root.locator(".ik-preview h2").text_content() == "a.png"


def test_the_box_keeps_its_proportions(shop: Shop, save: Callable[..., str]) -> None:
    """Also when a handle is dragged beyond the picture."""
    uploads, _ = shop
    open_editor(uploads, save("a.png", pattern((400, 300))))
    uploads.root.get_by_label("Proportions").select_option("16:9")
    assert uploads.root.locator(".ik-crop").get_attribute("aria-label") == f"Crop box: 400 {X} 225 at 0, 38"
    corner = uploads.root.locator(".ik-handle-se").bounding_box()
    assert corner is not None
    uploads.page.mouse.move(corner["x"] + 12, corner["y"] + 12)
    uploads.page.mouse.down()
    uploads.page.mouse.move(corner["x"] - 200, corner["y"] - 50, steps=4)
    uploads.page.mouse.move(corner["x"] + 900, corner["y"] + 900, steps=4)
    uploads.page.mouse.up()
    assert uploads.root.locator(".ik-crop").get_attribute("aria-label") == f"Crop box: 400 {X} 225 at 0, 38"


def test_fingers_have_handles_of_44_pixels(
    chromium: Browser, bridge: Bridge, stub: Stub, save: Callable[..., str]
) -> None:
    """Which reach over the border of the picture."""
    assert stub.rows == {}
    context = chromium.new_context(viewport={"width": 390, "height": 760}, is_mobile=True, has_touch=True)
    page = context.new_page()
    page.goto(bridge.url)
    page.wait_for_selector("html[data-ready]", state="attached")
    uploads = Uploads(page, bridge)
    uploads.choose([save("a.png", pattern((400, 300)))])
    uploads.button("Actions for a.png").click()
    uploads.root.get_by_role("menuitem", name="Preview").click()
    uploads.button("Crop and rotate").click()
    box = uploads.root.locator(".ik-handle-nw").bounding_box()
    context.close()
    assert box is not None
    assert (round(box["width"]), round(box["height"])) == (44, 44)


def test_moving_on_applies_what_was_changed(shop: Shop, save: Callable[..., str]) -> None:
    """As it saves what was typed; Escape discards it."""
    uploads, _ = shop
    uploads.choose([save("a.png"), save("b.png")])
    uploads.wait_rows(2)
    uploads.row("a.png").dblclick()
    uploads.button("Crop and rotate").click()
    crop(uploads, 5, 6, 20, 10)
    uploads.button("Next file").click()
    uploads.button("Crop and rotate").click()
    crop(uploads, 0, 0, 9, 9)
    uploads.page.keyboard.press("Escape")
    uploads.root.locator(".ik-picture-editor").wait_for(state="detached")
    uploads.button("Close").click()
    uploads.row("a.png").get_by_text(f"Cropped 20 {X} 10").wait_for()
    assert uploads.row("b.png").get_by_text("Cropped").count() == 0


# Sending


@pytest.mark.parametrize("fault", ["store-then-cut", "reset-after", "reset-middle", "cut-answer"])
def test_an_interrupted_upload_is_stored_once(
    upload_page: Open, emulate: Emulate, save: Callable[..., str], fault: str
) -> None:
    """A retry sends the same bytes, or finds them in the library."""
    emulator = emulate(faults={fault: 0.6}, seed=4)
    uploads, uploader = upload_page(emulator.account, allow="Failed|ERR_", **OPTIONS)
    open_editor(uploads, save("a.jpg", pattern((300, 200))))
    crop(uploads, 5, 6, 200, 100)
    apply(uploads)
    size = uploader.frame["size"].iloc[0]
    uploads.button("Upload 1 file").click()
    uploads.wait_idle()
    for _ in range(20):
        uploads.page.wait_for_function("() => !document.querySelector('.ik-group-busy:not([hidden])')")
        if uploader.results["ik_status"].tolist()[0] in ("uploaded", "exists"):
            break
        uploader.retry()
        uploads.page.wait_for_timeout(100)
    stored = ikpipe.files(emulator.account)
    assert stored["size"].tolist() == [size]


def test_a_killed_request_is_sent_again_with_the_same_bytes(
    upload_page: Open, emulate: Emulate, save: Callable[..., str]
) -> None:
    """Also after a reload: the picture is made anew from the file that is chosen again."""
    emulator = emulate()
    uploads, uploader = upload_page(emulator.account, allow="Failed|ERR_", **OPTIONS)
    path = save("a.jpg", pattern((300, 200)))
    open_editor(uploads, path)
    crop(uploads, 5, 6, 200, 100)
    apply(uploads)
    size = uploader.frame["size"].iloc[0]
    uploads.page.route(f"{emulator.account.upload_url}*", lambda route: route.abort())
    uploads.button("Upload 1 file").click()
    uploads.wait_idle()
    assert uploader.results["ik_status"].tolist()[0] not in ("uploaded", "exists")
    uploads.page.unroute_all()
    uploads.page.reload()
    uploads.page.wait_for_selector("html[data-ready]", state="attached")
    uploads.wait_rows(1)
    with uploads.page.expect_file_chooser() as chooser:
        uploads.root.locator(".ik-notice").get_by_role("button", name="Choose again").click()
    chooser.value.set_files([path])
    uploads.row("a.jpg").get_by_text(f"Cropped 200 {X} 100").wait_for()
    uploader.retry()
    uploader.send()
    uploads.wait_uploaded(1)
    assert ikpipe.files(emulator.account)["size"].tolist() == [size]


CHOOSER = """content => {
    window.showOpenFilePicker = async () => {
        const folder = await navigator.storage.getDirectory();
        const handle = await folder.getFileHandle("kept.png", { create: true });
        if ((await handle.getFile()).size) return [handle];
        const stream = await handle.createWritable();
        await stream.write(new Uint8Array(content));
        await stream.close();
        return [handle];
    };
}"""


@pytest.mark.usefixtures("own_page")
def test_a_kept_file_is_still_cropped_after_a_reload(upload_page: Open, emulator: Emulator, page: Page) -> None:
    """The browser gives the original back; it is recognized by the original's size, and cropped again."""
    buffer = io.BytesIO()
    pattern().save(buffer, "PNG")
    page.add_init_script(f"({CHOOSER})({[*buffer.getvalue()]})")
    uploads, uploader = upload_page(emulator.account, folder="/kept", keep_files=True, **OPTIONS)
    uploads.root.get_by_role("button", name="Add files").locator("visible=true").click()
    uploads.row("kept.png").dblclick()
    uploads.button("Crop and rotate").click()
    crop(uploads, 5, 6, 20, 10)
    apply(uploads)
    uploads.page.reload()
    uploads.page.wait_for_selector("html[data-ready]", state="attached")
    uploads.row("kept.png").get_by_text("Ready").wait_for()
    assert send(uploads, uploader).convert("RGB").tobytes() == pattern().crop((5, 6, 25, 16)).tobytes()


def test_another_browser_makes_other_bytes(upload_page: Open, emulate: Emulate, save: Callable[..., str]) -> None:
    """They are not sent under the old size: they are announced, and uploaded once."""
    emulator = emulate()
    uploads, uploader = upload_page(emulator.account, **OPTIONS)
    path = save("a.jpg", pattern((300, 200)))
    open_editor(uploads, path)
    crop(uploads, 5, 6, 200, 100)
    apply(uploads)
    before = uploader.frame["size"].iloc[0]
    uploads.page.reload()
    uploads.page.wait_for_selector("html[data-ready]", state="attached")
    uploads.evaluate(
        """() => {
            const own = HTMLCanvasElement.prototype.toBlob;
            HTMLCanvasElement.prototype.toBlob = function (take, type) { own.call(this, take, type, 0.4); };
        }"""
    )
    uploads.wait_rows(1)
    with uploads.page.expect_file_chooser() as chooser:
        uploads.root.locator(".ik-notice").get_by_role("button", name="Choose again").click()
    chooser.value.set_files([path])
    uploads.root.locator(".ik-notice").wait_for(state="hidden")
    uploads.button("Upload 1 file").click()
    uploads.wait_uploaded(1)
    [size] = ikpipe.files(emulator.account)["size"]
    assert size == uploader.results["ik_size"].iloc[0] < before


def test_a_row_of_a_kernel_that_was_restarted_stays_cropped(
    upload_page: Open, emulator: Emulator, save: Callable[..., str]
) -> None:
    """The page tells the new kernel."""
    uploads, uploader = upload_page(emulator.account, folder="/restarted", **OPTIONS)
    open_editor(uploads, save("a.png"))
    crop(uploads, 5, 6, 20, 10)
    apply(uploads)
    size = uploader.frame["size"].iloc[0]

    def start() -> ikpipe.Uploader:
        from page_comm import Comm

        fresh = ikpipe.Uploader(emulator.account, folder="/restarted", **OPTIONS)
        Comm(uploads.bridge, fresh)
        return fresh

    fresh = uploads.restart(start)
    uploads.button("Resume").click()
    uploads.row("a.png").get_by_text(f"Cropped 20 {X} 10").wait_for()
    assert fresh.frame["size"].tolist() == [size]
    assert send(uploads, fresh).size == (20, 10)


def test_one_bitmap_at_a_time(shop: Shop, save: Callable[..., str]) -> None:
    """Several edited pictures that are uploaded together are not decoded together."""
    uploads, uploader = shop
    uploads.choose([save(f"{at}.png") for at in range(4)])
    uploads.wait_rows(4)
    uploads.row("0.png").dblclick()
    for _ in range(4):
        uploads.button("Crop and rotate").click()
        crop(uploads, 0, 0, 20, 10)
        uploads.button("Apply").click()
        uploads.root.locator(".ik-picture-editor").wait_for(state="detached")
        uploads.page.keyboard.press("ArrowRight")
    uploads.button("Close").click()
    uploads.evaluate(
        """() => {
            const make = createImageBitmap;
            window.open = 0; window.most = 0;
            window.createImageBitmap = async (...values) => {
                window.open += 1; window.most = Math.max(window.most, window.open);
                const bitmap = await make(...values);
                const close = bitmap.close.bind(bitmap);
                bitmap.close = () => { window.open -= 1; close(); };
                return bitmap;
            };
            for (const queue of globalThis[Symbol.for("ikpipe.uploader.queues")]) queue.pictures.kept.clear();
        }"""
    )
    uploads.button("Upload 4 files").click()
    uploads.wait_uploaded(4)
    assert uploads.evaluate("() => [window.open, window.most]") == [0, 1]
    assert uploader.results["ik_width"].tolist() == [20] * 4


# What cannot be edited


def gif(path: Path) -> None:
    """Write an animation."""
    frames = [Image.new("P", (8, 8), at) for at in range(3)]
    frames[0].save(path, save_all=True, append_images=frames[1:])


def animated_png(path: Path) -> None:
    """Write an animated PNG."""
    pattern().save(path, "PNG", save_all=True, append_images=[Image.new("RGB", SIZE)])


def animated_webp(path: Path) -> None:
    """Write an animated WebP."""
    pattern().save(path, "WEBP", save_all=True, append_images=[Image.new("RGB", SIZE)])


def huge_png(path: Path) -> None:
    """Write the beginning of a picture of 100 megapixels."""
    buffer = io.BytesIO()
    pattern().save(buffer, "PNG")
    content = bytearray(buffer.getvalue())
    content[16:24] = struct.pack(">II", 10_000, 10_000)
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("name", "write", "why"),
    [
        ("a.gif", gif, "Animated images"),
        ("a.png", animated_png, "Animated images"),
        ("a.webp", animated_webp, "Animated images"),
        ("a.svg", lambda path: path.write_text("<svg xmlns='http://www.w3.org/2000/svg'/>"), "Only JPEG, PNG and WebP"),
        ("a.heic", lambda path: path.write_bytes(b"\0\0\0\x18ftypheic" + bytes(40)), "Only JPEG, PNG and WebP"),
        ("b.png", huge_png, "too large to crop or rotate in the browser (max. 64 megapixels)"),
    ],
    ids=["gif", "png", "webp", "svg", "heic", "100 MP"],
)
def test_what_cannot_be_edited_says_why(shop: Shop, tmp_path: Path, name: str, write: Any, why: str) -> None:
    """Instead of a button."""
    uploads, _ = shop
    write(tmp_path / name)
    open_preview(uploads, str(tmp_path / name))
    uploads.root.locator(".ik-preview").get_by_text(why).wait_for()
    assert uploads.button("Crop and rotate").is_hidden()


def test_a_broken_picture_is_no_error(shop: Shop, tmp_path: Path, save: Callable[..., str]) -> None:
    """The button says that the browser cannot read it."""
    uploads, _ = shop
    (tmp_path / "broken.png").write_bytes(Path(save("whole.png")).read_bytes()[:60])
    open_preview(uploads, str(tmp_path / "broken.png"))
    uploads.button("Crop and rotate").click()
    uploads.root.get_by_text("The browser can't read this image").locator("visible=true").first.wait_for()


def test_the_colors_of_printing_are_said_to_be_converted(shop: Shop, save: Callable[..., str]) -> None:
    """A CMYK picture becomes an RGB one."""
    uploads, uploader = shop
    open_editor(uploads, save("a.jpg", pattern().convert("CMYK")))
    uploads.root.get_by_text("colors of printing (CMYK)").wait_for()
    crop(uploads, 0, 0, 20, 10)
    apply(uploads)
    assert send(uploads, uploader).mode == "RGB"


def test_files_of_python_are_not_edited(upload_page: Open, emulator: Emulator, save: Callable[..., str]) -> None:
    """Python sends them as they are, with and without the uploader."""
    frame = pd.DataFrame({"file": [save("a.png")]})
    uploads, _ = upload_page(emulator.account, frame)
    uploads.row("a.png").dblclick()
    uploads.root.locator(".ik-preview").get_by_text("Only images that you add in the browser").wait_for()
    assert uploads.button("Crop and rotate").is_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_the_editor(shop: Shop, save: Callable[..., str], scheme: Any) -> None:
    """In both themes, wide and narrow."""
    uploads, _ = shop
    open_editor(uploads, save("a.png", pattern((400, 300))))
    uploads.page.emulate_media(color_scheme=scheme)
    uploads.page.locator(f'[data-ik-theme="{scheme}"]').wait_for()
    for width in (1000, 360):
        uploads.page.set_viewport_size({"width": width, "height": 720})
        assert violations(uploads) == []


# The calculation of areas

ROUND_TRIPS = """source => {
    const { areaAfter, areaBefore, flip, turnRight, turnedSize } = new Function(`
        ${source}; return { areaAfter, areaBefore, flip, turnRight, turnedSize };`)();
    const size = [40, 30], area = [4, 6, 8, 10], wrong = [];
    const none = { mirror: false, turn: 0, crop: null, resize: null };
    for (const flips of [0, 1]) for (const turns of [0, 1, 2, 3]) for (const crop of [null, [1, 2, 24, 26]]) {
        let edits = { ...none };
        for (let n = 0; n < flips; n += 1) edits = flip(edits, size);
        for (let n = 0; n < turns; n += 1) edits = turnRight(edits, size);
        const [width, height] = turnedSize(edits, size);
        edits = { ...edits, crop: crop && [0, 0, width, height].map((side, at) => at < 2 ? 0 : side) };
        for (const resize of [null, [width * 2, height * 2]]) {
            const all = { ...edits, resize };
            const back = areaBefore(areaAfter(area, all, size), all, size);
            if (String(back) !== String(area)) wrong.push([all, back]);
        }
    }
    return wrong;
}"""


def test_an_area_returns_to_where_it_was(page: Page) -> None:
    """For each rotation, reflection and scale."""
    source = (Path(assets.__file__).parent / "static" / "picture.js").read_text("utf-8")
    script = re.sub(r"^import .*$|^export ", "", source, flags=re.MULTILINE)
    assert page.evaluate(ROUND_TRIPS, script) == []
