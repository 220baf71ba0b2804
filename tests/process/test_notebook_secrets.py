"""The outputs of a notebook show no secret."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ikpipe.emulator import Emulator


KEY = "private_ThisOneMustNotShowAnywhere0123456789="


COOKIE = "session-of-somebody-0123456789"


PUBLIC = "public_ThisOneMay="


# What the key looks like in a basic-auth header, and what a token looks like.
SECRETS = (KEY, COOKIE, base64.b64encode(f"{KEY}:".encode()).decode()[:-4])


TOKEN = re.compile(r"eyJ[\w-]{8,}\.[\w-]{8,}")


def assert_clean(text: str) -> None:
    """Fail if a text has a secret; the message does not show it either."""
    assert not [secret[:8] for secret in SECRETS if secret in text], "a key or cookie shows"
    assert not [match.start() for match in TOKEN.finditer(text)], "a token shows"


def test_a_notebook_s_outputs_show_no_secret(emulate: Callable[..., Emulator], monkeypatch: pytest.MonkeyPatch) -> None:
    """A notebook that shows the account and results, and whose run fails, keeps no secret in its outputs."""
    origin = emulate(public_key=PUBLIC, private_key=KEY, upload_quota=1).url
    cells = [
        "%xmode Verbose",
        "import ikpipe, pandas as pd\naccount = ikpipe.Account.from_env()\naccount",
        "frame = pd.DataFrame({'file': [b'1', b'2']})\nikpipe.upload(frame[:1], account, file_name='a')",
        "print(ikpipe.sign({'file_name': 'a'}, account).__repr__())\nikpipe.files(account)",
        "ikpipe.upload(frame, account, file_name='a', custom_metadata={'brand': 'x'})",
        "ikpipe.upload(frame, account, file_name='a')",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    keys = {"IMAGEKIT_PUBLIC_KEY": PUBLIC, "IMAGEKIT_PRIVATE_KEY": KEY, "IMAGEKIT_API_URL": origin}
    keys["IMAGEKIT_UPLOAD_URL"] = f"{origin}/api/v2/files/upload"
    for name, value in keys.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(CellExecutionError, match="Upload Limit Exceeded"):
        NotebookClient(notebook, timeout=60).execute()
    assert [cell.execution_count for cell in notebook.cells] == [1, 2, 3, 4, 5, 6]
    assert_clean(nbformat.writes(notebook))
