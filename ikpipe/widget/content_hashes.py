"""Hashes of files that Python can read. A page hashes its files in the same way (`static/hashing.js`)."""

import io
from hashlib import sha256
from pathlib import Path

from ikpipe.request.sources import FileSource
from ikpipe.widget.previews import local_file

CHUNK = 4 * 1024 * 1024  # bytes


def content_hash(source: FileSource) -> str | None:
    """Return the SHA-256, as hexadecimal text, of the SHA-256 of each 4 MiB of a file; None if it cannot be read.

    A browser can hash no file but as a whole in memory, so that it hashes parts.
    """
    try:
        file = local_file(source)
        if file is None:
            return None
        with io.BytesIO(file) if isinstance(file, bytes) else Path(file).open("rb") as stream:
            parts = iter(lambda: stream.read(CHUNK), b"")
            return sha256(b"".join(sha256(part).digest() for part in parts)).hexdigest()
    except (OSError, ValueError):  # it is gone, or no base64
        return None
