"""The closed list of codes that a row can end with, and what to do about each."""

from __future__ import annotations

from typing import NamedTuple

from ikpipe.errors.texts import RETRY, ApiName, Message, keyword


class Code(NamedTuple):
    """What a code of `CODES` means, and what a user does about it."""

    status: str
    meaning: str
    fix: str


_CHECKS_FIRST = Message(RETRY, " checks the library first.")

CODES: dict[str, Code] = {
    # Broken rules, found on this machine: the row was not sent.
    "missing_file": Code("invalid", "The row has no file.", "Fill in the file, or delete the row."),
    "file_not_allowed": Code(
        "invalid",
        "The path must not be uploaded: no root folder is set, the path leads out of it, or it is a `file://` URL.",
        Message("Set the root folder with ", keyword("root"), ", and use paths inside it."),
    ),
    "file_not_found": Code("invalid", "The file does not exist.", "Correct the path."),
    "file_unreadable": Code(
        "invalid", "The file cannot be read, or is a folder.", "Correct its permissions or the path."
    ),
    "file_too_large": Code(
        "invalid",
        Message("The file is too large for your ImageKit plan, or for ", ApiName("account", "max_file_size"), "."),
        "Use a smaller file, or upgrade the plan.",
    ),
    "bad_file": Code(
        "invalid",
        "The file is empty, its base64 is not valid, or the value cannot be a file.",
        Message("Use a URL, a path, bytes, a data URI, or base64 with ", keyword("file_kind", "base64"), "."),
    ),
    "missing_name": Code(
        "invalid",
        "The file has no name of its own, and none is given.",
        Message("Pass a file name, such as ", keyword("file_name", "{sku}.jpg"), "."),
    ),
    "missing_cell": Code("invalid", "A cell that a `{column}` of a template needs is empty.", "Fill in the cell."),
    "not_boolean": Code("invalid", "The value is not a valid boolean.", "Use true/false, yes/no or 1/0."),
    "too_long": Code("invalid", "The text is too long.", "Shorten it."),
    "bad_character": Code("invalid", "The text contains a character that is not allowed.", "Remove or replace it."),
    "too_deep": Code("invalid", "The folder is nested more than 50 levels deep.", "Use a shorter folder path."),
    "bad_coordinates": Code("invalid", "The coordinates are not `x,y,width,height`.", "Use four whole numbers."),
    "bad_json": Code("invalid", "The value is not valid JSON, or not the JSON that is needed.", "Correct the JSON."),
    "bad_url": Code("invalid", "The value is not a valid http(s) URL.", "Correct the URL."),
    "unreadable_value": Code(
        "invalid",
        "Reading the value raised an unexpected exception; `ik_message` has its text.",
        "Replace the value with text, a number or a list of these.",
    ),
    "unknown_name": Code(
        "invalid",
        "There is no response field or custom metadata field with this name.",
        "Correct the name, or create the field.",
    ),
    "wrong_type": Code("invalid", "The value has the wrong type.", "Correct the value."),
    "out_of_range": Code("invalid", "The value is outside the limits or options of its field.", "Correct the value."),
    "same_target": Code(
        "invalid",
        "Another row of this run has the same folder and file name.",
        Message("Give each row its own file name, or pass ", keyword("use_unique_file_name", True), "."),
    ),
    "url_unreachable": Code(
        "invalid",
        Message("The URL did not return a file (checked with ", keyword("probe", True), ")."),
        "Open the URL in a browser, and correct it.",
    ),
    # Rejected by the service: not stored.
    "token_missing": Code("failed", "The request arrived without its token.", "Check whether a proxy alters uploads."),
    "token_expired": Code("failed", "The token had expired when it arrived.", "Set this machine's clock, then retry."),
    "token_invalid": Code(
        "failed",
        "ImageKit rejected the token. With `unknown`, the request may have arrived twice, and the file may be stored.",
        "Check that both keys belong to one account.",
    ),
    "payload_mismatch": Code(
        "failed",
        "The form differs from what the token signs.",
        "Check the authentication endpoint: it must sign every field.",
    ),
    "two_credentials": Code(
        "failed", "The request had both a token and basic authentication.", "Remove the basic authentication."
    ),
    "file_missing": Code("failed", "The request arrived without its file.", "Check whether a proxy alters uploads."),
    "name_taken": Code(
        "failed",
        "A file with this name exists and must not be replaced.",
        Message("Rename the file, or pass ", keyword("overwrite_file", True), "."),
    ),
    "upload_quota": Code(
        "failed", "The account's upload limit is used up.", "Free up space or upgrade the plan, then retry."
    ),
    "extension_quota": Code(
        "failed", "The account's extension units are used up.", "Buy more units, or remove the extensions."
    ),
    "busy": Code(
        "failed", "There were too many requests for this file, and the retries ran out.", "Wait a little, then retry."
    ),
    "rate_limited": Code(
        "failed",
        "There were too many requests, and the retries ran out.",
        Message("Wait, or lower ", keyword("rate"), ", then retry."),
    ),
    "bad_transformation": Code("failed", "ImageKit rejected the transformation.", "Correct the transformation."),
    "bad_checks": Code("failed", "ImageKit rejected the syntax of the checks.", "Correct the checks."),
    "checks_failed": Code("failed", "The file did not pass the checks.", "Use another file, or relax the checks."),
    "key_missing": Code("failed", "ImageKit received no private key (401).", "Check the account's keys."),
    "account_refused": Code("failed", "ImageKit rejected the account keys (403).", "Check the account's keys."),
    "key_expired": Code("failed", "The private key has expired (403).", "Create a new key in the dashboard."),
    "account_disabled": Code("failed", "The account is disabled (403).", "Contact ImageKit's support."),
    "refused": Code(
        "failed",
        "ImageKit rejected the row; `ik_message` has the reason.",
        "Read the reason. If the file is a URL, it must open without a login and send headers within 8 s.",
    ),
    # Network, waits, authentication endpoint, downloads.
    "connection_failed": Code(
        "failed",
        "ImageKit could not be reached, or the connection failed before the whole file was sent.",
        "Check the network and the proxy, then retry.",
    ),
    "wait_too_long": Code(
        "failed",
        Message(
            "The service asked to wait longer than ",
            ApiName("policy", "longest_wait"),
            " or, for the whole run, ",
            ApiName("policy", "longest_pause"),
            " allows. With `unknown`, the file may be stored.",
        ),
        "Retry after that time, or raise the limit.",
    ),
    "signer_failed": Code(
        "failed", "The authentication endpoint returned no token.", "Check the endpoint's log, then retry."
    ),
    "signer_refused": Code(
        "failed",
        "The authentication endpoint refused to sign this row; `ik_message` has the reason.",
        "Change the row, or ask whoever runs the endpoint.",
    ),
    "signer_unauthorized": Code(
        "failed",
        "The authentication endpoint rejected this caller (401).",
        Message("Check ", ApiName("account", "headers"), ", then retry."),
    ),
    "fetch_failed": Code(
        "failed",
        Message(
            "This machine (", keyword("fetch", "client"), ") could not download the URL, or its host is not public."
        ),
        Message("Correct the URL, or allow its host with ", keyword("fetch_hosts"), ", then retry."),
    ),
    "size_differs": Code(
        "failed",
        "The stored file and the sent file have different sizes.",
        "Check the stored file, then upload it again.",
    ),
    "file_changed": Code(
        "failed", "The file changed while it was being sent.", "Wait until the file is complete, then retry."
    ),
    "server_error": Code(
        "unknown", "ImageKit answered with a server error (5xx); the file may be stored.", _CHECKS_FIRST
    ),
    "connection_lost": Code(
        "unknown", "The connection failed after the upload started; the file may be stored.", _CHECKS_FIRST
    ),
    "timed_out": Code("unknown", "ImageKit did not answer in time; the file may be stored.", _CHECKS_FIRST),
    "bad_reply": Code(
        "unknown",
        "The reply could not be read or came from a gateway, firewall or proxy instead of ImageKit; the file may be "
        "stored. With `failed`, it is not stored.",
        Message(_CHECKS_FIRST, " If the error stays, ask your network's administrator."),
    ),
    "cancelled": Code("cancelled", "The run stopped before this row was sent.", Message("Use ", RETRY, ".")),
}
"""Every value of `ik_error`: the status that it usually comes with, its meaning, and what to do about it."""

WARNINGS: dict[str, Code] = {
    "name_adjusted": Code(
        "warning",
        "The file name or folder has characters that ImageKit may not keep; `_` is sent instead of them.",
        Message(
            "There is nothing to fix. If your account keeps these characters, use ",
            ApiName("policy", "names", "as_given"),
            ".",
        ),
    ),
}
"""Every code that a warning of `check` can have. Warnings never become an `ik_error`: `ik_warnings` has their text."""
