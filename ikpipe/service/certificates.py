"""The certificate authorities that connections trust: the usual ones, or those of the environment."""

import os
import ssl
from functools import cache
from pathlib import Path

import httpx

from ikpipe.errors import Error

_FIX = "Correct the variable, or unset it to trust the usual certificate authorities."


@cache
def ssl_context() -> ssl.SSLContext:
    """Return the context of all connections; raise `Error` if `SSL_CERT_FILE` or `SSL_CERT_DIR` cannot be used."""
    # Loading the operating system's certificates takes 30 ms, too long for each call of upload_file.
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        path = os.environ.get(name)
        if path and not any(Path(part).exists() for part in path.split(os.pathsep)):  # a list, of folders
            raise Error(f"The environment variable {name} names {path}, which does not exist.", fix=_FIX)
    try:
        return httpx.create_ssl_context()
    except (OSError, ssl.SSLError) as error:
        words = f"The certificates in {os.environ.get('SSL_CERT_FILE')} (SSL_CERT_FILE) cannot be read: {error}."
        raise Error(words, fix=_FIX) from None
