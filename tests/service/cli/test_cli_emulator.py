"""`--emulator` and `ikpipe emulator`: the service on this machine."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from shell import NAMED

import ikpipe
from ikpipe.cli.temporary_emulator import metadata_fields

if TYPE_CHECKING:
    from shell import Ikp, Table


def test_no_account_is_needed(ikp: Ikp, table: Table) -> None:
    """With `--emulator` a table goes up without an account, and it is said that ImageKit saw nothing."""
    ran = ikp("upload", table(1), "-o", "out.csv", *NAMED, "--emulator")
    assert ran.status == 0
    assert ran.err.splitlines()[0].endswith("Nothing is sent to ImageKit.")
    *_, ended, instead = ran.err.splitlines()
    assert ended.endswith("its URLs no longer work.")
    assert instead == "For one that keeps its files: ikpipe emulator"


def test_an_account_is_not_used(ikp: Ikp, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """With `--emulator` the account of the environment gets nothing."""
    monkeypatch.setenv("IMAGEKIT_PUBLIC_KEY", "public_mine")
    monkeypatch.setenv("IMAGEKIT_UPLOAD_URL", "http://127.0.0.1:1/nobody")
    assert ikp("upload", table(1), "-o", "out.csv", *NAMED, "--emulator").status == 0


def test_fields_are_there(ikp: Ikp, table: Table) -> None:
    """The temporary service has the custom metadata fields that the options name."""
    options = (
        "--map",
        "custom_metadata=brand",
        "--map",
        "custom_metadata.hue=color",
        "--set",
        "custom_metadata.shop=A",
    )
    ran = ikp("upload", table(1, brand=["Näike"], color=["red"]), "-o", "out.jsonl", *NAMED, *options, "--emulator")
    assert ran.status == 0
    stored = ikpipe.read_results("out.jsonl")["ik_status"][0]
    assert stored == "uploaded"


@pytest.mark.parametrize(
    ("frame", "given", "fields"),
    [
        ({"size": [1]}, {"columns": {"custom_metadata": {"size": "size"}}}, {"size": "Number"}),
        ({"custom_metadata.new": [True, None]}, {}, {"new": "Boolean"}),
        ({"customMetadata.price": [1.5, None]}, {}, {"price": "Number"}),
        ({"brand": ["A"]}, {"columns": {"custom_metadata": ["brand"]}}, {"brand": "Text"}),
        ({}, {"custom_metadata": '{"a": 1, "b": true, "c": "x"}'}, {"a": "Number", "b": "Boolean", "c": "Text"}),
        ({}, {"custom_metadata": "{broken"}, {}),
        ({}, {"custom_metadata": "[1]"}, {}),
        ({}, {"columns": {"custom_metadata": {"brand": "missing"}}}, {}),
        ({"tags": ["a"], "brand": ["b"]}, {"columns": {"tags": ["tags"]}}, {}),
    ],
)
def test_fields_fit_the_cells(frame: dict[str, Any], given: dict[str, Any], fields: dict[str, str]) -> None:
    """Fields come from columns and constants alike, each with the type of its values."""
    assert metadata_fields(pd.DataFrame(frame), given) == fields


def test_field_that_cannot_be(ikp: Ikp, table: Table) -> None:
    """A field that the service would not have is an error that names it, with the service's words."""
    ran = ikp("upload", table(1, **{"custom_metadata.": ["A"]}), "-o", "out.csv", *NAMED, "--emulator")
    assert ran.status == 2
    assert ran.err.startswith("ikpipe: error: --emulator: cannot create the custom metadata field '': ")


def test_missing_extra(ikp: Ikp, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra the error has the line to type."""
    monkeypatch.setitem(sys.modules, "ikpipe.emulator", None)
    ran = ikp("upload", table(1), "-o", "out.csv", *NAMED, "--emulator")
    assert ran.status == 2
    assert "pip install 'ikpipe[emulator]'" in ran.err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--set", "index_lagg=3"], "Unknown rule 'index_lagg'. Did you mean 'index_lag'?"),
        (["--set", "index_lag=soon"], "--set: "),
        (["--set", "used_token=maybe"], "must be one of"),
        (["--fault", "5xx=2"], "--fault: The rate of the fault '5xx' must be from 0 to 1"),
        (["--fault", "5xx=often"], "--fault: "),
        (["--fault", "flood=1"], "--fault: Unknown fault 'flood'"),
        (
            ["--spends", "429=stored"],
            "--spends: The fault '429' can spend the token 'never' or 'received', not 'stored'",
        ),
        (["--spends", "flood=never"], "--spends: Unknown fault 'flood'"),
        (["--set", "capacity=0"], "--set: The rule 'capacity' must be at least 1, not 0"),
        (["--port", "99999"], "not a port number (0 to 65535)"),
    ],
)
def test_bad_options(ikp: Ikp, options: list[str], words: str) -> None:
    """A wrong rule, fault or port is one line and status 2."""
    ran = ikp("emulator", *options)
    assert ran.status == 2
    assert words in ran.err


def test_port_in_use(ikp: Ikp) -> None:
    """A port that is taken is one line and status 2."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = ikp("emulator", "--port", str(taken.getsockname()[1]))
    assert (ran.status, ran.err.count("\n")) == (2, 1)
    assert "in use" in ran.err


def test_a_host_that_is_no_name(ikp: Ikp) -> None:
    """Is a bad option."""
    ran = ikp("emulator", "--allow-host", "a b")
    assert (ran.status, "'a b' is not a valid host name" in ran.err) == (2, True)


@pytest.mark.parametrize("command", ["upload", "retry"])
def test_a_repeated_column_of_metadata_is_one_error(ikp: Ikp, command: str) -> None:
    """It is named, before a field is created for it."""
    Path("in.csv").write_text("file,ik_status,custom_metadata.a,custom_metadata.a\na.jpg,failed,1,2\n")
    done = ikp(command, "in.csv", "-o", "out.csv", "--emulator")
    assert done.status == 2
    assert done.err.splitlines()[-1].startswith("ikpipe: error: "), done.err
    assert "custom_metadata.a" in done.err.splitlines()[-1]
