"""The service's checks of an upload, one per function, in the order in which they are made.

The messages are the documented ones, letter for letter [spec]. The order is a guess: the account, then who uploads
(`authentication`), then the parameters.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from ikpipe.emulator.account import EmulatedAccount
from ikpipe.emulator.error_responses import ErrorResponse, invalid_parameter, missing_parameter
from ikpipe.emulator.library import custom_fields
from ikpipe.emulator.library.query_parser import Predicate
from ikpipe.emulator.rules import Rules
from ikpipe.emulator.settings.saved_extensions import with_saved
from ikpipe.emulator.upload import checks_parameter, jwt_reading
from ikpipe.emulator.upload.form import FormSpool, ReceivedForm
from ikpipe.emulator.upload.parameters import UploadParameters, read_parameters


@dataclass(slots=True)
class UploadAttempt:
    """One upload request; the checks set `token`, `parameters` and `condition`."""

    account: EmulatedAccount
    form: ReceivedForm
    v1: bool
    """Whether it was sent to the V1 endpoint."""
    authorization: str | None
    """The Authorization header, if any."""
    now: float
    index_delay: float
    """Seconds by which a fault delays the file in lists."""
    request_id: str = ""
    fault_due: bool = False
    """Whether a fault is due once the token is spent."""
    spent: bool = False
    """Whether this request marked its token as used."""
    condition: Predicate | None = None
    """The condition in the parameter `checks`."""
    token: jwt_reading.ReadToken = field(init=False)
    parameters: UploadParameters = field(init=False)

    @property
    def file(self) -> FormSpool:
        """The file that was sent."""
        if self.form.file is None:
            raise missing_parameter("file")
        return self.form.file


def outage(attempt: UploadAttempt) -> None:
    """Simulate an outage [sdk: a 5xx can have an empty body]."""
    rules = attempt.account.rules
    if rules.outage and attempt.account.limits.take("outage", rules.outage_times):
        raise ErrorResponse(rules.outage, "")


def rate_limit(attempt: UploadAttempt) -> None:
    """Reject uploads beyond the rule's rate, if any [docs: "the upload API is not rate-limited"]."""
    attempt.account.limits.count_request(
        "upload", attempt.account.rules.upload_rate, attempt.account.rules.rate_interval
    )


def account(attempt: UploadAttempt) -> None:
    """Reject uploads to an account that cannot be used [spec]."""
    check_account(attempt.account.rules)


def check_account(rules: Rules) -> None:
    """Reject every request to an account in one of the four error states [spec]."""
    if rules.key_missing:
        raise ErrorResponse(401, "Your request does not contain private API key.")
    if rules.account_unauthenticated:
        raise ErrorResponse(403, "Your account cannot be authenticated.")
    if rules.key_expired:
        raise ErrorResponse(403, "Your request contains expired private API key.")
    if rules.account_disabled:
        raise ErrorResponse(403, "Your account is disabled.")


def one_file(attempt: UploadAttempt) -> None:
    """Require one file [upload docs], and no more than one [docs; guess for the message]."""
    if "file" in attempt.form.repeated:
        raise invalid_parameter("file", "Only one file can be uploaded in a request.")
    if attempt.file.size == 0:
        raise missing_parameter("file")


def parameters_are_valid(attempt: UploadAttempt) -> None:
    """Check each parameter by its own rules [upload docs, spec]."""
    attempt.parameters = parameters = read_parameters(attempt.form.fields, attempt.account.rules)
    if parameters.extensions:
        attempt.parameters = replace(parameters, extensions=with_saved(attempt.account.store, parameters.extensions))


def metadata_fits(attempt: UploadAttempt) -> None:
    """Check custom metadata against the account's fields and their schemas [upload docs, spec]."""
    values = attempt.parameters.metadata
    if values is not None or attempt.account.rules.required_fields == "always":
        custom_fields.check_values(values or {}, attempt.account.store.fields.all())


def checks_can_be_read(attempt: UploadAttempt) -> None:
    """Parse the parameter `checks` [spec]; its condition is evaluated when the file is known."""
    text = attempt.form.fields.get("checks", "")
    if text:
        schemas = {field["name"]: field["schema"] for field in attempt.account.store.fields.all()}
        attempt.condition = checks_parameter.read(text, schemas)


def quota_is_left(attempt: UploadAttempt) -> None:
    """Reject what exceeds the account's quotas [spec]."""
    rules, extensions = attempt.account.rules, len(attempt.parameters.extensions)
    if rules.upload_quota is not None and attempt.account.store.files.uploads >= rules.upload_quota:
        raise ErrorResponse(rules.quota_status, "Upload Limit Exceeded.")
    if extensions:
        take_extensions(attempt.account, extensions)


def take_extensions(account: EmulatedAccount, number: int) -> None:
    """Count extensions; reject what exceeds the quota [spec]."""
    if not account.limits.take("extensions", account.rules.extension_quota, number):
        raise ErrorResponse(account.rules.quota_status, "Extensions quota exceeded.")
    account.usage.add("extensions", number)


def not_busy(attempt: UploadAttempt) -> None:
    """Reject a file that is updated too often [spec; rules say which file, and how many times]."""
    rules, name = attempt.account.rules, attempt.parameters.name
    if rules.busy and fnmatchcase(name, rules.busy) and attempt.account.limits.take(f"busy {name}", rules.busy_times):
        raise ErrorResponse(400, "You have sent too many requests to update the file recently. Please try again later.")


# made at once, as by a gateway, without the service's latency
GATEWAY_CHECKS: tuple[Callable[[UploadAttempt], None], ...] = (outage, rate_limit, account)
# made after authentication
CHECKS: tuple[Callable[[UploadAttempt], None], ...] = (
    one_file,
    parameters_are_valid,
    metadata_fits,
    checks_can_be_read,
    quota_is_left,
    not_busy,
)
