"""npm's official SDK against the emulator, as its own documentation uses it: V1 and V2, the library, URLs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from npm import install, node

if TYPE_CHECKING:
    from pathlib import Path

    from ikpipe.emulator import Emulator

FLOW = """
const { default: ImageKit, toFile } = require("@imagekit/nodejs");
const client = new ImageKit({ privateKey: process.env.KEY, baseURL: process.env.URL, maxRetries: 0 });
const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="30" height="20"/>';
const form = async (name) => ({
    file: await toFile(Buffer.from(svg), name), fileName: name, folder: "/node", tags: ["a", "b"],
    useUniqueFileName: false, isPrivateFile: true, responseFields: ["tags", "isPrivateFile"],
});
(async () => {
    const v1 = await client.files.upload(await form("one.svg"));
    const v2 = await client.beta.v2.files.upload(await form("two.svg"));
    const listed = await client.assets.list({ path: "/node" });
    const details = await client.files.get(v2.fileId);
    const url = client.helper.buildSrc({
        urlEndpoint: process.env.ENDPOINT, src: v1.filePath, transformation: [{ width: 10 }],
        signed: true, expiresIn: 60,
    });
    const delivered = await fetch(url);
    const tampered = await fetch(url.replace("w-10", "w-20"));
    await client.files.delete(v1.fileId);
    console.log(JSON.stringify({
        v1, v2, details, listed: listed.map((file) => file.name),
        after: (await client.assets.list()).map((file) => file.name),
        delivered: [delivered.status, await delivered.text() === svg, tampered.status],
    }));
})();
"""


@pytest.fixture(scope="session")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the SDK into a folder of its own."""
    return install(tmp_path_factory.mktemp("imagekit"), "@imagekit/nodejs@7")


def run(folder: Path, script: str, **variables: str) -> str:
    """Run a script; gives what it prints."""
    with node(folder, script, **variables) as process:
        output = process.communicate(timeout=60)[0]
    assert process.returncode == 0
    return output


def test_it_uploads_finds_delivers_and_deletes(modules: Path, emulator: Emulator) -> None:
    """Its uploads by V1 and V2 are stored, listed and delivered by its signed URLs; what it deletes is gone."""
    variables = {"KEY": emulator.private_key, "URL": emulator.url, "ENDPOINT": emulator.url_endpoint}
    found: dict[str, Any] = json.loads(run(modules, FLOW, **variables))
    for version, name in (("v1", "one.svg"), ("v2", "two.svg")):
        answer = found[version]
        assert (answer["name"], answer["filePath"], answer["width"]) == (name, f"/node/{name}", 30)
        assert (answer["tags"], answer["isPrivateFile"]) == (["a", "b"], True)
    assert found["listed"] == ["one.svg", "two.svg"]
    assert "one.svg" not in found["after"]
    assert found["details"]["fileId"] == found["v2"]["fileId"]
    assert found["delivered"] == [200, True, 401]
