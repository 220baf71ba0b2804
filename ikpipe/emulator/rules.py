"""The service's checks of an upload, one a function, in the order in which they are made.

The words of each refusal are the documented ones, letter for letter (`spec`). The order is a `guess`: the account,
then the token, then what is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from ikpipe.emulator import fields as custom_fields
from ikpipe.emulator import parameters, strict_json, tokens
from ikpipe.emulator.extensions import run_checks
from ikpipe.emulator.refusals import Refusal, invalid

if TYPE_CHECKING:
    from collections.abc import Callable

    from ikpipe.emulator.form import Form, Spool
    from ikpipe.emulator.load import Load
    from ikpipe.emulator.settings import Rules
    from ikpipe.emulator.store import Store


class Struck(Exception):  # noqa: N818 - it was asked for, and is no fault of the program
    """A fault strikes the upload in the moment in which its token has been spent."""


@dataclass(slots=True)
class Attempt:
    """One upload before the checks; they fill in `token` and `wanted`."""

    form: Form
    authorized: bool
    """Whether an Authorization header came with it."""
    now: float
    index_delay: float
    """Seconds by which a fault delays the file in lists."""
    keys: tokens.Keys
    rules: Rules
    store: Store
    load: Load
    struck: bool = False
    """Whether a fault strikes once the token is spent."""
    spent: bool = False
    """Whether this attempt is the one that used its token up."""
    token: tokens.Token = field(init=False)
    wanted: parameters.Wanted = field(init=False)

    @property
    def file(self) -> Spool:
        """The file, once a check has seen that there is one."""
        if self.form.file is None:
            raise Refusal(400, "Your request is missing file parameter.")
        return self.form.file


def outage(attempt: Attempt) -> None:
    """Play a service that is down, which says nothing (`sdk`: a 5xx can have an empty body)."""
    rules = attempt.rules
    if rules.outage and attempt.load.within("outage", rules.outage_times):
        raise Refusal(rules.outage, "")


def too_fast(attempt: Attempt) -> None:
    """Refuse uploads past a rate, if a rule gives one (`docs`: "the upload API is not rate-limited")."""
    attempt.load.count_request("upload", attempt.rules.upload_rate, attempt.rules.rate_interval)


def account(attempt: Attempt) -> None:
    """Refuse an account that is not in order (`spec`)."""
    check_account(attempt.rules)


def check_account(rules: Rules) -> None:
    """Refuse every request of an account in one of the four bad states (`spec`)."""
    if rules.key_missing:
        raise Refusal(401, "Your request does not contain private API key.")
    if rules.account_unauthenticated:
        raise Refusal(403, "Your account cannot be authenticated.")
    if rules.key_expired:
        raise Refusal(403, "Your request contains expired private API key.")
    if rules.account_disabled:
        raise Refusal(403, "Your account is disabled.")


def both_methods(attempt: Attempt) -> None:
    """Refuse a token together with basic authentication (`spec`)."""
    if attempt.authorized and attempt.form.token:
        raise Refusal(
            400,
            "Your request contains both token and basic auth parameter. "
            "Use only one method, you might be exposing your private API key.",
        )


def token_is_there(attempt: Attempt) -> None:
    """Ask for a token (`seed`)."""
    if not attempt.form.token:
        raise Refusal(400, "Your request is missing token parameter.")


def token_is_genuine(attempt: Attempt) -> None:
    """Ask for a token that is well-formed and signed with the account's key (`seed`)."""
    attempt.token = tokens.read(attempt.form.token or "", attempt.keys)


def token_is_fresh(attempt: Attempt) -> None:
    """Refuse a token that has expired (`seed`)."""
    if attempt.now >= attempt.token.expires + attempt.rules.leeway:
        raise Refusal(400, "Your request contains expired token.")


def token_is_unused(attempt: Attempt) -> None:
    """Refuse a token that was used before, whatever came of it (`seed`)."""
    attempt.spent = attempt.store.spend(attempt.token)
    if attempt.spent:
        return
    if attempt.rules.used_token == "used-before":  # noqa: S105 - a rule's name, no secret
        raise Refusal(
            400,
            f"The token with value '{attempt.form.token}' has been used before. "
            "Please generate a new token for each upload request.",
            secret=attempt.form.token,
        )
    raise Refusal(400, "Your request has invalid token.")


def nothing_strikes(attempt: Attempt) -> None:
    """Let a fault strike that spends the token and stores nothing (`guess`: when a token is spent is open)."""
    if attempt.struck:
        raise Struck


def payload_matches(attempt: Attempt) -> None:
    """Compare claims and fields, in both directions (`seed`)."""
    claims, given = attempt.token.claims, attempt.form.fields
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


def one_file(attempt: Attempt) -> None:
    """Ask for a file (`seed`), and one alone (`docs`; the words for a second one are a `guess`)."""
    if "file" in attempt.form.repeated:
        raise invalid("file", "Only one file can be uploaded in a request.")
    if attempt.file.size == 0:
        raise Refusal(400, "Your request is missing file parameter.")


def parameters_are_valid(attempt: Attempt) -> None:
    """Hold every parameter to its own rules (`seed`, `spec`)."""
    attempt.wanted = parameters.read(attempt.form.fields, attempt.rules)


def metadata_fits(attempt: Attempt) -> None:
    """Hold custom metadata to fields that exist, and to their schemas (`seed`, `spec`)."""
    given = attempt.wanted.metadata
    if given is not None or attempt.rules.required_fields == "always":
        custom_fields.check_values(given or {}, attempt.store.fields())


def checks_pass(attempt: Attempt) -> None:
    """Hold the request to the conditions that came with it (`spec`)."""
    run_checks(attempt.form.fields.get("checks", ""), attempt.form.fields)


def quota_is_left(attempt: Attempt) -> None:
    """Refuse what goes over the account's quotas (`spec`)."""
    rules, extensions = attempt.rules, len(attempt.wanted.extensions)
    if rules.upload_quota is not None and attempt.store.uploads >= rules.upload_quota:
        raise Refusal(rules.quota_status, "Upload Limit Exceeded.")
    if extensions and not attempt.load.take("extensions", extensions, rules.extension_quota):
        raise Refusal(rules.quota_status, "Extensions quota exceeded.")


def not_busy(attempt: Attempt) -> None:
    """Refuse a file that is updated too often (`spec`; which file, and how often, is a rule's to say)."""
    rules, name = attempt.rules, attempt.wanted.name
    if rules.busy and fnmatchcase(name, rules.busy) and attempt.load.within(f"busy {name}", rules.busy_times):
        raise Refusal(400, "You have sent too many requests to update the file recently. Please try again later.")


# a gateway makes these, before the service takes its time
AT_THE_DOOR: tuple[Callable[[Attempt], None], ...] = (outage, too_fast, account)
# a token is spent before anything else is looked at, since a request that fails later has used it (seed)
CHECKS: tuple[Callable[[Attempt], None], ...] = (
    both_methods,
    token_is_there,
    token_is_genuine,
    token_is_fresh,
    token_is_unused,
    nothing_strikes,
    payload_matches,
    one_file,
    parameters_are_valid,
    metadata_fits,
    checks_pass,
    quota_is_left,
    not_busy,
)
