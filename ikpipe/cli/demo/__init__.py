"""`ikpipe demo`: check a shop's catalog, upload it to an emulator, and write the results, all on this machine.

`image_server` serves the pictures.
"""

import os
import shlex
import shutil
import sys
import textwrap
from base64 import b64encode
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TextIO
from urllib.request import OpenerDirector, ProxyHandler, build_opener

import pandas as pd

import ikpipe
from ikpipe.cli.demo.image_server import image_server
from ikpipe.concurrency.temporary import LockedFolder
from ikpipe.errors import CODES
from ikpipe.frames.io.opening import import_extra
from ikpipe.frames.io.reading import read_table
from ikpipe.run.progress import format_bytes

FIELDS: dict[str, dict[str, Any]] = {"brand": {}, "color": {}, "price": {"type": "Number", "minValue": 0}}
"""The custom metadata fields of the catalog: name → the parts of its schema that its cells do not determine."""

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
"""How the columns of the catalog become upload parameters."""

EXPECTED = {"uploaded": 17, "invalid": 4, "failed": 2}
"""Number of rows by status; `ORIGINS.md` in the catalog's folder says which rows are wrong, and why."""

_SLOW_FILES = {"slow-archive-scan.jpg"}
_URL_TIMEOUT = 2.0  # seconds; ImageKit waits 8 s, which is long for a demo


def run(output: Path) -> int:
    """Run the demo.

    Parameters
    ----------
    output
        Folder for `results.csv` and `results.html`; it is created if it does not exist.

    Returns
    -------
    int
        0 if every row has the expected status, else 1.

    Raises
    ------
    MissingExtra
        The emulator's dependencies are not installed.
    """
    emulator = import_extra("ikpipe.emulator", "emulator", "The demo")
    data, report = data_folder(), DemoReport(sys.stdout)
    with ExitStack() as stack:
        folder = stack.enter_context(LockedFolder()).path / "emulator"
        service = stack.enter_context(emulator.Emulator(folder, url_timeout=_URL_TIMEOUT, fetch_hosts=("127.0.0.1",)))
        images = stack.enter_context(image_server(data, slow=_SLOW_FILES))
        report.start(images, service.url)
        catalog = read_table(data / "catalog.csv")
        # Fields must exist before an upload fills them.
        ikpipe.create_metadata_fields(catalog, service.account, columns=FIELDS.keys(), schemas=FIELDS, dry_run=False)
        catalog["image_url"] = f"{images}/" + catalog["picture"]
        report.problems(catalog, ikpipe.check(catalog, service.account, **MAPPING))
        results = ikpipe.upload(catalog, service.account, **MAPPING)
        report.summary(results)
        output.mkdir(parents=True, exist_ok=True)
        shutil.copytree(data, output / "catalog", dirs_exist_ok=True)
        ikpipe.write_results(results, output / "results.csv")
        # Without links, since the emulator stops with the demo.
        gallery = ikpipe.gallery(results.assign(ik_url=None), label="title")
        gallery.save(output / "results.html", title="Uploaded prints", pictures=thumbnails(results))
    report.end(output)
    return 0 if has_expected_results(results) else 1


def data_folder() -> Path:
    """Return the folder of the catalog: next to this file if installed from a wheel, otherwise below `notebooks`."""
    installed = Path(__file__).with_name("data")
    return installed if installed.is_dir() else Path(__file__).parents[3] / "notebooks" / "data"


def has_expected_results(results: pd.DataFrame) -> bool:
    """Whether the numbers of rows by status are as expected."""
    return results["ik_status"].value_counts().to_dict() == EXPECTED


def thumbnails(results: pd.DataFrame) -> dict[str, str]:
    """Return the thumbnails of the uploaded images: URL → content as a data URI."""
    urls = results.loc[results["ik_file_type"] == "image", "ik_thumbnail_url"]
    opener = build_opener(ProxyHandler({}))  # a proxy cannot reach this machine's loopback
    return {url: _data_uri(opener, url) for url in urls}


def _data_uri(opener: OpenerDirector, url: str) -> str:
    with opener.open(url, timeout=30) as reply:
        return f"data:{reply.headers.get_content_type()};base64,{b64encode(reply.read()).decode()}"


def _shell_path(path: Path) -> str:
    """Return the path as it is typed in a shell in the current folder."""
    folder = Path.cwd()
    return shlex.quote(str(path.relative_to(folder) if path.is_relative_to(folder) else path))


class DemoReport:
    """The report of the demo, as plain text that is wrapped to the terminal."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._width = min(shutil.get_terminal_size((100, 24)).columns, 120)
        self._bold = "\x1b[1m{}\x1b[0m" if stream.isatty() and not os.environ.get("NO_COLOR") else "{}"

    def start(self, images: str, emulator: str) -> None:
        """Print the addresses of the two local servers."""
        self._heading("Upload a shop's catalog to a media library", "nothing leaves this machine")
        self._print(f"  The shop's images      {images}\n  The ImageKit emulator  {emulator}")

    def problems(self, catalog: pd.DataFrame, problems: pd.DataFrame) -> None:
        """Print the errors that `check` found; warnings do not stop an upload."""
        problems = problems[problems["severity"] == "error"]
        self._heading("Check", f"{len(catalog)} rows, {len(problems)} problems found before anything is sent")
        self._rows(catalog["sku"].iloc[problems["position"]], problems["message"] + " " + problems["fix"])
        self._heading("Upload", "the rows without problems; the shop's server is slow for one of them")

    def summary(self, results: pd.DataFrame) -> None:
        """Print the number of rows by status, and the rows that the service rejected."""
        counts, stored = results["ik_status"].value_counts(), results["ik_size"].sum()
        statuses = ", ".join(f"{count} {status}" for status, count in counts.items())
        self._heading("Results", f"{statuses}; {format_bytes(stored)} stored")
        failed = results[results["ik_status"] == "failed"]
        self._rows(failed["sku"], failed["ik_message"] + " " + failed["ik_error"].map(lambda code: CODES[code].fix))

    def end(self, output: Path) -> None:
        """Print the names of the files, and three commands to try next."""
        folder, table = _shell_path(output / "catalog"), _shell_path(output / "catalog" / "catalog.csv")
        self._heading("Files", "open results.html in a browser")
        self._print(f"  {_shell_path(output / 'results.html')}  the uploaded images")
        self._print(f"  {_shell_path(output / 'results.csv')}   the catalog with results as columns")
        self._print(f"  {folder}/      the catalog and its pictures, to try things with")
        self._heading("Try next", "check or upload the catalog yourself, or start an emulator")
        self._print(f"  ikpipe check {table} --map file=picture --map tags=category,season --root {folder}")
        self._print(f"  ikpipe upload {table} -o again.csv --map file=picture --root {folder} --emulator")
        self._print("  ikpipe emulator")

    def _heading(self, title: str, text: str) -> None:
        self._print(f"\n{self._bold.format(title)}: {text}\n")

    def _rows(self, labels: Iterable[str], texts: Iterable[str]) -> None:
        """Print a label and a text for each row, wrapped."""
        for label, text in zip(labels, texts, strict=True):
            indent = " " * (len(label) + 4)
            self._print(textwrap.fill(f"  {label}  {' '.join(text.split())}", self._width, subsequent_indent=indent))

    def _print(self, text: str) -> None:
        print(text, file=self._stream, flush=True)
