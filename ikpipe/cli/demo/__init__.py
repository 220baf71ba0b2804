"""`ikpipe demo`: a shop's catalogue is checked, uploaded to an emulator, and answered, all on this machine."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import textwrap
from base64 import b64encode
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO
from urllib.request import OpenerDirector, ProxyHandler, build_opener

import ikpipe
from ikpipe.cli.demo.shop import origin
from ikpipe.errors import CODES
from ikpipe.frames.io.opening import needed
from ikpipe.frames.io.reading import read_table
from ikpipe.run.progress import size

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

FIELDS: dict[str, dict[str, Any]] = {"brand": {}, "color": {}, "price": {"type": "Number", "minValue": 0}}
"""The custom metadata fields that the catalogue fills: name → what its schema has besides what its cells say."""

MAPPING: dict[str, Any] = {
    "columns": {
        "file": "image_url",
        "tags": ["category", "season"],
        "custom_metadata": list(FIELDS),
        "is_private_file": "private",
    },
    "file_name": "{sku}-{picture}",
    "folder": "/prints/{brand}/",
    "use_unique_file_name": False,
    "response_fields": "tags,isPrivateFile,customMetadata,embeddedMetadata",
}
"""How the catalogue's columns become upload parameters."""

EXPECTED = {"uploaded": 17, "invalid": 4, "failed": 2}
"""What becomes of the catalogue's rows; the folder's `ORIGINS.md` says which go wrong, and why."""

_SLOW = {"slow-archive-scan.jpg"}
_PATIENCE = 2.0  # seconds, where the service waits 8: nobody likes to wait for a demo


def run(output: Path, *, stream: TextIO | None = None, progress: bool = True) -> int:
    """Run the demo.

    Parameters
    ----------
    output
        Folder for `results.csv` and `results.html`; it is made where it is missing.
    stream
        Where the story is told; None is standard output.
    progress
        Whether the upload's progress is drawn, on standard error.

    Returns
    -------
    int
        0 when each row ended as it should, else 1.

    Raises
    ------
    MissingExtra
        The emulator's dependencies are not installed.
    """
    emulator = needed("ikpipe.emulator", "emulator", "The demo")
    data, told = data_folder(), DemoResult(stream or sys.stdout)
    with ExitStack() as stack:
        service = stack.enter_context(emulator.Emulator(url_timeout=_PATIENCE, fetch_hosts=("127.0.0.1",)))
        shop = stack.enter_context(origin(data, slow=_SLOW))
        told.beginning(shop, service.url)
        catalogue = read_table(data / "catalogue.csv")
        # Fields must exist before an upload fills them.
        ikpipe.create_metadata_fields(catalogue, service.account, columns=FIELDS.keys(), schemas=FIELDS, dry_run=False)
        catalogue["image_url"] = shop + "/" + catalogue["picture"]
        told.problems(catalogue, ikpipe.check(catalogue, service.account, **MAPPING))
        results = ikpipe.upload(catalogue, service.account, progress=progress, **MAPPING)
        told.summary(results)
        output.mkdir(parents=True, exist_ok=True)
        ikpipe.write_results(results, output / "results.csv")
        # Without links: the service ends with the demo.
        gallery = ikpipe.gallery(results.assign(ik_url=None), label="title")
        page = gallery.document("Prints, uploaded", pictures(results))
        (output / "results.html").write_text(page, "utf-8")
    told.end(output, data)
    return 0 if went_well(results) else 1


def data_folder() -> Path:
    """Find the catalogue: in an installed wheel beside this file, in a clone among the notebooks."""
    installed = Path(__file__).with_name("data")
    return installed if installed.is_dir() else Path(__file__).parents[3] / "notebooks" / "data"


def went_well(results: pd.DataFrame) -> bool:
    """Tell whether as many rows ended in each way as the catalogue was made for."""
    return results["ik_status"].value_counts().to_dict() == EXPECTED


def pictures(results: pd.DataFrame) -> dict[str, str]:
    """Fetch the thumbnails of the images that are up: each one's URL → its content as a data URI."""
    urls = results.loc[results["ik_file_type"] == "image", "ik_thumbnail_url"]
    opener = build_opener(ProxyHandler({}))  # no proxy finds this machine's loopback
    return {url: _data_uri(opener, url) for url in urls}


def _data_uri(opener: OpenerDirector, url: str) -> str:
    with opener.open(url, timeout=30) as reply:
        return f"data:{reply.headers.get_content_type()};base64,{b64encode(reply.read()).decode()}"


def _typed(path: Path) -> str:
    """Write the path as one would type it here."""
    here = Path.cwd()
    return shlex.quote(str(path.relative_to(here) if path.is_relative_to(here) else path))


class DemoResult:
    """What the demo says, in plain text that fits the terminal."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._width = min(shutil.get_terminal_size((100, 24)).columns, 120)
        self._bold = "\x1b[1m{}\x1b[0m" if stream.isatty() and not os.environ.get("NO_COLOR") else "{}"

    def beginning(self, shop: str, service: str) -> None:
        """Say what is running, and that nothing leaves this machine."""
        self._head("A shop's catalogue becomes a media library", "nothing leaves this machine")
        self._say(f"  the shop's pictures  {shop}\n  ImageKit, emulated   {service}")

    def problems(self, catalogue: pd.DataFrame, found: pd.DataFrame) -> None:
        """Set out the errors that `check` found; warnings stop no row."""
        found = found[found["severity"] == "error"]
        self._head("check", f"{len(catalogue)} rows, {len(found)} problems, found before anything is sent")
        self._rows(catalogue["sku"].iloc[found["position"]], found["message"] + "; " + found["fix"])
        self._head("upload", "the rows without a problem; the shop's server is slow with one")

    def summary(self, results: pd.DataFrame) -> None:
        """Count the statuses, and set out the rows that the service refused."""
        counts, stored = results["ik_status"].value_counts(), results["ik_size"].sum()
        said = ", ".join(f"{count} {status}" for status, count in counts.items())
        self._head("results", f"{said}; {size(stored)} stored")
        refused = results[results["ik_status"] == "failed"]
        self._rows(refused["sku"], refused["ik_message"] + " " + refused["ik_error"].map(lambda code: CODES[code].fix))

    def end(self, output: Path, data: Path) -> None:
        """Name the files, and three lines to try next."""
        folder, table = _typed(data), _typed(data / "catalogue.csv")
        self._head("written", "two files")
        self._say(f"  {_typed(output / 'results.html')}  the pictures; open it in a browser")
        self._say(f"  {_typed(output / 'results.csv')}   the catalogue, with results as columns")
        self._head("Try next", "check, upload from this folder, or keep an emulator running")
        self._say(f"  ikpipe check {table} --map file=picture --map tags=category,season --root {folder}")
        self._say(f"  ikpipe upload {table} -o again.csv --map file=picture --root {folder} --emulator")
        self._say("  ikpipe emulator")

    def _head(self, title: str, text: str) -> None:
        self._say(f"\n{self._bold.format(title)}: {text}\n")

    def _rows(self, labels: Iterable[str], texts: Iterable[str]) -> None:
        """Name each row, and what is to be said of it, on as many lines as that takes."""
        for label, text in zip(labels, texts, strict=True):
            indent = " " * (len(label) + 4)
            self._say(textwrap.fill(f"  {label}  {' '.join(text.split())}", self._width, subsequent_indent=indent))

    def _say(self, text: str) -> None:
        print(text, file=self._stream, flush=True)
