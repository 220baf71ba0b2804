"""Record the moving pictures of the README: ``python docs/films.py``. All that they show is real, on an emulator.

``docs/upload.webp`` is a terminal with the main job, ``docs/uploader.webp`` the uploader in the system's Chromium.
"""  # noqa: INP001 - a script

import io
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests"))

import pandas as pd  # noqa: E402
from bridge import Bridge  # noqa: E402
from browsing import browser, profile  # noqa: E402
from driver import Uploads  # noqa: E402
from page_comm import Comm  # noqa: E402

import ikpipe  # noqa: E402
from ikpipe.emulator import Emulator  # noqa: E402

FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf"
WIDTH, LINES, SIZE = 100, 24, 15  # characters, lines, and the font's pixels
DATA = HERE.parent / "notebooks" / "data"
Film = list[tuple[Image.Image, int]]
"""Frames, and how many milliseconds each is shown."""


def save(film: Film, name: str) -> None:
    """Write a film as an animated picture."""
    frames, times = [frame for frame, _ in film], [time for _, time in film]
    path = HERE / name
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=times, loop=0, quality=70, method=6)
    sys.stdout.write(f"{path.name}: {len(film)} frames, {path.stat().st_size / 1000:.0f} kB\n")


def terminal(text: str) -> Image.Image:
    """Return a terminal with the last lines of a text."""
    font = ImageFont.truetype(FONT, SIZE)
    image = Image.new("RGB", (WIDTH * 9 + 24, LINES * 20 + 24), "#1c1c1e")
    draw = ImageDraw.Draw(image)
    for at, line in enumerate(text.splitlines()[-LINES:]):
        draw.text((12, 12 + at * 20), line[:WIDTH], font=font, fill="#90caf9" if line.startswith("$") else "#e6e6e6")
    return image


def main_job(emulator: Emulator) -> Film:
    """Upload a table from a shell: look at it, check it, upload it, look at the results."""
    keys = {"IMAGEKIT_PUBLIC_KEY": emulator.public_key, "IMAGEKIT_PRIVATE_KEY": emulator.private_key}
    urls = {"IMAGEKIT_UPLOAD_URL": emulator.upload_url, "IMAGEKIT_API_URL": emulator.url, "COLUMNS": str(WIDTH)}
    with tempfile.TemporaryDirectory() as folder:
        pictures = ["astronaut.jpg", "bricks.jpg", "falcon-9.jpg", "missing.jpg"]
        table = pd.DataFrame({"sku": ["A1", "A2", "A3", "A4"], "picture": pictures, "season": "autumn"})
        table.to_csv(f"{folder}/products.csv", index=False)
        mapping = f"--map file=picture --map tags=season --set 'file_name={{sku}}.jpg' --root '{DATA}'"
        shown = mapping.replace(str(DATA), "photos")
        commands = [
            ("cat products.csv",) * 2,
            (f"ikpipe check products.csv {mapping}", f"ikpipe check products.csv {shown}"),
            (
                f"ikpipe upload products.csv {mapping} -o results.csv",
                f"ikpipe upload products.csv {shown} -o results.csv",
            ),
            ("cut -d, -f1-3,4,5,9 results.csv",) * 2,
        ]
        film: Film = []
        text = ""
        environment = {
            **os.environ,
            **keys,
            **urls,
            "HOME": folder,
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        }
        for command, typed in commands:
            for end in range(0, len(typed), 6):
                film.append((terminal(f"{text}$ {typed[:end]}▏"), 60))
            done = subprocess.run(  # noqa: S602 - our own commands
                command, shell=True, cwd=folder, env=environment, capture_output=True, text=True, check=False
            )
            text += f"$ {typed}\n{(done.stdout + done.stderr).replace(str(DATA), 'photos').replace(folder, '.')}\n"
            film.append((terminal(text), 2500))
    return film


def uploader(emulator: Emulator) -> Film:
    """Pick pictures, describe them, crop one, upload them, and see the results."""
    film: Film = []
    names = ["astronaut.jpg", "bricks.jpg", "falcon-9.jpg", "espresso.webp"]
    with Bridge() as bridge, browser() as chromium:
        widget: Any = ikpipe.Uploader(emulator.account, folder="/autumn", name="Autumn campaign")
        Comm(bridge, widget)
        page = profile(chromium, {"width": 900, "height": 520}).new_page()
        page.goto(bridge.url)
        uploads = Uploads(page, bridge)
        uploads.button("Add files").wait_for()

        def shoot(time: int) -> None:
            page.wait_for_timeout(500)
            film.append((Image.open(io.BytesIO(page.screenshot())).convert("RGB"), time))

        shoot(1200)
        uploads.choose([str(DATA / name) for name in names])
        uploads.wait_rows(len(names))
        shoot(1200)
        uploads.row("astronaut.jpg").click()
        page.keyboard.press("Control+a")
        uploads.button("Edit").click()
        shoot(1000)
        tags = uploads.root.get_by_placeholder("Add tags…")
        tags.fill("autumn")
        tags.press("Enter")
        shoot(1200)
        page.keyboard.press("Escape")
        uploads.button("Gallery").click()
        shoot(1400)
        uploads.button("Table").click()
        uploads.row("falcon-9.jpg").click()
        page.keyboard.press("Enter")
        shoot(1200)
        uploads.root.get_by_role("dialog").get_by_role("button", name="Crop and rotate").click()
        shoot(1600)
        page.keyboard.press("Escape")
        page.keyboard.press("Escape")
        uploads.button("Upload 4 files").click()
        page.wait_for_timeout(100)
        uploads.wait_uploaded(len(names))
        shoot(2500)
    return film


if __name__ == "__main__":
    with Emulator() as service:
        save(main_job(service), "upload.webp")
        save(uploader(service), "uploader.webp")
