"""Who uploads: proved by a token (V2), by a signature (V1), or by the private key itself (both).

Each check is a function, as in `rules`. A token is spent before anything else is looked at, since a request that fails
later has used it (`seed`).
"""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import TYPE_CHECKING

from ikpipe.emulator import signing, strict_json
from ikpipe.emulator.refusals import Refusal, invalid
from ikpipe.emulator.upload import jwt_reading

if TYPE_CHECKING:
    from collections.abc import Callable

    from ikpipe.emulator.upload.validators import UploadAttempt

    Check = Callable[[UploadAttempt], None]

SIGNED = ("token", "expire", "signature", "publicKey")
"""What an upload by V1 has that is not authorized by the private key (`docs`)."""
OF_THE_STANDARD = frozenset({"iss", "sub", "aud", "nbf", "jti"})
"""Claims of every JSON Web Token, besides its times (RFC 7519, 4.1)."""
LONGEST_LIFE = 3600
"""Seconds that V1's `expire` lies ahead at most (`docs`)."""
LONGEST_TIME = 15
"""Digits of a time."""


class FaultInjected(Exception):  # noqa: N818 - it was asked for, and is no fault of the program
    """A fault strikes the upload in the moment in which its token has been spent."""


def check_key(authorization: str, keys: jwt_reading.AccountKeys) -> None:
    """Ask for basic authentication: the private key as the user (`docs`).

    The password is not looked at: the documents leave it empty, but official SDKs send one of their own (`sdk`).
    """
    method, _, credentials = authorization.partition(" ")
    if method.lower() != "basic":
        raise _no_key()
    try:
        given, colon, _ = base64.b64decode(credentials, validate=True).partition(b":")
    except (binascii.Error, ValueError):
        given, colon = b"", b""
    # in constant time, as every comparison with a secret
    if not (hmac.compare_digest(given, keys.private.encode()) and colon):
        raise Refusal(403, "Your account cannot be authenticated.")


def _no_key() -> Refusal:
    return Refusal(401, "Your request does not contain private API key.")


def checks_of(attempt: UploadAttempt) -> tuple[Check, ...]:
    """Give the checks for the way in which an upload is authorized."""
    if attempt.authorization is not None and not attempt.form.token:
        return BY_KEY
    return BY_SIGNATURE if attempt.v1 else BY_TOKEN


def key_is_right(attempt: UploadAttempt) -> None:
    """Ask for the private key (`docs`: "server side file upload")."""
    check_key(attempt.authorization or "", attempt.keys)
    attempt.token = jwt_reading.NO_TOKEN


def both_methods(attempt: UploadAttempt) -> None:
    """Refuse a token together with basic authentication (`spec`)."""
    if attempt.authorization is not None and attempt.form.token:
        raise Refusal(
            400,
            "Your request contains both token and basic auth parameter. "
            "Use only one method, you might be exposing your private API key.",
        )


# V2: a JSON Web Token


def token_is_there(attempt: UploadAttempt) -> None:
    """Ask for a token (`seed`)."""
    if not attempt.form.token:
        raise Refusal(400, "Your request is missing token parameter.")


def token_is_genuine(attempt: UploadAttempt) -> None:
    """Ask for a token that is well-formed and signed with the account's key (`seed`)."""
    attempt.token = jwt_reading.read(attempt.form.token or "", attempt.keys)


def token_is_fresh(attempt: UploadAttempt) -> None:
    """Refuse a token that has expired (`seed`)."""
    if attempt.now >= attempt.token.expires + attempt.rules.leeway:
        raise Refusal(400, "Your request contains expired token.")


def token_is_unused(attempt: UploadAttempt) -> None:
    """Refuse a token that was used before, whatever came of it (`seed`)."""
    attempt.spent = attempt.store.spend(attempt.token)
    if attempt.spent:
        return
    if attempt.rules.used_token == "used-before" or attempt.v1:  # noqa: S105 - a rule's name, no secret
        raise Refusal(
            400,
            f"The token with value '{attempt.form.token}' has been used before. "
            "Please generate a new token for each upload request.",
            secret=attempt.form.token,
        )
    raise Refusal(400, "Your request has invalid token.")


def nothing_strikes(attempt: UploadAttempt) -> None:
    """Let a fault strike that spends the token and stores nothing (`guess`: when a token is spent is open)."""
    if attempt.struck:
        raise FaultInjected


def payload_matches(attempt: UploadAttempt) -> None:
    """Compare claims and fields, in both directions (`seed`)."""
    claims, given = attempt.token.claims, attempt.form.fields
    if attempt.rules.other_claims == "ignore":
        claims = {name: value for name, value in claims.items() if name in given or name not in OF_THE_STANDARD}
    same = _equal if attempt.rules.payload == "json" else _identical
    repeated = [name for name in attempt.form.repeated if name != "file"]
    if repeated or claims.keys() != given.keys() or not all(same(claims[name], given[name]) for name in given):
        raise Refusal(
            400,
            "Your request contains invalid payload. It does not match with the payload used to generate token.",
        )


def _identical(claim: object, text: str) -> bool:
    return claim == text


def _equal(claim: object, text: str) -> bool:
    return claim == text or _parsed(claim) == _parsed(text)


def _parsed(value: object) -> object:
    try:
        return strict_json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value


# V1: a random token, and the signature of it and of the time until which it holds


def signature_is_there(attempt: UploadAttempt) -> None:
    """Ask for all that proves an upload by V1 (`docs`; the words are a `guess`)."""
    given = {**attempt.form.fields, "token": attempt.form.token}
    missing = [name for name in SIGNED if not given.get(name)]
    if len(missing) == len(SIGNED):
        raise _no_key()
    if missing:
        raise Refusal(400, f"Your request is missing {missing[0]} parameter.")


def public_key_is_ours(attempt: UploadAttempt) -> None:
    """Ask for the account's public key (`docs`: it says which account is meant)."""
    if attempt.form.fields["publicKey"] != attempt.keys.public:
        raise Refusal(403, "Your account cannot be authenticated.")


def signature_is_genuine(attempt: UploadAttempt) -> None:
    """Hold the signature to the token and its time (`docs`)."""
    token, expire = attempt.form.token or "", attempt.form.fields["expire"]
    if not signing.is_genuine(attempt.keys.private, token + expire, attempt.form.fields["signature"]):
        raise Refusal(400, "Your request contains invalid signature parameter.")
    attempt.token = jwt_reading.ReadToken({}, 0, jwt_reading.digest(token))


def signature_is_fresh(attempt: UploadAttempt) -> None:
    """Refuse a time that is over, or more than an hour ahead (`docs`)."""
    text = attempt.form.fields["expire"]
    if not (text.isascii() and text.isdigit() and len(text) <= LONGEST_TIME):
        raise invalid("expire", "It must be a Unix time in seconds.")
    if not attempt.now - attempt.rules.leeway < int(text) <= attempt.now + LONGEST_LIFE:
        raise invalid("expire", "It must be in the future, by less than an hour.")


BY_KEY: tuple[Check, ...] = (key_is_right, nothing_strikes)
BY_TOKEN: tuple[Check, ...] = (
    both_methods,
    token_is_there,
    token_is_genuine,
    token_is_fresh,
    token_is_unused,
    nothing_strikes,
    payload_matches,
)
BY_SIGNATURE: tuple[Check, ...] = (
    both_methods,
    signature_is_there,
    public_key_is_ours,
    signature_is_genuine,
    signature_is_fresh,
    token_is_unused,
    nothing_strikes,
)
