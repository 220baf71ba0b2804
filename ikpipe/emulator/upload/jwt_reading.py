"""Verifies the upload token, a JSON Web Token, without a library, so that it shares no code with any client."""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from functools import lru_cache

from ikpipe.emulator import strict_json
from ikpipe.emulator.error_responses import ErrorResponse
from ikpipe.emulator.keys import AccountKeys

LONGEST_LIFE = 3600
"""Maximum number of seconds between `iat` and `exp` [docs]."""
END_OF_TIME = 2**63
"""The first time, in seconds, that no clock can represent."""


@dataclass(frozen=True, slots=True)
class ReadToken:
    """A verified token: its claims without the times, its expiry in seconds since 1970, and its digest."""

    claims: dict[str, object]
    expires: int
    digest: str


NO_TOKEN = ReadToken({}, 0, "")
"""For an upload that the private key authorizes."""


def read(text: str, keys: AccountKeys) -> ReadToken:
    """Verify a token's form and signature.

    Raise `ErrorResponse`, `Your request has invalid token.` [spec], for any error [upload docs: header and signature;
    docs: `iat` and `exp` are whole seconds, at most an hour apart].
    """
    try:
        signed, signature = text.rsplit(".", 1)
        header, payload = signed.split(".", 1)
        signer, claims = _signer(header), _json_object(payload)
    except ValueError:
        raise invalid_token() from None
    expected = hmac.new(keys.private.encode(), signed.encode(), hashlib.sha256).digest()
    # compared as text: base64 can write the same bytes in several ways, and only one is the token's
    genuine = hmac.compare_digest(base64.urlsafe_b64encode(expected).rstrip(b"="), signature.encode())
    if not genuine or signer != ("HS256", "JWT", keys.public):
        raise invalid_token()
    return ReadToken(claims, _pop_expiry(claims), digest(text))


def digest(text: str) -> str:
    """Return the digest by which a token is stored and logged, made from its signed part.

    V1's tokens can be any text; those without such a part are digested as a whole.
    """
    return hashlib.sha256((text.rpartition(".")[0] or text).encode()).hexdigest()


def invalid_token() -> ErrorResponse:
    """Return the 400 for an invalid token [spec]."""
    return ErrorResponse(400, "Your request has invalid token.")


# cached: a client's tokens all have the same header
@lru_cache(64)
def _signer(part: str) -> tuple[object, object, object]:
    """Return `alg`, `typ` and `kid` of the header."""
    header = _json_object(part)
    return header.get("alg"), header.get("typ"), header.get("kid")


def _json_object(part: str) -> dict[str, object]:
    # binascii.Error is a ValueError
    value = strict_json.loads(base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True))
    if not isinstance(value, dict):
        raise ValueError("The part is not a JSON object.")  # noqa: TRY004 - one type of error for the caller
    return value


def _pop_expiry(claims: dict[str, object]) -> int:
    """Remove both times from the claims, which then have only form fields; return the expiry."""
    issued, expires = claims.pop("iat", None), claims.pop("exp", None)
    if type(issued) is not int or type(expires) is not int or not 0 <= expires - issued <= LONGEST_LIFE:
        raise invalid_token()
    if not 0 <= expires < END_OF_TIME:
        raise invalid_token()
    return expires
