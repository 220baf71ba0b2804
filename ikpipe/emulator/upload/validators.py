"""The service's checks of an upload, one a function, in the order in which they are made.

The words of each refusal are the documented ones, letter for letter (`spec`). The order is a `guess`: the account,
then who uploads (`authentication`), then what is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from ikpipe.emulator.library import fields as custom_fields
from ikpipe.emulator.refusals import Refusal, invalid
from ikpipe.emulator.upload import checks, parameters

if TYPE_CHECKING:
    from collections.abc import Callable

    from ikpipe.emulator.library.query import Predicate
    from ikpipe.emulator.load import Load
    from ikpipe.emulator.settings import Rules
    from ikpipe.emulator.store import Store
    from ikpipe.emulator.upload import jwt_reading
    from ikpipe.emulator.upload.form import FormSpool, ReceivedForm


@dataclass(slots=True)
class UploadAttempt:
    """One upload before the checks; they fill in `token` and `wanted`."""

    form: ReceivedForm
    v1: bool
    """Whether it came to the endpoint of V1."""
    authorization: str | None
    """The Authorization header, if one came with it."""
    now: float
    index_delay: float
    """Seconds by which a fault delays the file in lists."""
    keys: jwt_reading.AccountKeys
    rules: Rules
    store: Store
    load: Load
    request_id: str = ""
    struck: bool = False
    """Whether a fault strikes once the token is spent."""
    spent: bool = False
    """Whether this attempt is the one that used its token up."""
    condition: Predicate | None = None
    """What `checks` ask for."""
    token: jwt_reading.ReadToken = field(init=False)
    wanted: parameters.UploadParameters = field(init=False)

    @property
    def file(self) -> FormSpool:
        """The file, once a check has seen that there is one."""
        if self.form.file is None:
            raise Refusal(400, "Your request is missing file parameter.")
        return self.form.file


def outage(attempt: UploadAttempt) -> None:
    """Play a service that is down, which says nothing (`sdk`: a 5xx can have an empty body)."""
    rules = attempt.rules
    if rules.outage and attempt.load.within("outage", rules.outage_times):
        raise Refusal(rules.outage, "")


def too_fast(attempt: UploadAttempt) -> None:
    """Refuse uploads past a rate, if a rule gives one (`docs`: "the upload API is not rate-limited")."""
    attempt.load.count_request("upload", attempt.rules.upload_rate, attempt.rules.rate_interval)


def account(attempt: UploadAttempt) -> None:
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


def one_file(attempt: UploadAttempt) -> None:
    """Ask for a file (`seed`), and one alone (`docs`; the words for a second one are a `guess`)."""
    if "file" in attempt.form.repeated:
        raise invalid("file", "Only one file can be uploaded in a request.")
    if attempt.file.size == 0:
        raise Refusal(400, "Your request is missing file parameter.")


def parameters_are_valid(attempt: UploadAttempt) -> None:
    """Hold every parameter to its own rules (`seed`, `spec`)."""
    attempt.wanted = parameters.read(attempt.form.fields, attempt.rules)


def metadata_fits(attempt: UploadAttempt) -> None:
    """Hold custom metadata to fields that exist, and to their schemas (`seed`, `spec`)."""
    given = attempt.wanted.metadata
    if given is not None or attempt.rules.required_fields == "always":
        custom_fields.check_values(given or {}, attempt.store.fields())


def checks_can_be_read(attempt: UploadAttempt) -> None:
    """Read the conditions that came with the request (`spec`); they are tried when the file is known."""
    text = attempt.form.fields.get("checks", "")
    if text:
        schemas = {field["name"]: field["schema"] for field in attempt.store.fields()}
        attempt.condition = checks.read(text, schemas)


def quota_is_left(attempt: UploadAttempt) -> None:
    """Refuse what goes over the account's quotas (`spec`)."""
    rules, extensions = attempt.rules, len(attempt.wanted.extensions)
    if rules.upload_quota is not None and attempt.store.uploads >= rules.upload_quota:
        raise Refusal(rules.quota_status, "Upload Limit Exceeded.")
    if extensions and not attempt.load.take("extensions", extensions, rules.extension_quota):
        raise Refusal(rules.quota_status, "Extensions quota exceeded.")


def not_busy(attempt: UploadAttempt) -> None:
    """Refuse a file that is updated too often (`spec`; which file, and how often, is a rule's to say)."""
    rules, name = attempt.rules, attempt.wanted.name
    if rules.busy and fnmatchcase(name, rules.busy) and attempt.load.within(f"busy {name}", rules.busy_times):
        raise Refusal(400, "You have sent too many requests to update the file recently. Please try again later.")


# a gateway makes these, before the service takes its time
AT_THE_DOOR: tuple[Callable[[UploadAttempt], None], ...] = (outage, too_fast, account)
# what follows once it is known who uploads
CHECKS: tuple[Callable[[UploadAttempt], None], ...] = (
    one_file,
    parameters_are_valid,
    metadata_fits,
    checks_can_be_read,
    quota_is_left,
    not_busy,
)
