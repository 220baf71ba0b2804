"""The log of a command: in a file or on standard error, as text or JSON, without secrets."""

from __future__ import annotations

import csv
import json
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from shell import variables

import ikpipe
from ikpipe.errors.events import EVENTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Ikp, Table

    from ikpipe.emulator import Emulator

SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "log.schema.json").read_text(encoding="utf-8"))
SECRET = "s3cr3tOfABucket"
NAMED = ("--map", "file=picture", "--set", "file_name={sku}.png")
DATED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (DEBUG|INFO|WARNING|ERROR) \S|    ")


def lines(path: str = "run.log") -> list[dict[str, Any]]:
    """Return the lines of a log in JSON, each of which must follow the schema."""
    validator = jsonschema.Draft202012Validator(SCHEMA)
    read = [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]
    for line in read:
        validator.validate(line)
    return read


def presigned(site: str, rows: int) -> str:
    """Write a table of presigned URLs, and return its path."""
    with Path("presigned.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["sku", "picture"])
        writer.writerows([f"a{at}", f"{site}/{at}.jpg?X-Amz-Signature={SECRET}"] for at in range(rows))
    return "presigned.csv"


@pytest.fixture
def service(emulate: Callable[..., Emulator], sign_in: Callable[[Emulator], None]) -> Emulator:
    """Return an emulator with faults, whose account is in the environment."""
    emulator = emulate(faults=dict.fromkeys(("429", "store-then-cut", "5xx", "reset-before"), 0.2), seed=3, index_lag=0)
    sign_in(emulator)
    return emulator


def test_a_run_with_faults_is_logged(ikp: Ikp, table: Table, service: Emulator) -> None:
    """Each line follows the schema, from the start of the run to its end."""
    options = ("--log-file", "run.log", "--log-format", "json", "-vv", "--policy", "first_wait=0.01")
    ikp("upload", table(8), "-o", "out.csv", *NAMED, *options, "--policy", "index_lag=0")
    events = [line["event"] for line in lines()]
    assert {"journal", "mapping", "run_started", "attempt", "response", "retry", "row_ended", "run_ended"} <= {*events}
    (end,) = [line for line in lines() if line["event"] == "run_ended"]
    assert sum(end["counts"].values()) == end["rows"] == 8
    assert len({line["run"] for line in lines() if "run" in line}) == 1
    assert service.fired


@pytest.mark.parametrize("form", ["json", "text"])
def test_no_secret_is_logged(form: str, ikp: Ikp, service: Emulator) -> None:
    """Neither the key nor what opens a bucket's file, at the lowest level, though each row fails."""
    table = presigned("http://127.0.0.1:9", 4)
    options = ("--fetch", "client", "--fetch-host", "127.0.0.1:9", "--log-format", form, "--log-file", "run.log", "-vv")
    ran = ikp("upload", table, "-o", "out.csv", *NAMED, *options, "-q", "--policy", "first_wait=0.01")
    text = Path("run.log").read_text() + ran.err
    assert "attempt 2" in text
    assert SECRET not in text
    assert variables(service)["IMAGEKIT_PRIVATE_KEY"] not in text
    assert "eyJ" not in text


@pytest.mark.usefixtures("service")
@pytest.mark.parametrize(
    "words", [("upload", "-o", "out.csv", "--fetch", "client", "--retries", "0"), ("check", "--probe")]
)
def test_no_secret_is_shown(words: tuple[str, ...], ikp: Ikp) -> None:
    """What a command says of its rows is kept by cron and CI as a log is."""
    command, *options = words
    ran = ikp(
        command, presigned("http://user:pa55word@127.0.0.1:9", 2), *NAMED, *options, "--fetch-host", "127.0.0.1:9"
    )
    assert "http://***@127.0.0.1:9/0.jpg?***" in ran.err
    assert SECRET not in ran.err
    assert "pa55word" not in ran.err


@pytest.mark.usefixtures("signed_in")
def test_text_has_the_time_first(ikp: Ikp, table: Table) -> None:
    """Each line, in UTC, with the command's options instead of Python's names."""
    assert ikp("upload", table(1), "-o", "out.csv", *NAMED, "--log-file", "run.log").status == 0
    written = Path("run.log").read_text().splitlines()
    assert len(written) > 3
    assert [line for line in written if not DATED.match(line)] == []
    assert any("`ikpipe resume` finishes it" in line for line in written)


@pytest.mark.usefixtures("signed_in")
def test_a_log_is_appended_to_and_private(ikp: Ikp, table: Table) -> None:
    """A second run does not replace the log of the first one."""
    for name in ("a.csv", "b.csv"):
        ikp("upload", table(1), "-o", name, *NAMED, "--log-file", "run.log", "--log-format", "json")
    assert [line["event"] for line in lines()].count("run_started") == 2
    assert stat.S_IMODE(Path("run.log").stat().st_mode) == 0o600


@pytest.mark.usefixtures("signed_in")
def test_a_torn_line_is_ended_first(ikp: Ikp, table: Table) -> None:
    """The rest of a line that a full disk cut does not spoil the next one."""
    Path("run.log").write_text('{"v": 1, "ts')
    ikp("upload", table(1), "-o", "out.csv", *NAMED, "--log-file", "run.log", "--log-format", "json")
    Path("rest.log").write_text(Path("run.log").read_text().partition("\n")[2])
    assert lines("rest.log")[-1]["event"] == "run_ended"


@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("no/run.log", "No such file"),
        ("-", "Standard output is for data."),
        (".", "Is a directory"),
        ("out.csv", "is used by this command"),
    ],
)
def test_a_log_that_cannot_be_written_is_an_error(
    file: str, words: str, ikp: Ikp, table: Table, emulator: Emulator
) -> None:
    """Before anything is sent."""
    before = len(emulator.log())
    ran = ikp("upload", table(1), "-o", "out.csv", *NAMED, "--log-file", file)
    assert (ran.status, len(emulator.log())) == (2, before)
    assert words in ran.err
    assert "--log-file" in ran.err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.usefixtures("signed_in")
def test_a_full_disk_does_not_stop_a_run(ikp: Ikp, table: Table) -> None:
    """It is said once."""
    ran = ikp("upload", table(2), "-o", "out.csv", *NAMED, "--log-file", "/dev/full")
    assert ran.status == 0
    assert ran.err.count("The log file /dev/full cannot be written: No space left on device.") == 1


@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize(("option", "shown"), [("-v", True), ("-q", False)])
def test_standard_error_has_what_is_asked_for(*, option: str, shown: bool, ikp: Ikp, table: Table) -> None:
    """With -v how the run starts and ends; with -q nothing."""
    ran = ikp("upload", table(1), "-o", "out.csv", *NAMED, option)
    assert ("INFO The run has ended" in ran.err) == shown
    assert bool(ran.err) == shown


@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize("quiet", [(), ("-q",)])
def test_verbose_says_nothing_twice(quiet: tuple[str, ...], ikp: Ikp, table: Table) -> None:
    """What a command says by itself is not logged beside it; without that, the log has it."""
    ran = ikp("upload", table(2, picture=["missing.png", None]), "-o", "out.csv", *NAMED, "--root", ".", "-v", *quiet)
    told = [
        line for line in ran.err.splitlines() if not line.startswith("    ")
    ]  # the summary repeats problems by code
    for said in ("Mapping: ", ".ikjournal", 'is invalid(.*): There is no file "missing.png"'):
        assert len([line for line in told if re.search(said, line)]) == 1


def test_an_error_is_said_once_with_verbose(ikp: Ikp, table: Table) -> None:
    """Of a command that failed."""
    assert ikp("upload", table(1), "-o", "out.csv", *NAMED, "-v").err.count("No ImageKit account is set up.") == 1


def test_why_a_command_failed_is_in_its_log(ikp: Ikp, table: Table) -> None:
    """Though the run never started; standard error says it once."""
    ran = ikp("upload", table(1), "-o", "out.csv", *NAMED, "--log-file", "run.log", "--log-format", "json")
    assert ran.err.count("IMAGEKIT_PUBLIC_KEY") <= 1
    assert [(line["event"], line["level"]) for line in lines()] == [("command_failed", "ERROR")]


def test_every_event_is_logged_somewhere() -> None:
    """A table of events that never come would be searched for in vain."""
    source = "".join(path.read_text(encoding="utf-8") for path in Path(ikpipe.__file__).parent.rglob("*.py"))
    known = source.partition("EVENTS: ")[2].partition("FIELDS")[0]
    assert [name for name in EVENTS if source.count(f'"{name}"') - known.count(f'"{name}"') < 1] == []


def test_no_presigned_query_is_printed(ikp: Ikp, emulate: Callable[..., Emulator], sign_in: Any) -> None:
    """Neither in the summary nor in the line about the first row that failed."""
    sign_in(emulate())
    url = "http://127.0.0.1:9/a.png?X-Amz-Signature=5ecre7&v=1"
    Path("in.csv").write_text(f"file\n{url}\n", encoding="utf-8")
    ran = ikp("upload", "in.csv", "-o", "out.csv", "--fetch", "client", "--summary", "s.json", "--html", "s.html")
    assert ran.status == 1
    assert "127.0.0.1:9/a.png" in ran.err
    assert "5ecre7" not in "".join([ran.err, Path("s.json").read_text(), Path("s.html").read_text()])
