"""`ikpipe whoami` and `ikpipe doctor`: which account is used, and what is wrong."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

import pytest
from doubles import RawServer, answering

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from shell import Ikp

    from ikpipe.emulator import Emulator

KEY = "private_9f2cVerySecret"


@pytest.fixture(autouse=True)
def config(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], Path]:
    """Write a configuration file that only its owner can read."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))

    def write(text: str) -> Path:
        path = tmp_path / "config" / "ikpipe" / "config.toml"
        path.parent.mkdir(parents=True, mode=0o700)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
        return path

    return write


# whoami


@pytest.mark.usefixtures("signed_in")
def test_whoami(ikp: Ikp, emulator: Emulator) -> None:
    """Each setting is there with its source; the private key is not."""
    ran = ikp("whoami")
    assert (ran.status, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[0] == "Account from the environment"
    assert [line.split()[-1] for line in lines[1:6]] == [
        "(IMAGEKIT_PUBLIC_KEY)",
        "(IMAGEKIT_PRIVATE_KEY)",
        "(IMAGEKIT_URL_ENDPOINT)",
        "(IMAGEKIT_UPLOAD_URL)",
        "(IMAGEKIT_API_URL)",
    ]
    assert emulator.public_key in lines[1]
    assert str(emulator.private_key) not in ran.out
    assert {"ImageKit accepts the keys.", "Used since the first day of the month:"} <= {*lines}


def test_whoami_of_a_profile(ikp: Ikp, config: Callable[[str], Path], emulator: Emulator) -> None:
    """It names the profile, its file, and what is a default."""
    path = config(
        f'[default]\npublic_key = "{emulator.public_key}"\nprivate_key = "{emulator.private_key}"\n'
        f'api_url = "{emulator.url}"\nupload_url = "{emulator.upload_url}"\n'
    )
    ran = ikp("whoami")
    assert ran.status == 0
    assert ran.out.startswith(f"Account from the profile [default] of {path}\n")
    assert f"{emulator.public_key}  (profile)" in ran.out


def test_whoami_of_an_account_that_is_refused(ikp: Ikp, config: Callable[[str], Path], emulator: Emulator) -> None:
    """Its settings are there all the same, and the status is 3."""
    config(f'[shop]\npublic_key = "public_a"\nprivate_key = "{KEY}"\napi_url = "{emulator.url}"\n')
    ran = ikp("whoami", "--profile", "shop")
    assert ran.status == 3
    assert "public_a" in ran.out
    assert "Private key: The media API rejected the private key" in ran.err
    assert "ImageKit accepts" not in ran.out
    assert KEY not in ran.out + ran.err


def test_whoami_without_an_account(ikp: Ikp) -> None:
    """It says what to do."""
    ran = ikp("whoami")
    assert (ran.status, ran.out, "`ikpipe configure`" in ran.err) == (3, "", True)


def test_whoami_with_a_key_that_may_not_read_the_usage(ikp: Ikp, config: Callable[[str], Path]) -> None:
    """That is not a refusal of the account."""
    refused = answering(400, {"message": "Not allowed for this key."})
    with RawServer(answering(200, []), answering(400, {"message": "x"}), answering(200, []), refused) as server:
        config(
            f'[default]\npublic_key = "public_a"\nprivate_key = "{KEY}"\napi_url = "{server.url}"\n'
            f'upload_url = "{server.url}"\n'
        )
        ran = ikp("whoami")
    assert ran.status == 0
    assert "Its usage cannot be read: The media API answered with status 400: Not allowed for this key." in ran.out


# doctor


def found(ikp: Ikp, *words: str) -> dict[str, str]:
    """Return the levels that doctor finds, by what they are about; the last one counts."""
    return {one["about"]: one["level"] for one in json.loads(ikp("doctor", "--json", *words).out)["findings"]}


@pytest.mark.usefixtures("signed_in")
def test_doctor(ikp: Ikp, emulator: Emulator) -> None:
    """With an account that works there is no problem, and no key in the output."""
    ran = ikp("doctor")
    assert ran.status == 0
    assert "problem" not in ran.out
    assert str(emulator.private_key) not in ran.out + ran.err
    levels = found(ikp)
    for about in ("Python", "Account", "Certificates", "Service", "Clock", "Private key", "Public key"):
        assert levels[about] == "ok"


@pytest.mark.usefixtures("signed_in")
def test_doctor_does_not_use_the_network_offline(ikp: Ikp) -> None:
    """It checks the machine and the settings."""
    levels = found(ikp, "--offline")
    assert "Account" in levels
    assert "Private key" not in levels
    assert "Service" not in levels


@pytest.mark.parametrize(
    ("variable", "value", "about", "status"),
    [
        ("IMAGEKIT_PRIVATE_KEY", "private_wrong", "Private key", 3),
        ("IMAGEKIT_PUBLIC_KEY", "public_wrong", "Public key", 3),
        ("IMAGEKIT_PRIVATE_KEY", "public_a", "Account", 3),
        ("IMAGEKIT_API_URL", "http://127.0.0.1:1", "Media API", 3),
        ("IMAGEKIT_URL_ENDPOINT", "https://ik.imagekit.io", "URL endpoint", 1),
        ("SSL_CERT_FILE", "/nowhere/ca.pem", "Certificates", 3),
        ("IMAGEKIT_PROFILE", "shop", "Account", 3),
    ],
)
@pytest.mark.usefixtures("signed_in")
def test_doctor_finds_what_is_wrong(
    variable: str, value: str, about: str, status: int, ikp: Ikp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One problem, about the right thing, with the status of its kind."""
    from ikpipe.service.certificates import ssl_context

    monkeypatch.setenv(variable, value)
    ssl_context.cache_clear()
    ran = ikp("doctor", "--json", *(["--offline"] if about == "Account" else []))
    ssl_context.cache_clear()
    problems = [one["about"] for one in json.loads(ran.out)["findings"] if one["level"] == "problem"]
    assert (problems, ran.status) == ([about], status)


@pytest.mark.usefixtures("signed_in")
def test_doctor_reports_what_is_around_a_key(
    ikp: Ikp, monkeypatch: pytest.MonkeyPatch, emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    """As a warning of its own, and not in between."""
    monkeypatch.setenv("IMAGEKIT_PRIVATE_KEY", f'"{emulator.private_key}"\r\n')
    with caplog.at_level(logging.INFO, "ikpipe"):
        ran = ikp("doctor", "--offline")
    assert ran.status == 0
    line = next(line for line in ran.out.splitlines() if line.startswith("warning  Settings"))
    assert "IMAGEKIT_PRIVATE_KEY has a line end and quotes around its value" in line
    assert caplog.messages == []


def test_doctor_without_an_account(ikp: Ikp, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest is checked all the same."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")  # nothing is asked of a name server
    ran = ikp("doctor")
    assert ran.status == 3
    problems = [line[9:31].strip() for line in ran.out.splitlines() if line.startswith("problem")]
    assert problems == ["Account", "Upload endpoint", "Media API"]


@pytest.mark.parametrize("text", [f'[a]\nprivate_key = "{KEY}"\n', f"[a]\nheaders = {{Cookie = '{KEY}'}}\n"])
def test_doctor_finds_a_key_that_others_can_read(text: str, ikp: Ikp, config: Callable[[str], Path]) -> None:
    """With the command that changes it; a file without secrets may be read."""
    path = config(text)
    path.chmod(0o644)
    ran = ikp("doctor", "--offline", "--json")
    [entry] = [one for one in json.loads(ran.out)["findings"] if one["about"] == "Configuration"]
    assert (entry["level"], entry["fix"]) == ("problem", f"Run: chmod 600 {path}")
    path.write_text("[a]\npublic_key = 'public_a'\n", encoding="utf-8")
    assert found(ikp, "--offline")["Configuration"] == "ok"


def test_doctor_finds_a_folder_that_others_can_write(ikp: Ikp, config: Callable[[str], Path]) -> None:
    """They could replace the file."""
    path = config("")
    path.parent.chmod(0o777)
    assert found(ikp, "--offline")["Configuration"] == "problem"


@pytest.mark.parametrize("variable", ["XDG_STATE_HOME", "TMPDIR"])
def test_doctor_finds_a_folder_that_cannot_be_written(
    variable: str, ikp: Ikp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as one that is a file."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "file") if variable == "TMPDIR" else None)
    monkeypatch.setenv(variable, str(tmp_path / "file"))
    about = {"XDG_STATE_HOME": "State folder", "TMPDIR": "Temporary files"}[variable]
    assert found(ikp, "--offline")[about] == "problem"
