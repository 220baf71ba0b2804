"""Tables with random damage, commands with random options that read them, and what must hold whatever they are."""

from __future__ import annotations

import csv
import gzip
import io
import json
import logging
import random
import re
import shlex
import signal
import sys
import time
import unicodedata
import warnings
import zipfile
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from excel_files import CASES, Case
from table_files import TABLE_FILES

from ikpipe.cli import main
from ikpipe.frames.chunks import InMemoryTable
from ikpipe.frames.io.csv_style import CsvStyle
from ikpipe.frames.io.options import ReadOptions
from ikpipe.frames.io.reading import read_table
from ikpipe.frames.io.results import read_results, results_table
from ikpipe.frames.io.results_text import DTYPES, TextLayout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

BAD_INPUT = 2
SETTLED = ["uploaded", "exists", "accepted", "skipped", "unchanged", "updated", "duplicate"]
QUICK = ["--policy", "first_wait=0.001"]
SECONDS, MEGABYTES = 10, 300  # of processor time, and of memory, that a small file may take

PIECES = [
    *(b"\xef\xbb\xbf", b"\xff\xfe", b"\x1f\x8b", b"\0", b"\r", b"\n\n", b'"', b"\\", b",", b";", b"\t"),
    *(b"9" * 5_000, b"[" * 300, b"{", b"\\ud800", b"NaN", b"1e999", b"\x1e"),
]


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Return a content with some bytes changed, removed, repeated or added."""
    for _ in range(rng.randint(1, 4)):
        at, other = rng.randrange(len(content) + 1), rng.randrange(len(content) + 1)
        content = rng.choice(
            [
                content[:at] + bytes([rng.randrange(256)]) + content[at + 1 :],
                content[:at] + rng.choice(PIECES) + content[at:],
                content[:at] + content[at + rng.randint(1, 20) :],
                content[:at] + content[other : other + 20] + content[at:],
                content[:at],
            ]
        )
    return content


def flipped(content: bytes, rng: random.Random) -> bytes:
    """Return a content with a few bits changed."""
    changed = bytearray(content)
    for _ in range(rng.randint(1, 8) if changed else 0):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def repacked(content: bytes, rng: random.Random) -> bytes:
    """Return an archive with parts that are damaged, missing, repeated, renamed or in another order."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = [(part.filename, archive.read(part)) for part in archive.infolist()]
    except Exception:  # noqa: BLE001 - zipfile raises anything
        return damaged(content, rng)
    at = rng.randrange(len(parts))
    name, part = parts[at]
    changes: list[Callable[[], object]] = [
        lambda: parts.__setitem__(at, (name, damaged(part, rng))),
        lambda: parts.__setitem__(at, (name, flipped(part, rng))),
        lambda: parts.__setitem__(at, (rng.choice([name.upper(), name.replace("/", "\\"), f"/{name}", "x"]), part)),
        lambda: parts.pop(at),
        lambda: parts.append((name, damaged(part, rng))),
        lambda: parts.append(("xl/worksheets/sheet2.xml", part)),
        lambda: rng.shuffle(parts),
    ]
    for change in rng.sample(changes, rng.randint(1, 2)):
        with suppress(IndexError):
            change()
    stream = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(stream, "w", rng.choice([0, zipfile.ZIP_DEFLATED])) as archive:
        warnings.simplefilter("ignore")  # a name that is there twice
        for name, part in parts:
            archive.writestr(name, part)
    return rng.choice([b"", b"", b"", b"junk"]) + stream.getvalue()


def recoded(content: bytes, rng: random.Random) -> bytes:
    """Return a text in another encoding, or with other line ends or delimiters."""
    text = content.decode("utf-8", "replace")
    ends, marks = ("\r\n", "\n", "\r", "\x0b", "\x85", "\u2028"), (",", ";", "\t", "|", ":")
    return rng.choice(
        [
            lambda: text.encode(rng.choice(["utf-16", "utf-32", "utf-16-be", "utf-7", "utf-8-sig"])),
            lambda: text.encode(rng.choice(["cp1252", "cp932", "latin1", "cp037"]), "replace"),
            lambda: text.replace(rng.choice(ends[:2]), rng.choice(ends)).encode(),
            lambda: text.replace(rng.choice(marks), rng.choice(marks)).encode(),
            lambda: content + content,
            lambda: b"".join(rng.sample(lines := content.splitlines(keepends=True), len(lines))),
        ]
    )()


def packed(content: bytes, rng: random.Random) -> bytes:
    """Return a compressed content."""
    if rng.random() < 0.5:
        return gzip.compress(content)
    zstd: bytes = pa.compress(content, "zstd", asbytes=True)
    return zstd


def hurt(content: bytes, rng: random.Random) -> bytes:
    """Return a content with damage of a random kind."""
    if content.startswith(b"PK") and rng.random() < 0.8:
        return repacked(content, rng)
    return rng.choice([damaged, damaged, flipped, recoded, packed])(content, rng)


PICTURE = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
NAMES = [
    *(
        "file",
        "file",
        "file",
        "sku",
        "tags",
        "Tags",
        "folder",
        "file_name",
        "fileName",
        "isPrivateFile",
        "is_privat_file",
    ),
    *("custom_metadata.brand", "customMetadata", "custom_coordinates", "extensions", "webhook_url", "overwrite_file"),
    *("ik_status", "ik_tags", "ik_seconds", "ik_other", "", " ", "a b", "a,b", '"', "\x1b[31mred", "=1+1", "名前"),
    *("a|b", "row", "{x}", "price", "note", "note", "\ud800", "use_unique_file_name", "x" * 300, "0", "description"),
]
CELLS: list[Any] = [
    *(None, None, "", "x", "a.jpg", PICTURE, PICTURE, f" {PICTURE}", "https://shop.example/a.jpg", "007", 12.0, 7),
    *(2.0**53 + 2, 1e300, float("nan"), float("inf"), True, False, "true", "ja", "=cmd()", "\x1b]0;x\x07", "a\nb"),
    *("a\rb", "'", "NA", "None", "#N/A", "['a', 'b']", '["a", null]', '{"k": [1]}', "x" * 40_000, "1,5", "-0"),
    *("../../etc/passwd", "/etc/passwd", "file:///etc/passwd", "http://[", "\u202eabc", "\x00", "é", "e\u0301"),
    *(date(2026, 1, 2), datetime(2026, 1, 2, 3, 4), ["a", None], {"k": 1}, 10**30, "uploaded", "failed", "unknown"),  # noqa: DTZ001
]
STATUSES = ["uploaded", "failed", "unknown", "invalid", "cancelled", "accepted", None, "x", 7]


class Base(NamedTuple):
    """A table: its name, its content, the options to read it, and the names of its columns."""

    name: str
    content: bytes
    options: dict[str, Any]
    columns: list[str]


def generated(rng: random.Random) -> Base:
    """Return a table of random names and cells."""
    names = [rng.choice(NAMES) for _ in range(rng.randint(1, 6))]
    count = rng.choice([0, 1, 2, 3, 5, 8, 40, 600]) if rng.random() < 0.1 else rng.randint(0, 5)
    rows = [[rng.choice(STATUSES if name == "ik_status" else CELLS) for name in names] for _ in range(count)]
    if rng.random() < 0.5:  # a table that most programs would write
        names, rows = ["sku", "file", *names], [[at, PICTURE, *row] for at, row in enumerate(rows)]
    kind = rng.choice(["csv", "csv", "tsv", "jsonl", "json", "parquet", "xlsx"])
    return Base(f"table.{kind}", _WRITERS[kind](names, rows, rng), {}, names)


def _delimited(names: list[str], rows: list[list[Any]], rng: random.Random) -> bytes:
    text = io.StringIO()
    delimiter, end = rng.choice(",,,;\t|"), rng.choice(["\r\n", "\n"])
    csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=rng.choice([0, 1])).writerows([names, *rows])
    return text.getvalue().encode(rng.choice(["utf-8", "utf-8", "utf-8-sig", "utf-16"]), "replace")


def _json(names: list[str], rows: list[list[Any]], rng: random.Random) -> bytes:
    objects = [dict(zip(names, row, strict=True)) for row in rows]
    if rng.random() < 0.5:
        return json.dumps(objects, default=str, indent=rng.choice([None, 1])).encode()
    return "".join(json.dumps(one, default=str) + "\n" for one in objects).encode()


def _parquet(names: list[str], rows: list[list[Any]], rng: random.Random) -> bytes:
    columns = [[row[at] for row in rows] for at in range(len(names))]
    stream = io.BytesIO()
    table = pa.table(
        [_arrow(column, rng) for column in columns], [name.encode("utf-8", "replace").decode() for name in names]
    )
    pq.write_table(table, stream, compression=rng.choice(["snappy", "zstd", "none", "gzip"]))
    return stream.getvalue()


def _arrow(column: list[Any], rng: random.Random) -> pa.Array:
    """Return an Arrow column of cells that all have one type, or of their texts."""
    kind = rng.choice([str, int, float, bool, list, dict, datetime, None])
    if kind is not None:
        column = [cell if type(cell) is kind and cell != 10**30 else None for cell in column]
    else:
        column = [None if cell is None else str(cell) for cell in column]
    array = pa.array(column, from_pandas=False)
    if kind is str and rng.random() < 0.5:
        return array.cast(rng.choice([pa.large_string(), pa.string_view()])) if array.type == pa.string() else array
    return array.dictionary_encode() if kind is str and array.type == pa.string() else array


def _workbook(names: list[str], rows: list[list[Any]], _rng: random.Random) -> bytes:
    book, stream = openpyxl.Workbook(), io.BytesIO()
    sheet = book.active
    for row in [names, *rows]:
        sheet.append([_excel(cell) for cell in row])
    book.save(stream)
    return stream.getvalue()


def _excel(cell: Any) -> Any:
    if isinstance(cell, str):
        cell = cell.encode("utf-8", "replace").decode()
        return "".join(char for char in cell if char.isprintable() or char in "\n\t")[:30_000]
    return str(cell) if isinstance(cell, list | dict) else None if isinstance(cell, float) and cell - cell else cell


_WRITERS: dict[str, Callable[[list[str], list[list[Any]], random.Random], bytes]] = {
    "csv": _delimited,
    "tsv": _delimited,
    "jsonl": _json,
    "json": _json,
    "parquet": _parquet,
    "xlsx": _workbook,
}


def corpus() -> list[Base]:
    """Return the files of the corpus, also those in folders."""
    bases = []
    with TemporaryDirectory() as folder:
        for one in (*TABLE_FILES, *CASES):
            path = Path(folder, one.name)
            one.write(path)
            paths = [path] if path.is_file() else [found for found in path.rglob("*.parquet") if found.is_file()]
            columns = list(one.expected) if isinstance(one, Case) else one.columns
            bases += [Base(found.name, found.read_bytes(), dict(one.options), columns) for found in paths]
            path.rename(Path(folder, f".{len(bases)}"))
    return bases


FORMATS = ["csv", "tsv", "jsonl", "json", "ndjson", "parquet", "xlsx", "xlsm", "xls", "ods", "CSV", "txt", "nonesuch"]
ODD = {
    "delimiter": [";", "|", "tab", ",", " ", ";;", '"', "é", "0"],
    "encoding": ["windows-1252", "utf-16", "utf-16-le", "utf-32", "shift_jis", "utf-7", "cp037", "idna", "rot13", "x"],
    "sheet": ["1", "2", "Sheet1", "S", "0", "-1", "x"],
    "header_row": ["1", "2", "3", "9", "1048577"],
    "links": [True],
    "format": FORMATS,
}
TEMPLATES = [
    *(
        "{sku}.jpg",
        "{row:05d}.jpg",
        "{sku|slug}",
        "{file.stem}-{row}{file.ext}",
        "{note|default:x|upper}",
        "a/b",
        "{",
        "}",
    ),
    *(
        "{nonesuch}",
        "{price:.2f}",
        "{price:%Y}",
        "{0}",
        "{sku!r}",
        "{a|b}",
        "{sku:999999999}",
        "{sku|x}",
        "\x1b[2J",
        "",
    ),
]
MAPPING = [
    *("--map file=COLUMN", "--map tags=COLUMN,COLUMN", "--map folder=COLUMN", "--map file_name=COLUMN"),
    *("--map custom_metadata=COLUMN", "--map custom_metadata.x=COLUMN", "--map overwrite_file=COLUMN"),
    *(
        "--set file_name=TEMPLATE",
        "--set folder=TEMPLATE",
        "--set custom_metadata.brand=TEMPLATE",
        "--set tags=TEMPLATE",
    ),
    *("--set COLUMN=TEMPLATE", "--path TEMPLATE", "--path /p/TEMPLATE", "--ignore COLUMN", "--file-kind base64"),
    *("--root .", "--root ..", "--root nonesuch", "--tag-separator ;", "--tag-separator ab", "--tag-separator \n"),
    *("--decimal ,", "--true ja", "--false \x07", "--fetch-host [", "--fetch-host 10.0.0.0/8"),
]
"""Options; random names take the place of the words in capital letters."""


class Run(NamedTuple):
    """A command to run, the options about reading in it, and standard input."""

    words: list[str]
    options: dict[str, Any]
    stdin: bytes = b""

    @property
    def out(self) -> str:
        """The file for the results; empty if there is none."""
        return self.words[self.words.index("-o") + 1] if "-o" in self.words else ""


class FuzzCase:
    """A damaged table and the command that reads it, which follow from the seed and the number of the case.

    Parameters
    ----------
    seed, number
        They decide everything.
    bases
        The corpus.
    """

    def __init__(self, seed: str, number: int, bases: Sequence[Base]) -> None:
        self.seed, self.number = seed, number
        self._rng = rng = random.Random(f"{seed}/{number}")  # noqa: S311 - the same case each time
        name, content, options, columns = rng.choice(bases) if rng.random() < 0.6 else generated(rng)
        self._whole = content
        for _ in range(rng.choice([0, 0, 1, 1, 2])):
            content = hurt(content, rng)
        if rng.random() < 0.15:
            name = f"{Path(name).stem}.{rng.choice(FORMATS)}{rng.choice(['', '', '.gz', '.zst'])}"
        self.name, self.content = name, content
        self.options = self._odd(options)
        ignored = ["--ignore", "file"] if "file" in columns and rng.random() < 0.5 else []
        self.mapping = [*ignored, "--set", f"file={PICTURE}"] if rng.random() < 0.7 else []
        names = {"COLUMN": [*columns * 9, *NAMES], "TEMPLATE": TEMPLATES}
        for option in rng.sample(MAPPING, rng.choice([0, 0, 0, 1, 1, 2])):
            name, _, text = option.partition(" ")
            self.mapping += [name, re.sub("COLUMN|TEMPLATE", lambda word: rng.choice(names[word[0]]), text)]
        self.out = rng.choice(["r.csv", "r.csv", "r.jsonl", "r.parquet", "r.xlsx", "-"])
        style = rng.choice([[], [], [], ["--spreadsheet-safe"], ["--for-excel"]])
        self.writing = style if self.out.endswith("csv") else []

    def _odd(self, options: dict[str, Any]) -> dict[str, Any]:
        if self._rng.random() < 0.2:
            names = self._rng.sample(list(ODD), self._rng.randint(1, 2))
            options = {**options, **{name: self._rng.choice(ODD[name]) for name in names}}
        return {name: value for name, value in options.items() if self._rng.random() < 0.9}

    def run(self) -> list[str]:
        """Write the table into the current folder, run its commands, and return them with their exit statuses."""
        Path(self.name).write_bytes(self.content)
        return [f"{words[0]} {status}" for words, status in self._statuses()]

    def _statuses(self) -> Iterator[tuple[list[str], int]]:
        rng = self._rng
        command = rng.choice(["check", "check", "upload", "upload", "upload", "retry"])
        piped = rng.random() < 0.1
        if piped:
            self.options.setdefault("format", Path(self.name).suffix[1:] or "csv")
        out = [] if command == "check" and rng.random() < 0.5 else ["-o", self.out, *self.writing]
        sending = [] if command == "check" else [*QUICK, "--quiet", "--journal", "journal"]
        if sending and rng.random() < 0.03:
            sending.append("--emulator")
        source = "-" if piped else self._folder() if rng.random() < 0.3 else self.name
        words = [command, source, *out, *_words(self.options), *self.mapping, *sending]
        status = self._run(Run(words, self.options, self.content if piped else b""))
        yield words, status
        if command != "upload" or status >= BAD_INPUT or self.out == "-":
            return
        if rng.random() < 0.5:
            Path(self.out).write_bytes(hurt(Path(self.out).read_bytes(), rng))
        safe = ["--spreadsheet-safe"] if self.out.endswith("csv") and rng.random() < 0.3 else []
        words = ["retry", self.out, "-o", f"again{Path(self.out).suffix}", *safe, *QUICK]
        yield words, self._run(Run(words, {}))

    def _folder(self) -> str:
        """Return the name of a folder with the file as one part if it is Parquet, else that of the file."""
        if not self.name.endswith(".parquet"):
            return self.name
        Path("folder").mkdir()
        Path("folder/a.parquet").write_bytes(self.content)
        Path("folder/b.parquet").write_bytes(self._whole)
        return "folder"

    def _run(self, run: Run) -> int:
        """Run a command; an exception says how to repeat it."""
        try:
            return run_checked(run)
        except BaseException as error:
            again = f"FUZZ_SEED={self.seed} FUZZ_CASE={self.number}"
            error.add_note(f"{again}, in {Path.cwd()}: ikpipe {shlex.join(run.words)}")
            raise


def _words(options: dict[str, Any]) -> list[str]:
    """Return options about reading as words."""
    named = {f"--{name.replace('_', '-')}": value for name, value in options.items()}
    return [f"{name}={value}" if value is not True else name for name, value in named.items()]


class OverdueError(BaseException):
    """A command takes too long; nothing that catches exceptions catches it."""


@contextmanager
def _limited(seconds: int) -> Iterator[None]:
    """Raise an error after some seconds, on systems with such a clock."""

    def stop(_number: int, _frame: object) -> None:
        raise OverdueError

    if not hasattr(signal, "SIGALRM"):
        yield
        return
    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _as_new_process(stdin: bytes, out: io.TextIOWrapper, err: io.TextIOWrapper) -> Iterator[None]:
    """Replace standard streams, and let messages of the log go where a new process sends them."""
    handlers, logging.root.handlers = logging.root.handlers, []
    before, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(stdin))
    try:
        with redirect_stdout(out), redirect_stderr(err):
            yield
    finally:
        logging.root.handlers, sys.stdin = handlers, before


def _memory(of: str) -> float:
    """Return the megabytes that this process has (`VmRSS`) or had at most (`VmHWM`), where Linux tells it."""
    with suppress(OSError):
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(of))
    return 0


def run_checked(run: Run) -> int:
    """Run a command in this process, check what holds for every command, and return the exit status."""
    files = _files()
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the most memory counts from now
    resident, began = _memory("VmRSS"), time.process_time()
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with warnings.catch_warnings(record=True) as warned, _as_new_process(run.stdin, out, err), _limited(120):
        warnings.simplefilter("always")
        status = main(run.words)
    spent, grown = time.process_time() - began, _memory("VmHWM") - resident
    assert spent < SECONDS, f"it took {spent:.1f} s of processor time"
    assert grown < MEGABYTES, f"it took {grown:.0f} MB"
    assert not warned, [str(one.message) for one in warned]
    said, printed = (cast("io.BytesIO", one.buffer).getvalue() for one in (err, out))
    _check_messages(said.decode(), status)
    assert _files() - files <= ({"journal", run.out} if status < BAD_INPUT else {"journal"})
    if status < BAD_INPUT and run.words[0] != "check":
        _check_rows(run, printed, status)
    return status


def _files() -> set[str]:
    """Return the names of the files in the current folder; a journal has several."""
    return {path.name.partition("-")[0] for path in Path().iterdir()}


def _check_messages(said: str, status: int) -> None:
    """Check that messages cannot steer a terminal, are not Python's, and that one says why nothing was done."""
    kinds = {char: unicodedata.category(char) for char in set(said) - set("\n\u200c\u200d")}
    assert not [char for char, kind in kinds.items() if kind in ("Cc", "Cf", "Cs", "Zl", "Zp")], repr(said)
    assert "Traceback" not in said, said
    assert status in range(BAD_INPUT + 2), said
    assert said.count("ikpipe: error: ") == (status >= BAD_INPUT), said
    assert status < BAD_INPUT or said.splitlines()[-1].startswith("ikpipe: error: "), said


def _check_rows(run: Run, printed: bytes, status: int) -> None:
    """Check that the results have the rows and columns of the table, and that the exit status is theirs."""
    if run.out == "-":
        Path("printed.csv").write_bytes(printed)
    options = {name: int(value) if name == "header_row" else value for name, value in run.options.items()}
    read = read_table if run.words[0] == "upload" else results_table
    source: Any = io.BytesIO(run.stdin) if run.words[1] == "-" else run.words[1]
    given, found = read(source, ReadOptions(**options)), read_results("printed.csv" if run.out == "-" else run.out)
    assert len(found) == len(given)
    assert (status == 0) == bool(found["ik_status"].isin(SETTLED).all()), found["ik_status"].tolist()
    if not {"--spreadsheet-safe", "--for-excel"} & set(run.words) and not run.out.endswith(".xlsx"):
        assert _texts(found) == _texts(given)


def _texts(frame: pd.DataFrame) -> list[str]:
    """Return the rows of a table as CSV, without the columns of a run; ``12.0`` is ``12``."""
    own = frame.loc[:, [name not in DTYPES for name in frame.columns]].reset_index(drop=True)
    chunk = next(InMemoryTable(own, len(own) + 1, sys.maxsize).chunks())
    text = TextLayout.of(chunk, index=False).csv_text(chunk.frame, CsvStyle())
    return re.sub(r"(\d)\.0(?=[,\n\]}])", r"\1", text).splitlines()
