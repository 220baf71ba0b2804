"""What a content editor does with the uploader, in any place that shows it: by names that a person reads."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

import httpx
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Locator, Page

    from ikpipe.emulator import Emulator

PICTURES = 40
STORED = PICTURES - 3
"""Two are not uploaded, and one is deleted afterwards."""
RENAMED = "hero.png"
CROPPED = "shoe_10.png"
BOX = {"Width": 30, "Height": 20, "x": 5, "y": 6}
"""What it is cropped to."""
COPY = "copy of shoe 01.png"
LARGE = 200_000  # bytes
LIMIT = 100_000  # bytes that the account's plan allows
FIELDS: list[dict[str, Any]] = [
    {"name": "brand", "label": "Brand", "schema": {"type": "SingleSelect", "selectOptions": ["Adidas", "Nike"]}},
    {"name": "price", "label": "Price (EUR)", "schema": {"type": "Number", "minValue": 0, "maxValue": 10_000}},
]
OPTIONS: dict[str, Any] = {"folder": "/shop", "use_unique_file_name": False, "name": "Autumn campaign"}
"""What the uploader of the scenario is created with."""


def prepare(emulator: Emulator) -> dict[str, Any]:
    """Create the metadata fields, and return the settings of an account whose plan has a limit."""
    account = emulator.account
    for field in FIELDS:
        url = f"{account.api_url}/v1/customMetadataFields"
        httpx.post(url, json=field, auth=(str(account.key()), "")).raise_for_status()
    keys = {"public_key": account.public_key, "private_key": str(account.key()), "max_file_size": LIMIT}
    addresses = {"upload_url": account.upload_url, "api_url": account.api_url, "url_endpoint": account.url_endpoint}
    return {**keys, **addresses}


def gradient() -> Image.Image:
    """Return a picture whose pixels are all different."""
    image = Image.new("RGB", (64, 48))
    image.putdata([(x * 4, y * 5, x + y) for y in range(48) for x in range(64)])
    return image


def make_folder(place: Path, picture: Callable[..., bytes]) -> Path:
    """Create a folder with a space in its name, and 40 pictures, of which 3 are bad, and a copy of one."""
    folder = place / "Autumn campaign"
    folder.mkdir()
    contents = {f"shoe {at:02}.png": picture(at * 6, size=(64, 48)) for at in range(1, PICTURES - 2)}
    contents |= {"empty.png": b"", "poster.png": bytes(LARGE), "shoe_07.png": picture(3, size=(48, 64))}
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    gradient().save(folder / CROPPED.replace("_", " "))
    assert len(contents) == PICTURES
    (folder / COPY).write_bytes(contents["shoe 01.png"])
    return folder


class ContentEditor:
    """A person who has not read any documentation. `root` is the uploader."""

    def __init__(self, page: Page, root: Locator) -> None:
        self.page, self.root = page, root

    def see(self, text: str) -> None:
        """Wait until a text can be read."""
        self.root.get_by_text(text).locator("visible=true").first.wait_for()

    def press(self, name: str | re.Pattern[str]) -> None:
        """Press the button of a name."""
        self.root.get_by_role("button", name=name).locator("visible=true").first.click()

    def choose_folder(self, button: str, folder: Path) -> None:
        """Choose a folder by a button."""
        with self.page.expect_file_chooser() as chooser:
            self.press(button)
        chooser.value.set_files(str(folder))

    def select_all(self) -> None:
        """Select all files by the keyboard."""
        self.root.get_by_role("row").nth(1).locator("[role=gridcell]").first.click()
        self.page.keyboard.press("Control+a")

    def fill(self, label: str, text: str) -> None:
        """Type into a field, and leave it."""
        field = self.root.get_by_label(label, exact=True)
        field.fill(text)
        field.press("Tab")

    def open_editor(self) -> None:
        """Open the panel in which files are edited."""
        self.root.get_by_role("button", name="Edit", exact=True).locator("visible=true").first.click()
        self.root.get_by_label("Tags", exact=True).wait_for()

    def close_editor(self) -> None:
        """Close the panel."""
        self.root.get_by_role("region", name="Edit").get_by_role("button", name="Close").click()

    def add(self, folder: Path) -> None:
        """Add the folder, and see what is wrong with three files."""
        self.choose_folder("Add folder", folder)
        self.see("Needs attention")
        self.root.get_by_role("button", name="Needs attention 3").wait_for()
        self.root.get_by_role("button", name=f"All {PICTURES + 1}").wait_for()

    def skip_duplicates(self) -> None:
        """Leave out the file that has the content of another one."""
        duplicates = self.root.get_by_role("list", name="Duplicates")
        self.see("Same content as another file in this list")
        duplicates.get_by_role("button", name="Skip", exact=True).first.click()
        self.root.get_by_role("button", name=f"All {PICTURES}", exact=True).wait_for()

    def describe(self) -> None:
        """Give all files a tag, a brand and a price; a price that is not allowed is explained by its label."""
        self.select_all()
        self.open_editor()
        self.root.get_by_label("Tags", exact=True).press_sequentially("autumn")
        self.root.get_by_label("Tags", exact=True).press("Enter")
        self.root.get_by_label("Brand", exact=True).select_option("Adidas")
        self.fill("Price (EUR)", "-5")
        self.see("Price (EUR) must be between 0 and 10,000.")
        self.fill("Price (EUR)", "49.5")
        self.root.get_by_role("button", name="Needs attention 3").wait_for()
        self.close_editor()

    def rename(self, name: str, new: str) -> None:
        """Give one file another name."""
        self.search(name)
        self.row(name).click()
        self.open_editor()
        field = self.root.get_by_label("Name", exact=True)
        # the extension is a part of the field, or is kept next to it
        self.fill("Name", new if field.input_value().endswith(".png") else new.removesuffix(".png"))
        self.row(new).wait_for()
        self.close_editor()
        self.search("")

    def crop(self, name: str) -> None:
        """Crop one picture by numbers, and see what was done."""
        self.search(name)
        self.row(name).hover()
        self.press(f"Preview {name}")
        self.press("Crop and rotate")
        fields = self.root.get_by_role("group", name="Crop", exact=True)
        for label, number in BOX.items():
            fields.get_by_label(label).fill(str(number))
            fields.get_by_label(label).press("Tab")
        self.press("Apply")
        self.see(f"Cropped {BOX['Width']} \N{MULTIPLICATION SIGN} {BOX['Height']}")
        self.root.get_by_role("dialog").get_by_role("button", name="Close").click()
        self.search("")

    def search(self, text: str) -> None:
        """Show only files with a text."""
        self.root.get_by_role("searchbox").fill(text)

    def row(self, name: str) -> Locator:
        """Find the row of a file."""
        return self.root.get_by_role("row").filter(has=self.page.get_by_text(name, exact=True))

    def solve(self) -> None:
        """Look at the three files with problems: remove two, and take the suggested name of the third."""
        self.press("Needs attention")
        self.see("This file is empty (0 bytes).")
        self.see("Too large for your ImageKit plan (max. 100 kB).")
        self.see("Another file in this list already has this name.")
        for name in ("empty.png", "poster.png"):
            self.row(name).hover()
            self.press(f"Remove {name}")
            self.row(name).wait_for(state="detached")
        self.row("shoe_07.png").get_by_role("button", name="Needs attention").click()
        self.root.get_by_role("dialog").get_by_role("button", name="Change to").click()
        self.root.get_by_role("button", name="Needs attention 1", exact=True).wait_for(state="hidden")

    def work(self, folder: Path, reload: Callable[[int], None]) -> None:
        """Bring a folder into the library, with two reloads of the page, which has a number of rows then."""
        self.add(folder)
        self.skip_duplicates()
        self.describe()
        self.rename("shoe_20.png", RENAMED)
        self.crop(CROPPED)
        reload(PICTURES)
        self.choose_again(folder)
        self.solve()
        self.send()
        self.root.get_by_role("button", name="Uploaded").first.wait_for()
        reload(PICTURES - 2)
        self.finish(folder, PICTURES - 2)
        self.delete("shoe_05.png")
        self.press("Copy all links")
        self.see(f"{STORED} copied")

    def delete(self, name: str) -> None:
        """Delete a file from the library after its upload."""
        self.search(name)
        self.row(name).hover()
        self.press(f"Delete {name} from your library")
        self.root.get_by_role("alertdialog").get_by_role("button", name="Delete 1 file").click()
        self.row(name).get_by_text("Deleted").wait_for()
        self.search("")

    def choose_again(self, folder: Path) -> None:
        """Choose the folder again if the page asks for it."""
        ask = self.root.get_by_role("button", name="Choose folder").locator("visible=true")
        if ask.count():
            self.choose_folder("Choose folder", folder)
            ask.wait_for(state="detached")

    def finish(self, folder: Path, count: int) -> None:
        """Do what the page asks for until all files are uploaded."""
        done = self.root.get_by_role("button", name=f"Uploaded {count}", exact=True)
        for _ in range(120):
            if done.is_visible():
                return
            self.choose_again(folder)
            upload = self.root.get_by_role("button", name=re.compile(r"^Upload \d+ files?$")).locator("visible=true")
            if upload.count():
                upload.first.click()
            self.page.wait_for_timeout(500)
        raise AssertionError(f"not all of {count} files are uploaded")

    def send(self) -> None:
        """Upload all files that are ready."""
        self.press(re.compile(r"^Upload \d+ files$"))


def check_stored(emulator: Emulator) -> None:
    """Check that all files but the removed and the deleted ones are stored once, with tag and metadata."""
    account = emulator.account
    url = f"{account.api_url}/v1/files?limit=1000"
    stored = httpx.get(url, auth=(str(account.key()), "")).raise_for_status().json()
    assert len(stored) == STORED
    assert len({file["filePath"] for file in stored}) == STORED
    assert {file["filePath"].rpartition("/")[0] for file in stored} == {"/shop/Autumn_campaign"}
    assert {*map(str, (file["tags"] for file in stored))} == {"['autumn']"}
    assert all(file["customMetadata"] == {"brand": "Adidas", "price": 49.5} for file in stored)
    [cropped] = [file for file in stored if file["name"] == CROPPED]
    image = Image.open(io.BytesIO(httpx.get(cropped["url"]).raise_for_status().content)).convert("RGB")
    box = BOX["x"], BOX["y"], BOX["x"] + BOX["Width"], BOX["y"] + BOX["Height"]
    assert (image.size, image.tobytes()) == ((BOX["Width"], BOX["Height"]), gradient().crop(box).tobytes())
    names = {file["name"] for file in stored}
    assert RENAMED in names
    assert {"shoe_20.png", "shoe_05.png"}.isdisjoint(names)
