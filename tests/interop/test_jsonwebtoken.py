"""npm's `jsonwebtoken`, which the seed's example signs with: its tokens are taken here, and ours there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from doubles import uploads_of
from npm import install, node

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ikpipe.emulator import Emulator

pytestmark = []

# The seed's "How to implement authenticationEndpoint", behind Node's own server instead of a framework's.
ENDPOINT = """
const jwt = require("jsonwebtoken");
const server = require("http").createServer(async (req, res) => {
    let body = "";
    for await (const chunk of req.setEncoding("utf8")) body += chunk;
    const payload = JSON.parse(body);
    const token = jwt.sign(payload.uploadPayload, process.env.KEY, {
        expiresIn: payload.expire,
        header: { alg: "HS256", typ: "JWT", kid: payload.publicKey },
    });
    res.writeHead(200, { "Access-Control-Allow-Origin": "*" });
    res.end(JSON.stringify({ token }));
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
"""

VERIFY = """
const jwt = require("jsonwebtoken");
const { header, payload } = jwt.verify(process.env.TOKEN, process.env.KEY, { algorithms: ["HS256"], complete: true });
console.log(JSON.stringify({ header, payload }));
"""


@pytest.fixture(scope="session")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install jsonwebtoken into a folder of its own."""
    return install(tmp_path_factory.mktemp("npm"), "jsonwebtoken@9")


@pytest.fixture
def endpoint(modules: Path, emulator: Emulator) -> Iterator[str]:
    """Run the seed's authentication endpoint in Node."""
    with node(modules, ENDPOINT, KEY=emulator.private_key) as server:
        assert server.stdout is not None
        yield f"http://127.0.0.1:{server.stdout.readline().strip()}/auth"
        server.terminate()


FIELDS: dict[str, Any] = {
    "file_name": '猫 "a" \\ \u2028.png',
    "tags": ["é", "<b>&"],
    "description": "\U0001f600 two\nlines",
    "transformation": {"post": [{"type": "transformation", "value": "w-1,h-2"}]},
}


def test_its_tokens_are_accepted(endpoint: str, emulator: Emulator) -> None:
    """The seed's endpoint in Node signs for the client, and the emulator takes each token, also for equal rows."""
    before = len(emulator.log())
    account = ikpipe.Account(emulator.public_key, authentication_endpoint=endpoint, upload_url=emulator.upload_url)
    results = ikpipe.upload(pd.DataFrame({"file": [b"1"] * 4}), account, progress=False, **FIELDS)
    assert results["ik_status"].tolist() == ["uploaded"] * 4
    assert len({entry["token"] for entry in uploads_of(emulator, before)}) == 4


def test_ours_verify_there(modules: Path, emulator: Emulator) -> None:
    """A token of ours proves genuine, with the header of the seed and each claim as text."""
    token = ikpipe.sign(FIELDS, emulator.account)
    with node(modules, VERIFY, TOKEN=token, KEY=emulator.private_key) as verifier:
        found = json.loads(verifier.communicate(timeout=20)[0])
    assert found["header"] == {"alg": "HS256", "typ": "JWT", "kid": emulator.public_key}
    assert found["payload"].pop("exp") - found["payload"].pop("iat") <= 3600
    assert found["payload"] == {
        "fileName": FIELDS["file_name"],
        "tags": "é,<b>&",
        "description": FIELDS["description"],
        "transformation": '{"post":[{"type":"transformation","value":"w-1,h-2"}]}',
    }
