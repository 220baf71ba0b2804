"""Who uploads: authorized by a token (V2), by a signature (V1), or by the private key (both).

Each check is a function, as in `validators`. A token is marked as used before anything else is checked, since a request
that fails later has used it as well [upload docs].
"""

import base64
import hmac
import operator
from collections.abc import Callable

from ikpipe.emulator import signatures, strict_json
from ikpipe.emulator.error_responses import ErrorResponse, invalid_parameter, missing_parameter
from ikpipe.emulator.keys import AccountKeys
from ikpipe.emulator.upload import jwt_reading
from ikpipe.emulator.upload.validators import UploadAttempt

Check = Callable[[UploadAttempt], None]

SIGNED = ("token", "expire", "signature", "publicKey")
"""The fields of a V1 upload that the private key does not authorize [docs]."""
REGISTERED_CLAIMS = frozenset({"iss", "sub", "aud", "nbf", "jti"})
"""Claims of every JSON Web Token, besides its times [RFC 7519, 4.1]."""
LONGEST_LIFE = 3600
"""Maximum number of seconds that V1's `expire` is in the future [docs]."""
LONGEST_TIME = 15
"""Maximum number of digits of a time."""


class FaultInjected(Exception):  # noqa: N818 - requested, not a failure of the program
    """A fault is due after the upload's token was marked as used."""


def check_key(authorization: str, keys: AccountKeys) -> None:
    """Require basic authentication with the private key as the user name [docs].

    The password is ignored: in the docs it is empty, but official SDKs send one [sdk].
    """
    method, _, credentials = authorization.partition(" ")
    if method.lower() != "basic":
        raise _missing_key()
    try:
        user, colon, _ = base64.b64decode(credentials, validate=True).partition(b":")
    except ValueError:
        user, colon = b"", b""
    # in constant time, as every comparison with a secret
    if not (hmac.compare_digest(user, keys.private.encode()) and colon):
        raise ErrorResponse(403, "Your account cannot be authenticated.")


def _missing_key() -> ErrorResponse:
    return ErrorResponse(401, "Your request does not contain private API key.")


def checks_of(attempt: UploadAttempt) -> tuple[Check, ...]:
    """Return the checks for the upload's kind of authorization."""
    if attempt.authorization is not None and not attempt.form.token:
        return BY_KEY
    return BY_SIGNATURE if attempt.v1 else BY_TOKEN


def key_is_right(attempt: UploadAttempt) -> None:
    """Require the private key [docs: "server side file upload"]."""
    check_key(attempt.authorization or "", attempt.account.keys)
    attempt.token = jwt_reading.NO_TOKEN


def one_method(attempt: UploadAttempt) -> None:
    """Reject a token together with basic authentication [spec]."""
    if attempt.authorization is not None and attempt.form.token:
        raise ErrorResponse(
            400,
            "Your request contains both token and basic auth parameter. "
            "Use only one method, you might be exposing your private API key.",
        )


# V2: a JSON Web Token


def token_is_there(attempt: UploadAttempt) -> None:
    """Require a token [upload docs]."""
    if not attempt.form.token:
        raise missing_parameter("token")


def token_is_genuine(attempt: UploadAttempt) -> None:
    """Require a well-formed token that is signed with the account's key [upload docs]."""
    attempt.token = jwt_reading.read(attempt.form.token or "", attempt.account.keys)


def token_is_fresh(attempt: UploadAttempt) -> None:
    """Reject an expired token [upload docs]."""
    if attempt.now >= attempt.token.expires + attempt.account.rules.leeway:
        raise ErrorResponse(400, "Your request contains expired token.")


def token_is_unused(attempt: UploadAttempt) -> None:
    """Mark the token as used; reject one that was used before, whatever the result was [upload docs]."""
    attempt.spent = attempt.account.store.tokens.spend(attempt.token)
    if attempt.spent:
        return
    if attempt.account.rules.used_token == "used-before" or attempt.v1:  # noqa: S105 - a rule's value, no secret
        raise ErrorResponse(
            400,
            f"The token with value '{attempt.form.token}' has been used before. "
            "We suggest using V4 UUIDs, or another random string with enough entropy to avoid collisions.",
            secret=attempt.form.token,
        )
    raise jwt_reading.invalid_token()


def no_fault_is_due(attempt: UploadAttempt) -> None:
    """Start a fault that spends the token and stores nothing [guess: when a token is spent is not documented]."""
    if attempt.fault_due:
        raise FaultInjected


def payload_matches(attempt: UploadAttempt) -> None:
    """Require that claims and form fields are the same [upload docs]."""
    claims, fields = attempt.token.claims, attempt.form.fields
    if attempt.account.rules.other_claims == "ignore":
        claims = {name: value for name, value in claims.items() if name in fields or name not in REGISTERED_CLAIMS}
    same = _equal if attempt.account.rules.payload == "json" else operator.eq
    repeated = [name for name in attempt.form.repeated if name != "file"]
    if repeated or claims.keys() != fields.keys() or not all(same(claims[name], fields[name]) for name in fields):
        raise ErrorResponse(
            400,
            "Your request contains invalid payload. It does not match with the payload used to generate token.",
        )


def _equal(claim: object, text: str) -> bool:
    return claim == text or _parsed(claim) == _parsed(text)


def _parsed(value: object) -> object:
    try:
        return strict_json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value


# V1: a random token, and a signature of the token and its expiry


def signature_is_there(attempt: UploadAttempt) -> None:
    """Require all fields that authorize a V1 upload [docs; guess for the message]."""
    fields = {**attempt.form.fields, "token": attempt.form.token}
    missing = [name for name in SIGNED if not fields.get(name)]
    if len(missing) == len(SIGNED):
        raise _missing_key()
    if missing:
        raise missing_parameter(missing[0])


def public_key_is_ours(attempt: UploadAttempt) -> None:
    """Require the account's public key [docs]."""
    if attempt.form.fields["publicKey"] != attempt.account.keys.public:
        raise ErrorResponse(403, "Your account cannot be authenticated.")


def signature_is_genuine(attempt: UploadAttempt) -> None:
    """Require a signature of the token and its expiry [docs]."""
    token, expire = attempt.form.token or "", attempt.form.fields["expire"]
    if not signatures.is_genuine(attempt.account.keys.private, token + expire, attempt.form.fields["signature"]):
        raise ErrorResponse(400, "Your request contains invalid signature parameter.")
    attempt.token = jwt_reading.ReadToken({}, 0, jwt_reading.digest(token))


def signature_is_fresh(attempt: UploadAttempt) -> None:
    """Reject an expiry that has passed, or is more than an hour in the future [docs]."""
    text = attempt.form.fields["expire"]
    if not (text.isascii() and text.isdigit() and len(text) <= LONGEST_TIME):
        raise _invalid_expire()
    if not attempt.now - attempt.account.rules.leeway < int(text) <= attempt.now + LONGEST_LIFE:
        raise _invalid_expire()


def _invalid_expire() -> ErrorResponse:
    """Return the 400 for an expiry [recorded, for one that is too far in the future]."""
    return invalid_parameter("expire", "Expire parameter should be a Unix time in less than 1 hour into the future.")


BY_KEY: tuple[Check, ...] = (key_is_right, no_fault_is_due)
BY_TOKEN: tuple[Check, ...] = (
    one_method,
    token_is_there,
    token_is_genuine,
    token_is_fresh,
    token_is_unused,
    no_fault_is_due,
    payload_matches,
)
BY_SIGNATURE: tuple[Check, ...] = (
    one_method,
    signature_is_there,
    public_key_is_ours,
    signature_is_genuine,
    signature_is_fresh,
    token_is_unused,
    no_fault_is_due,
)
