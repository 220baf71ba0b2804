"""Official SDKs in environments of their own, and what they do against an emulator."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import npm
import sdk_steps_current
import sdk_steps_node6
import sdk_steps_python4
from doubles import LOOPBACK
from PIL import Image
from sdk_steps import Step
from tls_front import HOSTS, tls_front

from ikpipe.emulator import Emulator
from ikpipe.emulator.webhooks import signatures

HERE = Path(__file__).parent
RATE = 200
"""Requests before an emulator answers 429: more than a scenario has."""


class SDK(NamedTuple):
    """A version of an SDK."""

    package: str
    version: str
    steps: tuple[Step, ...]
    unused: dict[str, str]
    """Methods that are no operations of the service, with the reason."""

    @property
    def name(self) -> str:
        """The package with its version, as the documentation writes it."""
        return f"{self.package} {self.version}"

    @property
    def scenario(self) -> list[Step]:
        """The steps that this SDK has."""
        return [step for step in self.steps if step.only in {"", self.name}]

    @property
    def operations(self) -> list[str]:
        """The operations of the scenario, in order."""
        return list(dict.fromkeys(step.operation for step in self.scenario))


SDKS = (
    SDK("@imagekit/nodejs", "7", sdk_steps_current.STEPS, {}),
    SDK(
        "imagekitio",
        "5",
        sdk_steps_current.STEPS,
        {"dummy.create": "It only names types: the service has no such path."},
    ),
    SDK("imagekit", "6", sdk_steps_node6.STEPS, {}),
    SDK("imagekitio", "4.2", sdk_steps_python4.STEPS, {}),
    SDK("imagekitio", "3.2", sdk_steps_python4.STEPS, {}),
)


def png(width: int, height: int) -> bytes:
    """Return a PNG."""
    file = io.BytesIO()
    Image.new("RGB", (width, height), "red").save(file, "PNG")
    return file.getvalue()


FILES = {"png": png(4, 3), "other": png(8, 6), "x": b"x"}


def known(emulator: Emulator) -> dict[str, Any]:
    """Return what a scenario refers to besides its own answers."""
    body = '{"type":"file.created","id":"é","created_at":"2026-01-01T00:00:00Z","data":{"type":"file"}}'
    headers = signatures("both", "whsec_some secret", "msg_1", body.encode(), time.time())
    webhook = {"body": body, "headers": headers, "secret": "whsec_some secret", "older": headers["x-ik-signature"]}
    picture = base64.b64encode(FILES["png"]).decode()
    return {"urlEndpoint": emulator.url_endpoint, "webhook": webhook, "picture": picture}


def options(sdk: SDK, emulator: Emulator) -> dict[str, Any]:
    """Return the options of the client: today's SDKs take the address, the older ones have it built in."""
    keys: dict[str, Any] = {"privateKey": emulator.private_key}
    if sdk.name in {"@imagekit/nodejs 7", "imagekitio 5"}:
        keys |= {"baseURL": emulator.url, "maxRetries": 0}
    else:
        keys |= {"publicKey": emulator.public_key, "urlEndpoint": emulator.url_endpoint}
    if sdk.package == "imagekitio":
        return {re.sub("(?<=[a-z])([A-Z]+)", r"_\1", key).lower(): value for key, value in keys.items()}
    return keys


def program(sdk: SDK, folder: Path) -> tuple[list[str], dict[str, str]]:
    """Install an SDK into a folder, and return the command that runs its driver there, and its variables."""
    if sdk.package != "imagekitio":
        npm.install(folder, f"{sdk.package}@{sdk.version}")
        return [npm.program("node"), "-e", (HERE / "sdk_driver.js").read_text()], {}
    command = [sys.executable, str(HERE / "sdk_driver.py")]
    if sdk.version == "5":
        return command, {}
    wanted = f"imagekitio=={sdk.version}.*"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder), wanted]
    subprocess.run(install, check=True, timeout=120)  # noqa: S603 - a fixed command
    return command, {"PYTHONPATH": str(folder)}


def play(sdk: SDK, folder: Path) -> dict[str, Any]:
    """Play the scenario, and return the answers and the names of the SDK's methods."""
    command, variables = program(sdk, folder)
    rules = {**LOOPBACK, "hosts": HOSTS, "api_rate": RATE, "rate_interval": 600_000}
    with Emulator(**rules) as emulator, tls_front(emulator.url, folder) as front:
        task = {
            "sdk": sdk.package,
            "options": options(sdk, emulator),
            "known": known(emulator),
            "files": {name: base64.b64encode(content).decode() for name, content in FILES.items()},
            "steps": [step._asdict() | {"shows": step.shows if step.until else None} for step in sdk.scenario],
        }
        ran = subprocess.run(  # noqa: S603 - a fixed command
            command,
            cwd=folder,
            env={**os.environ, **front.environment, **variables},
            input=json.dumps(task, default=str),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    assert ran.returncode == 0, ran.stderr
    return dict(json.loads(ran.stdout))
