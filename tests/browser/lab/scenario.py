"""What all places have in common: an account, files to pick, drop and paste, and what must have arrived."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pandas as pd
from doubles import uploads_of
from rows import sha

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from screens import Screen

    from ikpipe.emulator import Emulator

TAGS = ["lab", "picked"]
METADATA = {"brand": "Acme"}

# The cells of a notebook; `account.json` is beside it, so that no key is in it.
ACCOUNT = """import json, ikpipe
account = ikpipe.Account(**json.load(open("{name}")))"""
UPLOADER = f"""uploader = ikpipe.Uploader(account, folder="/in", tags={TAGS!r}, custom_metadata={METADATA!r})
uploader"""
# Where no kernel can be asked, what the results are is written down whenever they change.
WATCHED = """
def write(change):
    columns = ["ik_status", "ik_file_path", "ik_size", "ik_tags", "ik_custom_metadata"]
    text = change["new"][columns].to_json(orient="records")
    path = __import__("pathlib").Path("{name}.part")
    path.write_text(text)
    path.replace("{name}")

uploader.observe(write, names="results")
"""


def prepared(emulator: Emulator, folder: Path, name: str) -> str:
    """Make the account's metadata fields, and write its keys beside the notebook; gives the cell that reads them."""
    account = emulator.account
    fields = pd.DataFrame({"brand": ["Acme"], "color": ["red"], "price": [9.5]})
    ikpipe.create_metadata_fields(fields, account, columns=[*fields], dry_run=False)
    keys = {"public_key": account.public_key, "private_key": account.private_key, "url_endpoint": account.url_endpoint}
    addresses = {"upload_url": account.upload_url, "api_url": account.api_url}
    (folder / name).write_text(json.dumps(keys | addresses))
    return ACCOUNT.format(name=name)


class Files:
    """Files on this person's computer: three to pick (their names have spaces), a folder to drop, a picture."""

    def __init__(self, folder: Path, picture: Callable[..., bytes]) -> None:
        self.picked = [folder / f"picked {number}.png" for number in range(3)]
        self.folder = folder / "trip"
        self.dropped = [self.folder / "day1" / "a.png", self.folder / "day2" / "b.png", self.folder / "c.png"]
        self.pasted = picture(99, size=(20, 10))
        for number, path in enumerate([*self.picked, *self.dropped]):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(picture(number))

    @property
    def expected(self) -> dict[str, str]:
        """Give what must be stored, by path in the library: SHA-256. The pasted picture has a name of its own."""
        names = [f"/in/{path.name.replace(' ', '_')}" for path in self.picked]  # as they are sent
        names += [f"/in/{path.relative_to(self.folder.parent).as_posix()}" for path in self.dropped]
        return dict(zip(names, (sha(path.read_bytes()) for path in [*self.picked, *self.dropped]), strict=True))

    def bring(self, screen: Screen) -> None:
        """Pick, drop and paste."""
        screen.pick(self.picked)
        screen.has("picked_2.png")
        screen.drop(self.folder)
        screen.has("b.png")
        screen.paste(self.pasted)
        screen.has("pasted-")


def stored(emulator: Emulator) -> list[dict[str, Any]]:
    """Give what the emulator has stored, an entry an upload."""
    return [entry for entry in uploads_of(emulator) if entry.get("stored")]


def check_arrived(emulator: Emulator, files: Files) -> None:
    """Hold that each file is stored once, whole, where it belongs, with tags and metadata."""
    entries = stored(emulator)
    by_hash = {entry["file"]["sha256"]: entry for entry in entries}
    assert len(entries) == len(by_hash) == 7
    for path, digest in files.expected.items():
        assert plain(by_hash[digest]["fields"]) == path
    for entry in entries:
        assert entry["fields"]["tags"].split(",") == TAGS
        assert json.loads(entry["fields"]["customMetadata"]) == METADATA
        assert entry["authorization"] is False
    pasted = next(entry for entry in entries if "/pasted-" in plain(entry["fields"]))
    assert pasted["fields"]["fileName"].endswith(".png")


def plain(fields: dict[str, str]) -> str:
    """Give where a file is stored, without what makes its name unique."""
    stem, _, ending = fields["fileName"].rpartition(".")
    return f"/{fields['folder'].strip('/')}/{stem.rpartition('_')[0]}.{ending}"


def complete(path: Path) -> list[dict[str, Any]] | None:
    """Read the results that were written down, once they are complete."""
    rows: list[dict[str, Any]] = json.loads(path.read_text()) if path.exists() else []
    return rows if len(rows) == 7 else None


def check_results(rows: Iterable[dict[str, Any]]) -> None:
    """Hold that results have all of it, too."""
    rows = list(rows)
    assert [row["ik_status"] for row in rows] == ["uploaded"] * 7
    assert all(row["ik_tags"] == TAGS and row["ik_custom_metadata"] == METADATA for row in rows)
