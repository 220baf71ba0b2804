"""`ikpipe auth-server` in a process of its own."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import httpx
import pandas as pd
from shell import process, variables

import ikpipe

if TYPE_CHECKING:
    from pathlib import Path

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
