"""`ikpipe upload`: a table in, results out, and how it is told."""

from __future__ import annotations

import io
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from shell import NAMED, variables

import ikpipe
from ikpipe.request.recovery import RESENDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from doubles import Site
    from shell import Ikp, Table

    from ikpipe.emulator import Emulator


@pytest.mark.usefixtures("signed_in")
def test_all_rows_up(ikp: Ikp, table: Table) -> None:
    """All rows up is status 0, and OUT has the table's columns as text beside the answers."""
    ran = ikp("upload", table(2), "-o", "out.csv", *NAMED)
    results = ikpipe.read_results("out.csv")
    assert ran.status == 0
    assert list(results["sku"]) == ["00000", "00001"]
    assert list(results["ik_status"]) == ["uploaded", "uploaded"]


@pytest.mark.usefixtures("signed_in")
def test_some_rows_not_up(ikp: Ikp, table: Table) -> None:
    """A row that breaks a rule is `invalid` in OUT, does not stop the others, and makes the status 1."""
    ran = ikp(
        "upload", table(3, picture=["", "ftp://x/y", "data:image/png;base64,iVBORw0KGgo="]), "-o", "o.csv", *NAMED
    )
    assert ran.status == 1
    assert list(ikpipe.read_results("o.csv")["ik_status"]) == ["invalid", "invalid", "uploaded"]


@pytest.mark.usefixtures("signed_in")
def test_summary(ikp: Ikp, table: Table, pictures: Callable[[int], list[str]]) -> None:
    """The summary counts, says of each code what to do, where the results are and what to type next."""
    ran = ikp("upload", table(2, picture=[*pictures(1), None]), "-o", "my out.csv", *NAMED)
    assert "1 of 2 rows uploaded" in ran.err
    assert "1 uploaded, 1 invalid" in ran.err
    assert "1 invalid, missing_file: The row has no file. Fill in the file" in ran.err
    assert "row 1 (line 3)  This row has no file." in ran.err
    assert "Results: my out.csv" in ran.err
    assert "ikpipe retry 'my out.csv' -o 'my out.csv' --map file=picture --set 'file_name={sku}.png'" in ran.err


@pytest.mark.usefixtures("signed_in")
def test_next_command_repeats_what_was_given(ikp: Ikp, table: Table) -> None:
    """The next command has the options of this one, and it works as it stands."""
    Path("pictures").mkdir()
    options = ("--root", "pictures", "--fetch", "client", "--concurrency", "2", "--rate", "50.0")
    ran = ikp("upload", table(1, picture=["lost.png"]), "-o", "o.csv", *NAMED, *options)
    command = shlex.split(ran.err.splitlines()[-1])
    assert " ".join(command[-8:]) == " ".join(options)
    assert ikp(*command[1:]).status == 1


@pytest.mark.usefixtures("signed_in")
def test_next_command_after_parquet(ikp: Ikp, table: Table) -> None:
    """Parquet keeps the mapping, so the next command need not repeat it."""
    ran = ikp("upload", table(1, picture=[""]), "-o", "o.parquet", *NAMED)
    assert ran.err.splitlines()[-1] == "  ikpipe retry o.parquet -o o.parquet"


@pytest.mark.usefixtures("signed_in")
def test_standard_output_is_data_alone(ikp: Ikp, table: Table) -> None:
    """With OUT `-` the results are CSV on standard output, and everything else is on standard error."""
    ran = ikp("upload", table(2), "-o", "-", *NAMED)
    assert list(pd.read_csv(io.StringIO(ran.out))["ik_status"]) == ["uploaded", "uploaded"]
    assert "2 of 2 rows uploaded" in ran.err


@pytest.mark.usefixtures("signed_in")
def test_failures_on_standard_output_ask_for_a_file(ikp: Ikp, table: Table) -> None:
    """Results that went to standard output cannot be retried: it is said how they could be."""
    assert "write the results to a file" in ikp("upload", table(1, picture=[""]), "-o", "-", *NAMED).err


@pytest.mark.usefixtures("signed_in")
def test_standard_input(ikp: Ikp, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """IN `-` is CSV on standard input."""
    content = Path(table(1)).read_bytes()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert ikp("upload", "-", "-o", "out.jsonl", *NAMED).status == 0


@pytest.mark.usefixtures("signed_in")
def test_quiet(ikp: Ikp, table: Table) -> None:
    """`--quiet` says nothing if all rows are done, and names the problems of the others in a line."""
    assert ikp("upload", table(1), "-o", "out.csv", "--quiet", *NAMED) == (0, "", "")
    ran = ikp("upload", table(2, picture=["missing.png", None]), "-o", "out.csv", "--quiet", *NAMED, "--root", ".")
    assert (ran.status, ran.out) == (1, "")
    assert ran.err == "ikpipe: warning: Some rows need attention: 1 file_not_found, 1 missing_file. See out.csv.\n"


@pytest.mark.usefixtures("signed_in")
def test_metadata_and_tags(ikp: Ikp, table: Table, arrived: Callable[[], list[dict[str, Any]]]) -> None:
    """Several columns become tags."""
    columns = {"cat": ["red"], "season": ["winter"]}
    ikp("upload", table(1, **columns), "-o", "out.csv", *NAMED, "--map", "tags=cat,season")
    assert arrived()[0]["fields"]["tags"] == "red,winter"


def test_unknown_rows_are_explained(ikp: Ikp, table: Table, emulate: Callable[..., Emulator], sign_in: Any) -> None:
    """Rows that may be stored are told apart, with what retry does and how to send them again."""
    sign_in(emulate(outage=503))
    ran = ikp(
        "upload", table(1), "-o", "out.csv", *NAMED, "--policy", "unique_names=service", "--policy", "first_wait=0.01"
    )
    assert ran.status == 3  # nothing was heard of the service
    assert "Retry searches the library first" in ran.err
    assert "--on-unknown resend sends them, which can store a file twice" in ran.err
    assert "--policy unique_names=service" in ran.err
    assert "--earlier-journal " in ran.err.partition("Next")[2]


def test_a_row_that_is_absent_has_failed(
    ikp: Ikp, table: Table, emulate: Callable[..., Emulator], sign_in: Any
) -> None:
    """`--policy` reaches the run: with a short lag, a look soon tells that nothing is stored."""
    sign_in(emulate(outage=503, outage_times=1 + RESENDS))
    ran = ikp("upload", table(1), "-o", "out.csv", *NAMED, "--policy", "index_lag=0.1", "--policy", "first_wait=0.01")
    assert (ran.status, ikpipe.read_results("out.csv")["ik_attempts"].tolist()) == (0, [2 + RESENDS])


@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        (("index_lag=soon",), "--policy index_lag=soon: this field takes a number"),
        (("index_lag=-1",), "index_lag"),
        (("unique_names=mine",), "must be one of 'client', 'service'"),
        (("idx_lag=1",), "no policy field 'idx_lag' (did you mean 'index_lag'?)"),
        (("index_lag=1", "index_lag=2"), "--policy index_lag is set twice"),
        (("index_lag",), "is not NAME=VALUE"),
    ],
)
def test_a_bad_policy(ikp: Ikp, table: Table, pairs: tuple[str, ...], words: str) -> None:
    """A belief that is none is status 2, before anything is sent."""
    ran = ikp("upload", table(1), "-o", "out.csv", *NAMED, *(word for pair in pairs for word in ("--policy", pair)))
    assert ran.status == 2
    assert words in ran.err


def test_refused_account(ikp: Ikp, table: Table, emulate: Callable[..., Emulator], sign_in: Any) -> None:
    """A refused account is status 3, OUT is written all the same, and the error comes last."""
    sign_in(emulate(account_disabled=True))
    ran = ikp("upload", table(2), "-o", "out.csv", *NAMED, "--concurrency", "1")
    assert ran.status == 3
    assert list(ikpipe.read_results("out.csv")["ik_status"]) == ["failed", "cancelled"]
    assert ran.err.splitlines()[-1].startswith("ikpipe: error: The run stopped and sent nothing more: ")


def test_private_key_stays_hidden(ikp: Ikp, table: Table, emulate: Callable[..., Emulator], sign_in: Any) -> None:
    """After a refused run neither stream nor OUT has the private key."""
    sign_in(emulate(account_disabled=True, private_key="private_do_not_show_me"))
    ran = ikp("upload", table(1), "-o", "out.csv", *NAMED)
    assert "do_not_show_me" not in ran.out + ran.err + Path("out.csv").read_text()


def test_no_account(ikp: Ikp, table: Table) -> None:
    """Without an account it is said, with the emulator's name, and nothing is written."""
    ran = ikp("upload", table(1), "-o", "out.csv", *NAMED)
    assert ran.status == 3
    assert "--emulator" in ran.err
    assert not Path("out.csv").exists()


def test_profile(ikp: Ikp, table: Table, emulator: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`--profile` takes the account from the user's configuration."""
    monkeypatch.setattr("platformdirs.user_config_path", lambda _name: tmp_path)
    names = {name.removeprefix("IMAGEKIT_").lower(): value for name, value in variables(emulator).items()}
    lines = ["[mine]", *(f'{name} = "{value}"' for name, value in names.items())]
    (tmp_path / "config.toml").write_text("\n".join(lines))
    assert ikp("upload", table(1), "-o", "out.csv", "--profile", "mine", *NAMED).status == 0


@pytest.mark.parametrize(
    ("out", "words"),
    [
        ("out.pdf", "one of .csv, .jsonl, .parquet, .xlsx"),
        ("missing/out.csv", "the folder missing does not exist"),
        ("folder.csv", "is a folder"),
        ("in.csv", "is the input, which is never overwritten"),
        ("linked.csv", "is the input, which is never overwritten"),
        ("locked/out.csv", "is not writable"),
    ],
)
@pytest.mark.usefixtures("signed_in")
def test_bad_out(
    ikp: Ikp, table: Table, arrived: Callable[[], list[Any]], monkeypatch: pytest.MonkeyPatch, out: str, words: str
) -> None:
    """An OUT that cannot be written is found before anything is sent."""
    source = table(1)
    Path("folder.csv").mkdir()
    Path("linked.csv").symlink_to(source)
    Path("locked").mkdir()
    # The tests may run as root, who may write anywhere.
    monkeypatch.setattr("os.access", lambda path, _mode: str(path) != "locked")
    ran = ikp("upload", source, "-o", out, *NAMED)
    assert ran.status == 2
    assert ran.err.startswith("ikpipe: error: ")
    assert words in ran.err
    assert arrived() == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--map", "file=pictur"], "--map file=pictur: The table has no column 'pictur' (did you mean 'picture'?)"),
        (["--map", "fil=picture"], "there is no upload parameter 'fil' (did you mean 'file'?)"),
        (["--map", "picture"], "'picture' is not NAME=VALUE"),
        (["--set", "progress=true"], "there is no upload parameter 'progress'"),
        (["--set", "folder=/{colour}/"], "The table has no column 'colour'"),
        (["--set", "is_published=perhaps"], "must be true or false"),
        (["--set", "token=x"], "The token cannot be set"),
        (["--root", "nowhere"], "--root nowhere: There is no such folder. Correct the path."),
        (["--concurrency", "0"], "'0' is not a whole number of at least 1"),
        (["--rate", "-1"], "is not a number above 0"),
        (["--rate", "fast"], "is not a number above 0"),
        (["--private-key", "x"], "unrecognized arguments: --private-key"),
        (["--profile", "a", "--emulator"], "not allowed with argument"),
    ],
)
@pytest.mark.usefixtures("signed_in")
def test_bad_options(ikp: Ikp, table: Table, options: list[str], words: str) -> None:
    """A wrong option is one line on standard error, status 2, and no OUT."""
    ran = ikp("upload", table(1), "-o", "out.csv", *options)
    assert (ran.status, ran.out) == (2, "")
    assert words in ran.err
    assert ran.err.count("\n") == 1
    assert not Path("out.csv").exists()


@pytest.mark.usefixtures("signed_in")
def test_missing_table(ikp: Ikp) -> None:
    """A table that is not there is one line and status 2."""
    assert ikp("upload", "nope.csv", "-o", "out.csv") == (
        2,
        "",
        "ikpipe: error: There is no file nope.csv. Correct the path.\n",
    )


@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize(
    ("words", "suggestion"),
    [
        (("Products.csv", "--root", "Bilder"), "There is no file Products.csv (did you mean 'products.csv'?)."),
        (("products.csv", "--root", "bilder"), "--root bilder: There is no such folder (did you mean 'Bilder'?)."),
        (("no/products.csv",), "There is no file no/products.csv (the folder no does not exist)."),
    ],
)
def test_a_similar_name_is_suggested(ikp: Ikp, words: tuple[str, ...], suggestion: str) -> None:
    """Case is the usual mistake, and what somebody types in another folder."""
    Path("products.csv").write_text("file\na.jpg\n")
    Path("Bilder").mkdir()
    assert suggestion in ikp("upload", *words, "-o", "out.csv").err


@pytest.mark.usefixtures("signed_in")
def test_bug_shows_its_traceback(ikp: Ikp, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody foresaw is not hidden behind one line."""
    monkeypatch.setattr("os.access", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        ikp("upload", table(1), "-o", "out.csv", *NAMED)


@pytest.mark.usefixtures("signed_in")
def test_hosts_to_download_from(ikp: Ikp, table: Table, site: Site) -> None:
    """`--fetch-host` allows a host that is not public; without it the row's message says how to allow it."""
    source = table(1, picture=[site.put("/intranet.png", b"page")])
    ran = ikp("upload", source, "-o", "o.csv", *NAMED, "--fetch", "client")
    assert ran.status == 1
    assert "with --fetch-host" in " ".join(ran.err.split())
    assert "fetch_hosts=['127.0.0.1']" in ikpipe.read_results("o.csv")["ik_message"][0]
    ran = ikp("upload", source, "-o", "o.csv", *NAMED, "--fetch", "client", "--fetch-host", "127.0.0.1")
    assert ran.status == 0


@pytest.mark.usefixtures("signed_in")
def test_hosts_are_repeated_in_the_next_command(ikp: Ikp, table: Table) -> None:
    """The next command allows what this one did: no file does."""
    ran = ikp(
        "upload", table(1, picture=[""]), "-o", "o.csv", *NAMED, "--fetch-host", "a.example", "--fetch-host", "::1"
    )
    assert "--fetch-host a.example --fetch-host ::1" in ran.err.splitlines()[-1]


@pytest.mark.usefixtures("signed_in")
def test_nobody_at_the_address(ikp: Ikp, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """Status 3, the address and the reason; OUT has every row."""
    nobody = "http://127.0.0.1:9/api/v2/files/upload"
    monkeypatch.setenv("IMAGEKIT_UPLOAD_URL", nobody)
    ran = ikp("upload", table(6), "-o", "out.csv", *NAMED, "--policy", "first_wait=0.01")
    assert ran.status == 3
    assert f"ImageKit gave no answer at {nobody}: ConnectError" in ran.err
    assert set(ikpipe.read_results("out.csv")["ik_status"]) <= {"failed", "cancelled"}


@pytest.mark.usefixtures("signed_in")
def test_max_failures(ikp: Ikp, table: Table) -> None:
    """Status 1, and the rows after them were not sent; the command to type next has the option too."""
    options = (*NAMED, "--set", "checks=what?", "--max-failures", "2", "--concurrency", "1")
    ran = ikp("upload", table(5), "-o", "out.csv", *options)
    assert ran.status == 1
    assert "The run stopped after 2 failures (--max-failures 2)" in ran.err
    assert "--max-failures 2" in ran.err.partition("Next")[2]
    assert list(ikpipe.read_results("out.csv")["ik_status"]) == [*["failed"] * 2, *["cancelled"] * 3]
