"""Signatures with the private key: of delivery addresses (`ik-s`), and of V1 uploads."""

from __future__ import annotations

import hashlib
import hmac

NEVER = "9999999999"
"""The expiry that stands in a signature where an address has none (`docs`)."""


def hex_sha1(key: str, text: str) -> str:
    """Give the HMAC-SHA1 of a text, in lower-case hexadecimal digits (`docs`)."""
    return hmac.new(key.encode(), text.encode("utf-8", "surrogateescape"), hashlib.sha1).hexdigest()


def is_genuine(key: str, text: str, signature: str) -> bool:
    """Compare a signature with the one that the key makes, in constant time."""
    return hmac.compare_digest(hex_sha1(key, text).encode(), signature.encode("utf-8", "surrogateescape"))


def address_holds(key: str, address: str, expiry: str | None, signature: str, now: float) -> bool:
    """Tell whether a signed address is the one that was signed, and still good.

    Parameters
    ----------
    address
        The path below `urlEndpoint/` as it was sent, with its query but for `ik-t` and `ik-s`.
    expiry
        `ik-t`: seconds since the epoch; None is for ever.
    """
    expires = NEVER if expiry is None else expiry
    if not is_genuine(key, address + expires, signature):
        return False
    return expires.isascii() and expires.isdigit() and now < int(expires)
