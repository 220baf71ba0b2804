"""The closed list of codes that a row can end with, and what to do about each."""

from typing import NamedTuple

from ikpipe.errors.texts import CREATE_FIELDS, RETRY, ApiName, Message, keyword


class Code(NamedTuple):
    """What a code of `CODES` means, and what a user does about it."""

    status: str
    meaning: str
    fix: str


_CHECKS_FIRST = Message(RETRY, " checks the library first.")

_TEXTS: dict[str, dict[str, tuple[str, str]]] = {
    # Broken rules, found on this machine: the row was not sent.
    "invalid": {
        "missing_file": ("The row has no file.", "Fill in the file, or delete the row."),
        "file_not_allowed": (
            "The path must not be uploaded: no root folder is set, the path leads out of it, or it is a `file://` URL.",
            Message("Set the root folder with ", keyword("root"), ", and use paths inside it."),
        ),
        "file_not_found": ("The file does not exist.", "Correct the path."),
        "file_unreadable": ("The file cannot be read, or is a folder.", "Correct its permissions or the path."),
        "file_too_large": (
            Message("The file is too large for your ImageKit plan, or for ", ApiName("account", "max_file_size"), "."),
            "Use a smaller file, or upgrade the plan.",
        ),
        "bad_file": (
            "The file is empty, its base64 is not valid, or the value cannot be a file.",
            Message("Use a URL, a path, bytes, a data URI, or base64 with ", keyword("file_kind", "base64"), "."),
        ),
        "missing_name": (
            "The file has no name of its own, and none is given.",
            Message("Pass a file name, such as ", keyword("file_name", "{sku}.jpg"), "."),
        ),
        "missing_cell": ("A cell that a `{column}` of a template needs is empty.", "Fill in the cell."),
        "not_boolean": ("The value is not a valid boolean.", "Use true/false, yes/no or 1/0."),
        "too_long": ("The text is too long.", "Shorten it."),
        "bad_character": ("The text contains a character that is not allowed.", "Remove or replace it."),
        "too_deep": ("The folder is nested more than 50 levels deep.", "Use a shorter folder path."),
        "bad_coordinates": ("The coordinates are not `x,y,width,height`.", "Use four whole numbers."),
        "bad_json": ("The value is not valid JSON, or not the JSON that is needed.", "Correct the JSON."),
        "bad_url": ("The value is not a valid http(s) URL.", "Correct the URL."),
        "unreadable_value": (
            "Reading the value raised an unexpected exception; `ik_message` has its text.",
            "Replace the value with text, a number or a list of these.",
        ),
        "unknown_name": (
            "There is no response field or custom metadata field with this name.",
            Message("Correct the name, or create the field with ", CREATE_FIELDS, "."),
        ),
        "wrong_type": ("The value has the wrong type.", "Correct the value."),
        "lost_digits": (
            "The number's last digits are lost: the table stores it as a floating-point number of 2⁵³ or more.",
            'Read or store the column as text or as integers, such as `dtype="Int64"`.',
        ),
        "out_of_range": ("The value is outside the limits or options of its field.", "Correct the value."),
        "same_target": (
            "Another row of this run has the same folder and file name.",
            Message(
                *("Give each row its own file name, or pass ", keyword("use_unique_file_name", True)),
                *(" without ", keyword("on_existing"), "."),
            ),
        ),
        "unique_name": (
            Message("The row asks for a unique name, but ", keyword("on_existing"), " needs a fixed one."),
            Message("Leave ", keyword("use_unique_file_name"), " of the row empty, or set it to false."),
        ),
        "url_unreachable": (
            Message("The URL did not return a file (checked with ", keyword("probe", True), ")."),
            "Open the URL in a browser, and correct it.",
        ),
    },
    # Rejected by the service, or trouble before the whole file was sent: the file is not stored.
    "failed": {
        "token_missing": ("The request arrived without its token.", "Check whether a proxy alters uploads."),
        "token_expired": ("The token had expired when it arrived.", "Set this machine's clock, then retry."),
        "token_invalid": (
            "ImageKit rejected the token. With `unknown`, an earlier copy of the request may have stored the file.",
            "Check that both keys belong to one account.",
        ),
        "payload_mismatch": (
            "The form differs from what the token signs.",
            "Check the authentication endpoint: it must sign every field.",
        ),
        "two_credentials": (
            "The request had both a token and basic authentication.",
            "Remove the basic authentication.",
        ),
        "file_missing": ("The request arrived without its file.", "Check whether a proxy alters uploads."),
        "name_taken": (
            "A file with this name exists and must not be replaced.",
            Message(
                "Rename the file, or pass ",
                keyword("overwrite_file", True),
                ", or another ",
                keyword("on_existing"),
                ".",
            ),
        ),
        "too_many_versions": (
            "The file has as many versions as ImageKit keeps (100), so it cannot be replaced again.",
            "Delete old versions in the media library, or give the row another file name.",
        ),
        "upload_quota": ("The account's upload limit is used up.", "Free up space or upgrade the plan, then retry."),
        "extension_quota": ("The account's extension units are used up.", "Buy more units, or remove the extensions."),
        "busy": ("There were too many requests for this file, and the retries ran out.", "Wait a little, then retry."),
        "rate_limited": (
            "There were too many requests, and the retries ran out.",
            Message("Wait, or lower ", keyword("rate"), ", then retry."),
        ),
        "bad_transformation": ("ImageKit rejected the transformation.", "Correct the transformation."),
        "bad_checks": ("ImageKit rejected the syntax of the checks.", "Correct the checks."),
        "checks_failed": ("The file did not pass the checks.", "Use another file, or relax the checks."),
        "key_missing": ("ImageKit received no private key (401).", "Check the account's keys."),
        "account_refused": ("ImageKit rejected the account keys (403).", "Check the account's keys."),
        "key_expired": ("The private key has expired (403).", "Create a new key in the dashboard."),
        "account_disabled": ("The account is disabled (403).", "Contact ImageKit's support."),
        "refused": (
            "ImageKit rejected the row; `ik_message` has the reason.",
            "Read the reason. If the file is a URL, it must open without a login and send headers within 8 s.",
        ),
        "connection_failed": (
            "ImageKit could not be reached, or the connection failed before the whole file was sent.",
            "Check the network and the proxy, then retry.",
        ),
        "wait_too_long": (
            Message(
                "The service asked to wait longer than ",
                ApiName("policy", "longest_wait"),
                " or, for the whole run, ",
                ApiName("policy", "longest_pause"),
                " allows. With `unknown`, the file may be stored.",
            ),
            "Retry after that time, or raise the limit.",
        ),
        "signer_failed": ("The authentication endpoint returned no token.", "Check the endpoint's log, then retry."),
        "signer_refused": (
            "The authentication endpoint refused to sign this row; `ik_message` has the reason.",
            "Change the row, or ask whoever runs the endpoint.",
        ),
        "signer_unauthorized": (
            "The authentication endpoint rejected this caller (401).",
            Message("Check ", ApiName("account", "headers"), ", then retry."),
        ),
        "fetch_failed": (
            Message(
                "This machine (", keyword("fetch", "client"), ") could not download the URL, or its host is not public."
            ),
            Message("Correct the URL, or allow its host with ", keyword("fetch_hosts"), ", then retry."),
        ),
        "library_unreadable": (
            "The media library could not be read, so that it is not known whether the file is there already.",
            "Wait a little, then retry.",
        ),
        "update_failed": (
            "The details of the file that is there already could not be changed; `ik_message` has the reason.",
            "Read the reason, then retry.",
        ),
        "size_differs": (
            "The stored file and the sent file have different sizes.",
            "Check the stored file, then upload it again.",
        ),
        "file_changed": ("The file changed while it was being sent.", "Wait until the file is complete, then retry."),
    },
    # The file may be stored.
    "unknown": {
        "server_error": ("ImageKit answered with a server error (5xx); the file may be stored.", _CHECKS_FIRST),
        "connection_lost": ("The connection failed after the upload started; the file may be stored.", _CHECKS_FIRST),
        "timed_out": ("ImageKit did not answer in time; the file may be stored.", _CHECKS_FIRST),
        "bad_reply": (
            "The reply was not readable, or came from a gateway or proxy. With `unknown`, the file may be stored.",
            Message(_CHECKS_FIRST, " If the error stays, ask your network's administrator."),
        ),
    },
    "cancelled": {
        "cancelled": ("The run stopped before this row was sent.", Message("Use ", RETRY, ".")),
    },
}

CODES = {code: Code(status, *texts) for status, codes in _TEXTS.items() for code, texts in codes.items()}
"""Every value of `ik_error`: the status that it usually comes with, its meaning, and what to do about it."""

WARNINGS: dict[str, Code] = {
    "error_cell": Code(
        "warning",
        "The cell has an error of a spreadsheet, such as `#N/A`; it is read as empty.",
        "Correct the formula, or empty the cell.",
    ),
    "looks_missing": Code(
        "warning",
        "The cell or a tag is a text that many programs write for a missing value, such as `nan` or `NULL`.",
        "If the value is missing, empty the cell.",
    ),
    "unsplit_tags": Code(
        "warning",
        "A tag contains `;`, `|` or a tab, so it may be several tags.",
        Message("If these are several tags, pass ", keyword("tag_separator"), "."),
    ),
    "path_adjusted": Code(
        "warning",
        "The file was found under another spelling of its path: with slashes instead of backslashes, without spaces "
        "around it, in upper or lower case, or in another Unicode form.",
        "There is nothing to fix.",
    ),
    "replaces_file": Code(
        "warning",
        "A file is at the row's path; the upload makes it an earlier version.",
        Message("To keep it, pass ", keyword("on_existing", "skip"), ", or another file name."),
    ),
    "many_versions": Code(
        "warning",
        "The file has almost as many versions as ImageKit keeps (100).",
        "Delete old versions in the media library before it cannot be replaced any more.",
    ),
    "name_adjusted": Code(
        "warning",
        "The file name or folder has characters that ImageKit may not keep; `_` is sent instead of them.",
        Message(
            "There is nothing to fix. If your account keeps these characters, use ",
            ApiName("policy", "names", "as_given"),
            ".",
        ),
    ),
    "similar_column": Code(
        "warning",
        "A column is not used, and its name is similar to a parameter. The warning is about the column, not its rows.",
        Message("Map the column, or ignore it with ", keyword("ignore"), "."),
    ),
}
"""Every code that a warning of `check` can have. Warnings never become an `ik_error`: `ik_warnings` has their text."""
