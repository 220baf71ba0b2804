"""The emulator's rules: each assumption about the service, each state of an account, and the checks of their values."""

import dataclasses
import difflib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal, Self, get_args, get_origin, get_type_hints

MEGABYTE = 1024 * 1024
SECRET = "whsec_emulatorEmulatorEmulator"  # noqa: S105 - signs nothing but an emulator's webhooks


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How the emulator behaves where the documentation is silent, or where accounts differ.

    A rule's docstring ends with its source in brackets, which the table in `docs/emulator.md` shows: `upload docs` is
    ImageKit's documentation of the upload endpoint, `docs` its other documentation, `spec` its OpenAPI description,
    `sdk` its official clients, `recorded` a published answer of the real service, `guess` an assumption, and `own` a
    setting that only the emulator has. What disagrees with the default is marked as a `contradiction`.
    """

    # The token
    used_token: Literal["invalid", "used-before"] = "invalid"  # noqa: S105 - a wording
    """Error message for a used token [guess: none is documented; V1 says "has been used before"]."""
    error_spends: bool = True
    """Whether a rejected request uses its token [upload docs: "Even if your previous request resulted in an error"]."""
    payload: Literal["text", "json"] = "text"
    """Whether claims and fields are compared as text or as JSON [guess: the upload docs ask for identical values]."""
    other_claims: Literal["refuse", "ignore"] = "refuse"
    """Whether registered JWT claims that are not form fields are refused, such as `jti` [guess: not documented]."""
    leeway: float = 0.0
    """Seconds for which an expired token is still accepted [guess: no tolerance is documented]."""

    # Names and versions
    suffix_length: int = 9
    """Length of a unique suffix, after an underscore [guess: as in published examples]."""
    names: Literal["replace", "keep"] = "replace"
    """Whether characters other than letters, marks, numerals, `.` (in file names), `_` and `-` become `_` in file names
    and folders, or are kept [upload docs, docs for folders: replaced; contradiction, recorded in a run of rclone: both
    were kept]."""
    max_versions: int = 100
    """Maximum number of versions of a file [upload docs]."""
    over_versions: Literal["refuse", "drop-oldest"] = "refuse"
    """What an upload beyond the maximum number of versions does [guess: only the limit is documented]."""
    restored_details: Literal["version", "file"] = "version"
    """Whose tags, metadata, coordinates, description and visibility a restored version has: those that it had, or those
    that the file has [guess: not documented]."""

    # Folders
    missing_destination: Literal["create", "refuse"] = "create"
    """Whether a copy or a move creates the folder at `destinationPath`, or is a 404 [guess: uploads create theirs]."""
    bulk_job_delay: float = 0.0
    """Seconds until a bulk job starts; with 0, a job of less than a second is completed before its response [guess]."""

    # Sizes and sources
    image_limit: int = 25 * MEGABYTE
    """Maximum size of an image in bytes [upload docs: 25 MB on the free plan; contradiction, docs: 20 MB;
    guess: a MB is 1024 * 1024 bytes]."""
    video_limit: int = 300 * MEGABYTE
    """Maximum size of a video in bytes [upload docs: 300 MB on the paid plan; contradiction, spec: 100 MB to 2 GB
    by plan]."""
    other_limit: int = 25 * MEGABYTE
    """Maximum size of any other file in bytes [upload docs: the general limit]."""
    url_timeout: float = 8.0
    """Seconds for a URL file to send its response headers [upload docs]."""
    url_body_timeout: float = 60.0
    """Seconds for a URL file to send its body [guess: no limit is documented, but a request must end]."""
    bad_base64: Literal["refuse", "store"] = "refuse"
    """What happens to a `file` that is text and neither a URL nor base64, such as a path: a 400, or what can be decoded
    of it is stored [upload docs: binary, base64 or a URL; contradiction, recorded in imagekit-nodejs#43: stored]."""
    fetch_hosts: tuple[str, ...] = ()
    """Hosts, addresses and networks that URL files may come from although they are not public: `127.0.0.1`,
    `10.0.0.0/8`, `shop.internal`; `*` is all. Checked after resolving the name, and for each redirect [own: an upload
    must not give access to this machine's network]."""

    # Responses
    on_request: tuple[str, ...] = (
        "embeddedMetadata",
        "customMetadata",
        "metadata",
        "isPublished",
        "selectedFieldsSchema",
    )
    """Response fields that are sent only if `responseFields` asks for them [upload docs: two; spec: three more]."""
    metadata_urls: Literal["any", "account"] = "any"
    """Whose URLs `GET /v1/metadata` reads: also those of other hosts, by the rule `fetch_hosts`, or only the account's
    [spec: "accessible using your account"; contradiction, recorded: a URL of another account is a 400]."""
    index_lag: float = 0.0
    """Seconds until a stored file appears in lists and searches [guess: some delay is likely]."""
    required_fields: Literal["always", "when-sent"] = "when-sent"
    """When required metadata fields must have a value [spec: if any is set; guess: not in every upload]."""
    required_default: bool = True
    """Whether a required metadata field needs a `defaultValue` [spec]."""
    preflight: bool = True
    """Whether a browser's preflight requests (OPTIONS) are allowed [guess: form uploads need none]."""
    drafts: bool = True
    """Whether the plan allows `isPublished=false` [upload docs: enterprise plans only]."""

    # Delivery
    named: str = ""
    """The account's named transformations: `small=w-100;square=w-300,h-300` [docs: created in the dashboard]."""
    unknown_steps: Literal["ignore", "refuse"] = "ignore"
    """What happens to transformations that are unknown or invalid [guess: not documented]."""
    restrict_unnamed: bool = False
    """Whether only named transformations are allowed [docs: a setting of the dashboard]."""
    restrict_unsigned: bool = False
    """Whether every URL needs a signature [docs: a setting of the dashboard]."""
    unsigned_status: int = 401
    """Status of a URL that lacks the signature it needs [guess: docs have 401 for a modified URL]."""
    bad_signature: Literal["refuse", "ignore"] = "refuse"
    """What an invalid signature does to the URL of a public file [docs: 401; contradiction, newer docs: nothing]."""
    signature_leeway: float = 1.0
    """Seconds for which a signed URL is still valid after its expiry [docs: not "beyond" it; guess: to the end of that
    second, since rclone signs its downloads to expire in the second in which it sends them]."""
    private_files: Literal["all", "images"] = "all"
    """Which files `isPrivateFile` protects [spec: all; contradiction, upload docs: "only relevant for image
    type files"]."""
    private_layers: bool = True
    """Whether a private file needs a signed URL also as the image or font of a layer [guess: docs have it for a private
    file that is transformed]."""
    auto_format: bool = False
    """Whether images are delivered as WebP if the client accepts it [docs: a setting; guess: off]."""

    # The account
    imagekit_id: str = "emulator"
    """The account's id in delivery URLs [docs]."""
    account_disabled: bool = False
    """Respond with 403 "Your account is disabled." [spec]."""
    account_unauthenticated: bool = False
    """Respond with 403 "Your account cannot be authenticated." [spec]."""
    key_expired: bool = False
    """Respond with 403 "Your request contains expired private API key." [spec]."""
    key_missing: bool = False
    """Respond with 401 "Your request does not contain private API key." [spec; guess: uploads can get it]."""
    upload_quota: int | None = None
    """Maximum number of stored versions; then "Upload Limit Exceeded." [spec]."""
    extension_quota: int | None = None
    """Maximum number of extensions since the start; then "Extensions quota exceeded." [spec]."""
    purge_quota: int | None = None
    """Maximum number of purges since the start; then a purge is "Purge Limit Exceeded." [guess], and a rename with
    `purgeCache` a 207 [docs]."""
    quota_status: int = 400
    """Status of an exceeded quota [spec: 400; contradiction, older docs: 403]."""

    # Transformations of uploads
    pre_transformation: Literal["queued", "images-at-once"] = "queued"
    """Whether the response to a pre-transformation is always 202, or not for images [spec: always; contradiction, docs:
    not for images]."""
    transformation_delay: float = 0.0
    """Seconds until a queued transformation is done; with 0, a `pre` is done before the response [guess]."""
    transformations_failed: tuple[str, ...] = ()
    """Patterns (`*`, `?`) of transformations that fail, before or after the file is stored [own]."""

    # Extensions
    extensions_pending: tuple[str, ...] = ("remove-bg",)
    """Patterns (`*`, `?`) of extensions that finish later [docs: `remove-bg` always, taggers sometimes]."""
    extensions_failed: tuple[str, ...] = ()
    """Patterns of extensions that fail, at once or later [own]."""
    extension_delay: float = 0.1
    """Seconds until a pending extension finishes [guess]."""
    ai_tags: tuple[str, ...] = ("Stand-in",)
    """Tags that a tagging extension finds: `Shirt:90.12`, or `Shirt`, which has the confidence that is asked for
    [own]."""
    ai_description: str = "What a stand-in sees."
    """The description that `ai-auto-description` writes [own]."""
    ai_answer: Literal["yes", "no", "unknown"] = "yes"
    """The answer to every question of `ai-tasks` [own]."""

    # Webhooks
    webhook_url: str | None = None
    """The account's webhook URL [docs: set in the dashboard]."""
    webhook_events: tuple[str, ...] = ("upload.*",)
    """Patterns (`*`, `?`) of the events that the account's webhook URL receives [docs: chosen in the dashboard]."""
    webhook_secret: str = SECRET
    """The secret that signs the account's webhooks [docs: shown in the dashboard]."""
    webhook_signature: Literal["both", "standard", "older", "none"] = "both"
    """How the account's webhooks are signed: `webhook-signature` (`standard`), `x-ik-signature` (`older`), or both
    [sdk: the first; contradiction, older docs: the second]."""
    extension_signature: Literal["both", "standard", "older", "none"] = "both"
    """How webhooks to an upload's `webhookUrl` are signed [guess: the documentation mentions no signature there]."""
    webhook_hosts: tuple[str, ...] = ()
    """Hosts, addresses and networks that an upload's `webhookUrl` and webhooks of the API may name although they are
    not public, as for `fetch_hosts`; `webhook_url` is not restricted [own]."""
    webhook_tries: int = 5
    """Maximum number of attempts to send a webhook [docs: for 24 hours]."""
    webhook_wait: float = 0.1
    """Seconds before the second attempt; each further delay is twice as long [docs: "in spaced intervals"]."""
    webhook_timeout: float = 30.0
    """Seconds to wait for the response to a webhook [docs]."""

    # Load and capacity
    busy: str | None = None
    """Pattern (`*`, `?`) of file names that are "updated too often" [spec: the retryable 400]."""
    busy_times: int = 1
    """Number of uploads of each such name that are rejected before one is accepted [own]."""
    outage: int | None = None
    """A 5xx status for uploads, with an empty body [spec, sdk]."""
    outage_times: int | None = None
    """Number of uploads that get the outage; None is all [own]."""
    upload_rate: int | None = None
    """Uploads per `rate_interval` before a 429 [docs: uploads have no limit]."""
    api_rate: int | None = None
    """Requests to the other APIs per `rate_interval` before a 429 [docs: the limit depends on the account]."""
    rate_interval: int = 1000
    """The window of both rates in milliseconds [guess: the length is not documented]."""
    rate_headers: bool = True
    """Whether a 429, and each response of the media API, has the three headers about its rate limit [docs; guess: a
    gateway in front of the service has none]."""
    latency: float = 0.0
    """Seconds that the service takes for an upload, in addition to what this machine needs [guess]."""
    capacity: int | None = None
    """Uploads that are processed at once; others wait in order of arrival; None is no limit [guess]."""
    url_latency: float | None = None
    """The latency of uploads whose file is a URL, before the download; None is the same as `latency` [own]."""
    url_capacity: int | None = None
    """The capacity for uploads whose file is a URL; None lets them share the queue of all others [own]."""

    # Faults
    fault_slow: float = 1.0
    """Seconds by which the fault `slow` delays a response [own]."""
    fault_wait: int = 50
    """Milliseconds that the fault `429` asks the client to wait [own]."""
    fault_index_delay: float = 1.0
    """Seconds by which the fault `index-delay` delays a file in lists and searches [own]."""

    @property
    def largest_file(self) -> int:
        """The maximum size of a file of any type, in bytes."""
        return max(self.image_limit, self.video_limit, self.other_limit)

    @property
    def largest_text(self) -> int:
        """The maximum length of a file's base64, in characters: four for three bytes, and line breaks."""
        return self.largest_file * 3 // 2 + 1024

    @property
    def named_transformations(self) -> dict[str, str]:
        """The account's named transformations by name."""
        pairs = (pair.partition("=") for pair in self.named.split(";") if pair.strip())
        return {name.strip(): chain.strip().removeprefix("tr:") for name, _, chain in pairs}

    @classmethod
    def of(cls, **rules: Any) -> Self:
        """Return rules from keywords.

        Raises
        ------
        TypeError
            An unknown rule; the message suggests the nearest one.
        ValueError
            A value that the rule does not accept.
        """
        names = [field.name for field in dataclasses.fields(cls)]
        for name, value in rules.items():
            if name not in names:
                raise TypeError(f"Unknown rule {name!r}.{_suggestion(name, names)}")
            _check_value(name, value)
        return cls(**rules)

    @classmethod
    def from_text(cls, **rules: str) -> Self:
        """Return rules from text, as on the command line: `3`, `true`, `none`, `a,b`."""
        hints = get_type_hints(cls)
        return cls.of(**{name: _parse(name, hints.get(name, str), text) for name, text in rules.items()})


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether a name matches one of a rule's patterns (`*`, `?`)."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _suggestion(name: str, names: list[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f" Did you mean {near[0]!r}?" if near else ""


def _are_named(text: str) -> bool:
    return all(re.fullmatch(r"\s*\w+\s*=.*\S.*", pair) for pair in text.split(";") if pair.strip())


def _are_tags(tags: tuple[str, ...]) -> bool:
    return all(re.fullmatch(r"[^:]+(:\d+(\.\d+)?)?", tag) for tag in tags)


_CHECKS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    **dict.fromkeys(("capacity", "url_capacity"), ("at least 1", lambda value: value is None or value >= 1)),
    **dict.fromkeys(("latency", "url_latency"), ("at least 0 seconds", lambda value: value is None or value >= 0)),
    "named": ("like 'small=w-100;square=w-300,h-300'", _are_named),
    "ai_tags": ("tags like 'Shirt:90.12'", _are_tags),
}
"""What the values of some rules must be, and whether they are."""


def _check_value(name: str, value: Any) -> None:
    hint = get_type_hints(Rules)[name]
    if get_origin(hint) is Literal:
        expected, valid = f"one of {', '.join(map(repr, get_args(hint)))}", value in get_args(hint)
    elif name in _CHECKS:
        expected, valid = _CHECKS[name][0], _CHECKS[name][1](value)
    else:
        return
    if not valid:
        raise ValueError(f"The rule {name!r} must be {expected}, not {value!r}.")


def _parse(name: str, hint: Any, text: str) -> object:
    types = get_args(hint) or (hint,)
    if type(None) in types and text.lower() == "none":
        return None
    if get_origin(hint) is tuple:
        return tuple(part for part in text.split(",") if part)
    for kind, (parse, expected) in _PARSERS.items():
        if kind in types:
            try:
                return parse(text)
            except (ValueError, KeyError):
                raise ValueError(f"The rule {name!r} must be {expected}, not {text!r}.") from None
    return text


_PARSERS: dict[type, tuple[Callable[[str], object], str]] = {
    bool: (lambda text: {"true": True, "false": False}[text.lower()], "true or false"),
    int: (int, "a whole number"),
    float: (float, "a number"),
}
