"""The upload token: a JSON Web Token, read and proved by hand so that nothing is shared with any client's library."""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass, field
from functools import lru_cache

from ikpipe.emulator import strict_json
from ikpipe.emulator.refusals import Refusal

LONGEST_LIFE = 3600
"""Seconds between `iat` and `exp`, at most (`docs`)."""
END_OF_TIME = 2**63
"""No clock goes further."""


@dataclass(frozen=True, slots=True)
class AccountKeys:
    """An account's two keys; the private one stays out of every text."""

    public: str
    private: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ReadToken:
    """A token that is proved: its claims but for the times, and its fingerprint."""

    claims: dict[str, object]
    expires: int
    digest: str


NO_TOKEN = ReadToken({}, 0, "")
"""Stands where an upload has none, since the private key itself authorizes it."""


def read(text: str, keys: AccountKeys) -> ReadToken:
    """Prove a token's form and signature.

    Raises
    ------
    Refusal
        With `Your request has invalid token.` (`spec`) for whatever is wrong with it (`seed`: header and signature;
        `docs`: whole `iat` and `exp`, an hour apart at most).
    """
    try:
        signed, signature = text.rsplit(".", 1)
        header, payload = signed.split(".", 1)
        signer, claims = _signer(header), _json_object(payload)
    except ValueError:
        raise _invalid() from None
    expected = hmac.new(keys.private.encode(), signed.encode(), hashlib.sha256).digest()
    # compared as text: base64 has several spellings of the same bytes, and a token has one
    genuine = hmac.compare_digest(base64.urlsafe_b64encode(expected).rstrip(b"="), signature.encode())
    if not genuine or signer != ("HS256", "JWT", keys.public):
        raise _invalid()
    return ReadToken(claims, _expiry(claims), digest(text))


def digest(text: str) -> str:
    """Give the fingerprint under which a token is remembered and logged; the signed part alone tells tokens apart.

    V1's tokens are any text, and have no such part.
    """
    return hashlib.sha256((text.rpartition(".")[0] or text).encode()).hexdigest()


def _invalid() -> Refusal:
    return Refusal(400, "Your request has invalid token.")


@lru_cache(64)
def _signer(part: str) -> tuple[object, object, object]:
    """Read the header, which is the same in all of a client's tokens."""
    header = _json_object(part)
    return header.get("alg"), header.get("typ"), header.get("kid")


def _json_object(part: str) -> dict[str, object]:
    try:
        value = strict_json.loads(base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True))
    except binascii.Error as error:
        raise ValueError("not base64url") from error
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - one kind of error for the caller
    return value


def _expiry(payload: dict[str, object]) -> int:
    """Take both times out of the payload, which then holds the form's claims alone."""
    issued, expires = payload.pop("iat", None), payload.pop("exp", None)
    if type(issued) is not int or type(expires) is not int or not 0 <= expires - issued <= LONGEST_LIFE:
        raise _invalid()
    if not 0 <= expires < END_OF_TIME:
        raise _invalid()
    return expires
