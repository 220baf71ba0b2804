"""Hash the content that a row sends; a row with a different hash is another version."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

if TYPE_CHECKING:
    from ikpipe.request.sources import FileSource

_BLOCK = 1_000_000  # bytes
# Non-blocking, since a pipe may have replaced the file, which would never open.
READING = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
# Query parameters of signed URLs, which differ for the same file (S3, Google Cloud, CloudFront, Azure).
_SIGNATURES = {"x-amz-signature", "x-goog-signature", "signature", "sig"}
_OF_SIGNATURES = re.compile(
    r"x-amz-.*|x-goog-.*|signature|expires|policy|key-pair-id|awsaccesskeyid|googleaccessid"
    r"|sig|se|st|sp|sv|sr|spr|sip|ske?|skt|skv|sks|skoid|sktid",
    re.IGNORECASE,
)


def digest(fields: Mapping[str, str], source: FileSource) -> str:
    """Return the hash of a row's parameters and its file.

    The content of local files is read, since their times differ between machines. The signature of a URL is ignored.

    `fields` are the form's texts under their wire names. Raise `OSError` if a local file cannot be read.
    """
    text = unsigned(source.text) if source.kind in ("url", "fetch") else source.text
    content = blake2b(json.dumps([fields, source.kind, text]).encode(), digest_size=16)
    content.update(source.content)
    if source.path is not None:
        with os.fdopen(os.open(source.path, READING), "rb") as file:
            while block := file.read(_BLOCK):
                content.update(block)
    return content.hexdigest()


def unsigned(url: str) -> str:
    """Return a URL without the query parameters of a signature."""
    place, _, query = url.partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    if not any(name.lower() in _SIGNATURES for name, _ in pairs):
        return url
    kept = [(name, value) for name, value in pairs if not _OF_SIGNATURES.fullmatch(name)]
    return f"{place}?{urlencode(kept)}" if kept else place


@dataclass(slots=True)
class ContentHashes:
    """The hashes of a table's rows, by position.

    `first` and `before` are the first and the last in a journal, `now` those of this run. `keyed`: rows are identified
    by keys, so that one whose file cannot be read counts as changed. `several` are the rows that had other hashes, in
    the journal or earlier in this run.
    """

    keyed: bool
    first: dict[int, str] = field(default_factory=dict)
    before: dict[int, str] = field(default_factory=dict)
    now: dict[int, str] = field(default_factory=dict)
    several: set[int] = field(default_factory=set)

    def note(self, position: int, fields: Mapping[str, str], source: FileSource) -> str:
        """Store and return the hash of a row; raise `OSError` if the row's file cannot be read."""
        self.now[position] = digest(fields, source)
        return self.now[position]

    def changed(self, position: int, fields: Mapping[str, str], source: FileSource) -> bool:
        """Whether a row differs from the journal's last version; stores its hash if that was not done yet."""
        try:
            now = self.now.get(position) or self.note(position, fields, source)
        except OSError:  # the upload will report it
            return self.keyed and position in self.before
        if self.before.get(position, now) == now:
            return False
        self.several.add(position)
        return True
