"""HMAC-SHA1 signatures with the private key: of delivery URLs (`ik-s`), and of V1 uploads."""

import hashlib
import hmac

NO_EXPIRY = "9999999999"
"""What is signed in place of the expiry if a URL has none [docs]."""


def hex_sha1(key: str, text: str) -> str:
    """Return the HMAC-SHA1 of a text in lower-case hexadecimal digits [docs]."""
    return hmac.new(key.encode(), text.encode("utf-8", "surrogateescape"), hashlib.sha1).hexdigest()


def is_genuine(key: str, text: str, signature: str) -> bool:
    """Whether the key made this signature of a text; compared in constant time."""
    return hmac.compare_digest(hex_sha1(key, text).encode(), signature.encode("utf-8", "surrogateescape"))


def is_valid_url(key: str, path: str, expiry: str | None, signature: str, now: float) -> bool:
    """Whether the signature of a delivery URL is genuine and has not expired.

    `path` is the part after `urlEndpoint/` as it was sent, with the query except `ik-t` and `ik-s`. `expiry` is `ik-t`,
    in seconds since 1970; None is no expiry.
    """
    expires = NO_EXPIRY if expiry is None else expiry
    if not is_genuine(key, path + expires, signature):
        return False
    return expires.isascii() and expires.isdigit() and now < int(expires)
