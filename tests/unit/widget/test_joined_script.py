"""The uploader's script, which is one module for the browser."""

from __future__ import annotations

import re
from collections import Counter

from ikpipe.widget import assets

TOP_LEVEL = re.compile(
    r"^(?:async )?(?:const|let|var|class|function\*?) (\w+)|^(?:const|let) \{ ([\w, ]+) \}", re.MULTILINE
)


def test_names_are_unique() -> None:
    """All modules share one scope, in which a browser refuses a name that is declared twice."""
    found = [one or others for one, others in TOP_LEVEL.findall(assets.script())]
    names = Counter(name for text in found for name in text.split(", "))
    assert len(names) > 300
    assert [name for name, count in names.items() if count > 1] == []
