"""`ikpipe auth-server` in a process of its own."""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pandas as pd
from shell import process, variables

import ikpipe

if TYPE_CHECKING:
    import pytest

    from ikpipe.emulator import Emulator


MAY = "file_name,folder,use_unique_file_name,overwrite_file"


def address(running: Any) -> str:
    """Read the address that it prints."""
    running.stdout.readline()
    return str(running.stdout.readline().strip().partition("ENDPOINT=")[2])


def test_the_client_s_own_signer_works_against_it(emulator: Emulator, tmp_path: Path) -> None:
    """Rows go up through `Account(authentication_endpoint=…)`, and the server logs who signed what."""
    callers = tmp_path / "callers.txt"
    callers.write_text("anna 0123456789abcdef\n")
    options = ("--callers", str(callers), "--may", MAY, "--folder", "/users/{caller}/", "--rate", "600")
    with process("auth-server", *options, **variables(emulator)) as running:
        remote = ikpipe.Account(
            emulator.public_key,
            authentication_endpoint=address(running),
            headers={"Authorization": "Bearer 0123456789abcdef"},
            upload_url=emulator.upload_url,
        )
        frame = pd.DataFrame({"file": [b"1", b"2", b"2"]})
        good = ikpipe.upload(frame, remote, file_name="a.bin", folder="/users/anna/", progress=False)
        bad = ikpipe.upload(frame, remote, file_name="a.bin", folder="/users/bo/", retries=0, progress=False)
        running.send_signal(signal.SIGTERM)
        _, said = running.communicate(timeout=20)
    assert good["ik_status"].tolist() == ["uploaded"] * 3
    assert good["ik_file_path"].str.startswith("/users/anna/a_").all()
    assert bad["ik_error"].tolist() == ["signer_refused"] * 3
    assert running.returncode == 0
    assert said.count("Signed for 'anna'") == 3
    assert said.count("with 403") == 3
    assert "eyJ" not in said
    assert str(emulator.private_key) not in said


def documented(start: str) -> list[str]:
    """Return the words of the command of docs/signing.md that starts like this."""
    page = (Path(__file__).parents[3] / "docs/signing.md").read_text()
    found = re.search(rf"^{re.escape(start)}.*$", page, re.MULTILINE)
    assert found is not None
    return shlex.split(found[0])


def test_the_documented_commands_upload(emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server's command and the client's, with the documented profile: all rows are uploaded."""
    monkeypatch.chdir(tmp_path)
    Path("callers.txt").write_text("anna 0123456789abcdef\n")
    Path("pictures.csv").write_text("file\n" + "".join(f'"data:image/png;base64,AAA{n}"\n' for n in range(5)))
    page = (Path(__file__).parents[3] / "docs/signing.md").read_text()
    profile = re.search(r"```toml\n(.*?)```", page, re.DOTALL)
    assert profile is not None
    with process(*documented("ikpipe auth-server")[1:], "--port", "0", **variables(emulator)) as running:
        settings = (
            profile[1].replace("https://shop.example/auth", address(running)).replace("TOKEN", "0123456789abcdef")
        )
        settings = settings.replace("your_public_key", emulator.public_key)
        config = tmp_path / "config/ikpipe/config.toml"
        config.parent.mkdir(parents=True)
        config.write_text(f'{settings}upload_url = "{emulator.upload_url}"\n')
        config.chmod(0o600)
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
        command = [sys.executable, "-m", *documented("ikpipe upload")]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603 - ours
    assert (ran.returncode, "5 of 5 rows uploaded" in ran.stderr) == (0, True), ran.stderr
    assert pd.read_csv("results.csv")["ik_file_path"].str.startswith("/users/anna/").all()


def test_a_page_may_send_the_headers_that_are_named(emulator: Emulator) -> None:
    """The preflight of a browser passes with them, and with no others; the log says which one is missing."""
    origin = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    options = ("--anybody", "--may", "fileName", "--folder", "/", "--origin", origin["Origin"])
    named = ("--headers", "X-CSRF-Token, x-team", "--headers", "X-Trace")
    with process("auth-server", *options, *named, **variables(emulator)) as running:
        url = address(running)
        asked = ("authorization,content-type,x-csrf-token,x-team,x-trace", "content-type,x-other")
        good, bad = (httpx.options(url, headers=origin | {"Access-Control-Request-Headers": names}) for names in asked)
        running.send_signal(signal.SIGTERM)
        _, said = running.communicate(timeout=20)
    assert (good.status_code, bad.status_code) == (204, 403)
    allowed = good.headers["access-control-allow-headers"]
    assert allowed == "content-type, authorization, x-csrf-token, x-team, x-trace"
    assert "Pages may not send the header 'x-other'" in said


def test_a_page_may_ask(emulator: Emulator) -> None:
    """With `--anybody` and `--origin`, a page of that origin gets what the documented example requests: an hour."""
    options = ("--anybody", "--may", "fileName", "--folder", "/", "--origin", "http://localhost:8000", "--quiet")
    asked = {"uploadPayload": {"fileName": "abc.jpg"}, "expire": 3600, "publicKey": emulator.public_key}
    with process("auth-server", *options, **variables(emulator)) as running:
        url = address(running)
        page, other = (
            httpx.post(url, json=asked, headers={"Origin": origin})
            for origin in ("http://localhost:8000", "http://e.test")
        )
        token = page.json()["token"]
        stored = httpx.post(
            emulator.upload_url, data={"fileName": "abc.jpg", "token": token}, files={"file": ("abc.jpg", b"x")}
        )
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=20)
    assert (page.status_code, other.status_code, stored.status_code) == (200, 403, 200)
    assert page.headers["access-control-allow-origin"] == "http://localhost:8000"
    assert "signed for" not in said
    assert running.returncode == 0


def test_a_policy_in_python(emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--allow MODULE:NAME` takes the whole policy from a module here."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop_policy.py").write_text(
        "from ikpipe.auth import Allow\n"
        "allow = Allow(who=lambda request: 'a', parameters=['fileName'], folders=['/'])\n"
    )
    asked = {"uploadPayload": {"fileName": "abc.jpg"}, "expire": 60, "publicKey": emulator.public_key}
    with process("auth-server", "--allow", "shop_policy:allow", **variables(emulator)) as running:
        assert httpx.post(address(running), json=asked).status_code == 200
