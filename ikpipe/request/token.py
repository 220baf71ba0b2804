"""Sign upload tokens (JWT) here, or ask an `authenticationEndpoint` for them [upload docs].

Theory of operation: the times of a token
-----------------------------------------
A token is a JWT over the form's fields and two times in whole seconds: `iat`, when it was issued, and `exp`, when it
expires. The service accepts it if its own clock is between the two and they are at most `LONGEST` apart [docs].

**Used once.** The service rejects a token that was used before, also after an error [upload docs]. That makes a retry
safe: after a lost response the same token is sent again (`recovery.py`), and the service itself prevents a second copy.
So two different requests must never have the same token, not even two rows with equal fields that are signed within one
second. Only the times can differ, not the other claims. `TokenTimes.next` therefore sets `iat` up to a third of
the lifetime into the past and `exp` up to a quarter of it early, and goes through all pairs in order. All threads and
runs of a process share one counter; each process starts at an `iat` of its own, by host name and process id.

**Lifetime.** `LIFETIME` is half of what the service allows. A journal stores `iat` and `exp`: with the same fields and
times, `LocalSigner.sign_at` makes the identical token, so another process can send it again.

**Correction of the clock.** With a wrong clock, tokens are expired or not valid yet. When the service rejects a token
and its `Date` header is outside of the token's times, `correct` adds the difference to all later times, and the request
is signed again. Parts of a table on a cluster share that (`times_of`).
The clock does not jump when the machine's time is set (`steady_clock`). `note_service_time` and
`service_time` are about the service's clock only: they convert a time of this machine to compare it with those of
stored files.
"""

import hmac
import json
import os
import random
import socket
import time
from collections.abc import Callable, Mapping
from functools import cache, lru_cache, partial
from itertools import count
from typing import Any, NamedTuple, NoReturn

import jwt
from jwt.utils import base64url_encode

from ikpipe.errors import Error, InvalidValue, MappingError, did_you_mean, keyword
from ikpipe.request.account import Account
from ikpipe.request.parameters import BY_WIRE, TABLE, encode
from ikpipe.request.secrets import Secret

LIFETIME = 1800  # seconds
LONGEST = 3600  # seconds between `iat` and `exp` [docs]
_TRANSIT = 5.0  # seconds between the service's `Date`, which has whole seconds, and its arrival
_HASH_BYTES = 32
_JSON = json.JSONEncoder(separators=(",", ":"))  # as PyJWT writes claims
_STRIDE = 371  # multiples by neighboring numbers, modulo 600, are far apart
_PLACES = count(random.randrange(LONGEST))  # noqa: S311 - to spread, not to hide


class UploadToken(NamedTuple):
    """An upload token, and the times that are signed into it, in seconds since 1970."""

    text: Secret
    iat: int
    exp: int


def steady_clock() -> Callable[[], float]:
    """Return a clock in seconds since 1970 that does not jump when the machine's clock is set.

    Time in which the machine sleeps counts where the system can tell it.
    """
    elapsed = partial(time.clock_gettime, time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic
    start = time.time() - elapsed()
    return lambda: start + elapsed()


class TokenTimes:
    """Chooses a different pair of `iat` and `exp` for each token.

    A token can be used once [upload docs], times are whole seconds, and there is no other claim that could distinguish
    the tokens of equal rows. So `iat` is a little in the past and `exp` a little early: a lifetime of L seconds has
    L/3 · L/4 pairs, which are used in order, `iat` slowly and backwards. Two tokens of one process then differ unless
    that many equal rows are signed within minutes, in whatever runs and threads: all share one counter. Each process
    starts at its own `iat`, far from those of processes with neighboring ids or on machines with other names.

    Parameters
    ----------
    clock
        Returns the time, in seconds since 1970; None is `here`.
    stripe
        Where `iat` starts; None derives it from host and process.
    start
        Where `exp` starts; None continues this process's counter.
    here
        Returns the machine's time; None is `steady_clock`.
    """

    def __init__(
        self,
        clock: Callable[[], float] | None = None,
        stripe: int | None = None,
        start: int | None = None,
        here: Callable[[], float] | None = None,
    ) -> None:
        self.here = here or steady_clock()
        self._clock = clock or self.here
        self._off = self._late = 0.0
        self._stripe = stripe
        self._count = _PLACES if start is None else count(start)

    def correct(self, seconds: float) -> bool:
        """Correct the tokens' clock by some seconds, if that is more than one; return whether it was."""
        if abs(seconds) > 1:
            self._off += seconds
        return abs(seconds) > 1

    def ahead(self, of: float) -> float:
        """Return by how many seconds a time is later than the tokens' clock."""
        return of - self._clock() - self._off

    def note_service_time(self, date: float) -> None:
        """Note the service's time as of now; a difference of a few seconds is that of transit."""
        late = date - self.here()
        self._late = late if abs(late) > _TRANSIT else 0.0

    def service_time(self, when: float) -> float:
        """Return the service's time at a time of this machine."""
        return when + self._late

    def machine_time(self, served: float) -> float:
        """Return the time of this machine at a time of the service."""
        return served - self._late

    def next(self, lifetime: int = LIFETIME) -> tuple[int, int]:
        """Return the next `iat` and `exp`, in whole seconds, at most `lifetime` apart.

        Raise `MappingError` if the lifetime is not between 1 and 3600 s.
        """
        if not 0 < lifetime <= LONGEST:
            words = f"A token's lifetime must be between 1 and {LONGEST:,} seconds."
            raise MappingError(words, about=keyword("lifetime", lifetime))
        back, early = max(lifetime // 3, 1), max(lifetime // 4, 1)
        slow, fast = divmod(next(self._count), early)
        now = int(self._clock() + self._off)
        return now - (self._first() - slow) % back, now + lifetime - (back - 1) - fast

    def _first(self) -> int:
        # Not kept, since a fork has another process id.
        stripe = os.getpid() + _host() if self._stripe is None else self._stripe
        return stripe * _STRIDE


_OF_SERVICES: dict[str, TokenTimes] = {}


def times_of(service: str) -> TokenTimes:
    """Return the times of tokens for the service at an address, which all parts of a table in this process share.

    So a wrong clock is noticed once, and not by a rejected upload of each part.
    """
    return _OF_SERVICES.setdefault(service, TokenTimes())


@cache
def _host() -> int:
    return sum(socket.gethostname().encode()) * 31


@lru_cache(64)
def _head(public_key: str) -> bytes:
    """Return the first part of tokens, which does not depend on the private key."""
    # PyJWT warns of keys shorter than the hash; the service chose the length of its keys.
    return jwt.encode({}, bytes(_HASH_BYTES), "HS256", {"kid": public_key}).partition(".")[0].encode()


class LocalSigner:
    """Signs tokens with the account's private key."""

    def __init__(self, account: Account, times: TokenTimes | None = None, lifetime: int = LIFETIME) -> None:
        # Key and header are the same for every token; PyJWT's `encode` would prepare them each time.
        self._key = _Key(account.key().encode())
        self._head = _head(account.public_key)
        self._times = times or TokenTimes()
        self._lifetime = lifetime

    def sign(self, fields: Mapping[str, str]) -> UploadToken:
        """Return a token for these fields: HS256, the public key as `kid`, each value as it is sent [upload docs]."""
        return self.sign_at(fields, *self._times.next(self._lifetime))

    def sign_at(self, fields: Mapping[str, str], iat: int, exp: int) -> UploadToken:
        """Return the token for these fields and times, which is always the same."""
        claims = _JSON.encode({**fields, "iat": iat, "exp": exp})
        signed = self._head + b"." + base64url_encode(claims.encode())
        signature = base64url_encode(hmac.digest(self._key, signed, "sha256"))
        return UploadToken(Secret(f"{signed.decode()}.{signature.decode()}"), iat, exp)


class _Key(bytes):
    """A key that is never shown and cannot be pickled."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        raise TypeError("A signer cannot be pickled: pickle the Account instead.")


def signing_request(fields: Mapping[str, str], account: Account, expire: int) -> dict[str, Any]:
    """Return the body of a request to an `authenticationEndpoint` [upload docs]."""
    return {"uploadPayload": dict(fields), "expire": expire, "publicKey": account.public_key}


def remote_expire(times: TokenTimes, lifetime: int = LIFETIME) -> int:
    """Return an `expire` for which an endpoint makes different tokens of equal rows, even within one second."""
    iat, exp = times.next(lifetime)
    return exp - iat


class SignerError(Error):
    """The authentication endpoint returned no token.

    `status` is the HTTP status, None without an answer; `wait` is the time to wait that it asks for, in seconds.
    """

    def __init__(self, message: str, status: int | None = None, wait: float | None = None) -> None:
        super().__init__(message)
        self.status, self.wait = status, wait

    @property
    def unauthorized(self) -> bool:
        """Whether the endpoint rejects this caller."""
        return self.status == 401  # noqa: PLR2004 - HTTP

    @property
    def refused(self) -> bool:
        """Whether the endpoint refuses to sign these fields."""
        return self.status in (400, 403, 413, 422)

    @property
    def pause(self) -> float | None:
        """The time that the endpoint names for its next request, in seconds, if it limits the number of requests."""
        return self.wait if self.status == 429 else None  # noqa: PLR2004 - HTTP

    @property
    def retryable(self) -> bool:
        """Whether the endpoint may sign the same fields later."""
        return self.status is None or not 400 <= self.status < 500 or self.status in (408, 425, 429)  # noqa: PLR2004


def read_token(status: int, body: object) -> UploadToken:
    """Return the token of an endpoint's answer: 200 and `{"token": …}` [upload docs].

    Raise `ValueError` if there is none; the message has no part of the answer.
    """
    text = body.get("token") if isinstance(body, dict) else None
    if status != 200 or not isinstance(text, str):  # noqa: PLR2004 - HTTP's own number
        raise ValueError(f"it answered {status} without a token")
    try:
        claims = jwt.decode(text, options={"verify_signature": False})
        return UploadToken(Secret(text), int(claims["iat"]), int(claims["exp"]))
    except (jwt.PyJWTError, KeyError, TypeError, ValueError, OverflowError):
        raise ValueError("its token is not a JWT with iat and exp") from None


def sign(parameters: Mapping[str, Any], account: Account, *, lifetime: int = LIFETIME) -> Secret:
    """Return an upload token for these parameters.

    Parameters
    ----------
    parameters
        Upload parameters in either spelling; each value is checked, and signed as it has to be sent.
    account
        The account, with its private key.
    lifetime
        Longest lifetime of the token in seconds: 1 to 3,600 [docs].

    Returns
    -------
    Secret
        The JWT: a `str` whose `repr` does not show it.

    Raises
    ------
    MappingError
        A parameter is unknown or breaks its rule, or the lifetime is out of range.
    AccountError
        The account has no private key.
    """
    fields = {}
    for spelling, value in parameters.items():
        name = BY_WIRE.get(spelling, spelling)
        if name not in TABLE or name == "file":
            raise MappingError(f"There is no parameter {spelling!r} to sign{did_you_mean(spelling, TABLE)}.")
        try:
            fields[TABLE[name].wire] = encode(name, value)
        except InvalidValue as bad:
            raise MappingError(bad.message, fix=bad.fix, about=keyword(name, value)) from None
    return LocalSigner(account, lifetime=lifetime).sign(fields).text
