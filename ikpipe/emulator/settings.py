"""The emulator's rules that can be set: each guess about the service, and each state an account can be in."""

from __future__ import annotations

import dataclasses
import difflib
import re
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin, get_type_hints

MEGABYTE = 1024 * 1024
SECRET = "whsec_emulatorEmulatorEmulator"  # noqa: S105 - it opens nothing but what an emulator sends


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How this emulator behaves where the documents are silent, or where accounts differ."""

    # The token
    used_token: Literal["invalid", "used-before"] = "invalid"  # noqa: S105 - a wording
    """Words for a spent token (`guess`: the documents have none of their own; V1 says "has been used before")."""
    error_spends: bool = True
    """Whether a refused request spends its token (`seed`: "Even if your previous request resulted in an error …")."""
    payload: Literal["text", "json"] = "text"
    """Compare claims and fields as text, or as parsed JSON (`guess`: the seed says identical values)."""
    other_claims: Literal["refuse", "ignore"] = "refuse"
    """What claims do that are the standard's, not the form's, such as `jti` (`guess`: no document names one)."""
    leeway: float = 0.0
    """Seconds for which an expired token is still taken (`guess`: no tolerance is documented)."""

    # Names and places
    suffix_length: int = 9
    """Characters of the unique suffix, after an underscore (`guess`: as seen in published examples)."""
    names: Literal["replace", "keep"] = "replace"
    """Whether characters other than letters, marks, numerals, `.` (in file names), `_` and `-` become `_` in file names
    and folders (`seed`; `guess` for folders), or are kept (`guess`: a recorded run of rclone shows that they were)."""
    max_versions: int = 100
    """Versions that a file can have (`seed`)."""
    over_versions: Literal["refuse", "drop-oldest"] = "refuse"
    """What the 101st version does (`guess`: the seed gives the limit alone)."""

    # Sizes and sources
    image_limit: int = 25 * MEGABYTE
    """Largest image, in bytes (`seed`: 25 MB on the free plan; `guess`: a MB is 1024 * 1024)."""
    video_limit: int = 300 * MEGABYTE
    """Largest video, in bytes (`seed`: 300 MB on the paid plan)."""
    other_limit: int = 25 * MEGABYTE
    """Largest file of any other kind, in bytes (`seed`: the general limit)."""
    url_timeout: float = 8.0
    """Seconds until a URL's response headers must be there (`seed`)."""
    url_body_timeout: float = 60.0
    """Seconds in which a URL's body must be there (`guess`: no limit is documented, yet a request must end)."""

    fetch_hosts: tuple[str, ...] = ()
    """Hosts, addresses and networks that URL files may come from though they are not public: `127.0.0.1`, `10.0.0.0/8`,
    `shop.internal`; `*` is all. Checked after resolving, and on each redirect (the emulator's own: whoever may upload
    must not reach this machine's network by it)."""

    # Answers
    on_request: tuple[str, ...] = (
        "embeddedMetadata",
        "customMetadata",
        "metadata",
        "isPublished",
        "selectedFieldsSchema",
    )
    """Fields of the answer given only if `responseFields` asks (`seed`: two of them; `spec`: three others too)."""
    index_lag: float = 0.0
    """Seconds until a stored file appears in lists and searches (`guess`: some delay is likely)."""
    required_fields: Literal["always", "when-sent"] = "when-sent"
    """When required metadata fields must be there (`spec`: when setting any; `guess`: not in every upload)."""
    required_default: bool = True
    """Whether a required metadata field needs a `defaultValue` (`spec`)."""
    preflight: bool = True
    """Whether a browser's OPTIONS request is granted (`guess`: form uploads need none)."""
    drafts: bool = True
    """Whether the plan allows `isPublished=false` (`seed`: enterprise plans only)."""

    # Delivery
    named: str = ""
    """The account's named transformations: `small=w-100;square=w-300,h-300` (`docs`: made in the dashboard)."""
    unknown_steps: Literal["ignore", "refuse"] = "ignore"
    """What becomes of a transformation that is not known, or has no meaning (`guess`: no document says)."""
    restrict_unnamed: bool = False
    """Whether all but named transformations are refused (`docs`: a setting of the dashboard)."""
    restrict_unsigned: bool = False
    """Whether every address needs a signature (`docs`: a setting of the dashboard)."""
    unsigned_status: int = 401
    """The status of an address that lacks the signature it needs (`guess`: `docs` name 401 for one that is altered)."""
    bad_signature: Literal["refuse", "ignore"] = "refuse"
    """What a signature that does not hold does on a public file (`docs`: 401; newer ones: nothing)."""
    private_files: Literal["all", "images"] = "all"
    """Which files `isPrivateFile` is felt on (`spec`: all; `seed`: "only relevant for image type files")."""
    auto_format: bool = False
    """Whether pictures go out as WebP where the client takes it (`docs`: a setting; `guess`: off)."""

    # The account
    imagekit_id: str = "emulator"
    """The account's name in delivery addresses (`docs`)."""
    account_disabled: bool = False
    """Answer 403 "Your account is disabled." (`spec`)."""
    account_unauthenticated: bool = False
    """Answer 403 "Your account cannot be authenticated." (`spec`)."""
    key_expired: bool = False
    """Answer 403 "Your request contains expired private API key." (`spec`)."""
    key_missing: bool = False
    """Answer 401 "Your request does not contain private API key." (`spec`; `guess`: an upload can get it)."""
    upload_quota: int | None = None
    """Uploads that the account has left, counted over everything stored (`spec`: "Upload Limit Exceeded.")."""
    extension_quota: int | None = None
    """Extensions that the account has left (`spec`: "Extensions quota exceeded.")."""
    quota_status: int = 400
    """The status of an exceeded quota (`spec`: 400; `docs`, older: 403)."""

    # Transformations at an upload
    pre_transformation: Literal["queued", "images-at-once"] = "queued"
    """Whether every pre-transformation is answered 202 (`spec`), or all but those of images (`docs`)."""
    transformation_delay: float = 0.0
    """Seconds until a queued transformation is done; with 0 a `pre` is done before the answer (`guess`)."""
    transformations_failed: tuple[str, ...] = ()
    """Patterns (`*`, `?`) of the transformations that fail, before or after the file is stored."""

    # Extensions
    extensions_pending: tuple[str, ...] = ("remove-bg",)
    """Patterns (`*`, `?`) of the extensions that are done later (`docs`: `remove-bg` always; taggers sometimes)."""
    extensions_failed: tuple[str, ...] = ()
    """Patterns of the extensions that fail, at once or later."""
    extension_delay: float = 0.1
    """Seconds until a pending extension is done (`guess`: no figure is known)."""
    ai_tags: tuple[str, ...] = ("Stand-in",)
    """The tags that a tagging extension finds: `Shirt:90.12`, or `Shirt`, of which it is as sure as it has to be."""
    ai_description: str = "What a stand-in sees."
    """The description that `ai-auto-description` gives."""
    ai_answer: Literal["yes", "no", "unknown"] = "yes"
    """The answer to each question of `ai-tasks`."""

    # Webhooks
    webhook_url: str | None = None
    """The account's own address for events (`docs`: set in the dashboard)."""
    webhook_events: tuple[str, ...] = ("upload.*",)
    """Patterns of the events that it wants to be told of."""
    webhook_secret: str = SECRET
    """The secret of the account's webhooks."""
    webhook_signature: Literal["both", "standard", "older", "none"] = "both"
    """How the account's webhooks are signed: `webhook-signature` (`sdk`), `x-ik-signature` (`docs`, older), or both."""
    extension_signature: Literal["both", "standard", "older", "none"] = "both"
    """The same of webhooks to `webhookUrl` (`guess`: no document speaks of a signature there)."""
    webhook_hosts: tuple[str, ...] = ()
    """The same of the addresses that an upload's `webhookUrl` may name; `webhook_url` is the owner's choice."""
    webhook_tries: int = 5
    """How often a webhook is sent until somebody takes it (`docs`: for 24 hours)."""
    webhook_wait: float = 0.1
    """Seconds before the second try; each further wait is twice as long (`docs`: "in spaced intervals")."""
    webhook_timeout: float = 30.0
    """Seconds until an answer must be there (`docs`)."""

    # Load
    busy: str | None = None
    """Pattern (`*`, `?`) of file names that are "updated too often" (`spec`: the retryable 400)."""
    busy_times: int = 1
    """How many uploads of one such name are refused before they pass."""
    outage: int | None = None
    """A 5xx status for uploads, with an empty body (`spec`, `sdk`)."""
    outage_times: int | None = None
    """How many uploads the outage lasts; None is for ever."""
    upload_rate: int | None = None
    """Uploads per `rate_interval`, then 429 (`docs`: uploads have no limit)."""
    api_rate: int | None = None
    """Requests to the other APIs per `rate_interval`, then 429 (`docs`; the figures are an account's own)."""
    rate_interval: int = 1000
    """The window of both rates, in milliseconds."""
    rate_headers: bool = True
    """Whether a 429 has its three headers (`docs`; `guess`: a gateway before the service knows none of them)."""
    latency: float = 0.0
    """Seconds that the service works on an upload, besides what this machine needs (`guess`: no figure is known)."""
    capacity: int | None = None
    """Uploads that it works on at once; the others wait, first come, first served (`guess`). None is no limit."""
    url_latency: float | None = None
    """The latency of uploads whose file is a URL, before the download; None is that of all others."""
    url_capacity: int | None = None
    """The capacity for uploads whose file is a URL; None lets them wait in the queue of all others."""

    # Faults
    fault_slow: float = 1.0
    """Seconds by which the fault `slow` is slow."""
    fault_wait: int = 50
    """Milliseconds that the fault `429` asks to wait."""
    fault_index_delay: float = 1.0
    """Seconds by which the fault `index-delay` delays a file in lists and searches."""

    @property
    def largest(self) -> int:
        """Bytes that a file of any kind can have."""
        return max(self.image_limit, self.video_limit, self.other_limit)

    @property
    def largest_text(self) -> int:
        """Characters of its base64: four for three bytes, and perhaps in lines."""
        return self.largest * 3 // 2 + 1024

    @property
    def named_transformations(self) -> dict[str, str]:
        """The account's named transformations: what each name stands for."""
        pairs = (pair.partition("=") for pair in self.named.split(";") if pair.strip())
        return {name.strip(): chain.strip().removeprefix("tr:") for name, _, chain in pairs}

    @classmethod
    def of(cls, **rules: Any) -> Rules:
        """Build the rules from keywords.

        Raises
        ------
        TypeError
            For an unknown rule; the message names the nearest one.
        ValueError
            For a value outside a rule's choices, or a figure that no queue can have.
        """
        names = [field.name for field in dataclasses.fields(cls)]
        for name, value in rules.items():
            if name not in names:
                raise TypeError(f"there is no rule {name!r}{_nearest(name, names)}")
            _check_choice(name, value)
            _check_queue(name, value)
            _check_named(name, value)
            _check_tags(name, value)
        return cls(**rules)

    @classmethod
    def from_text(cls, **rules: str) -> Rules:
        """Build the rules from text, as a command line gives them: `3`, `true`, `none`, `a,b`."""
        hints = get_type_hints(cls)
        return cls.of(**{name: _from_text(hints.get(name, str), text) for name, text in rules.items()})


def _nearest(name: str, names: list[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else ""


def _check_choice(name: str, value: object) -> None:
    hint = get_type_hints(Rules)[name]
    if get_origin(hint) is Literal and value not in get_args(hint):
        raise ValueError(f"the rule {name!r} is one of {', '.join(map(repr, get_args(hint)))}, not {value!r}")


def _check_queue(name: str, value: Any) -> None:
    if name in {"capacity", "url_capacity"} and value is not None and value < 1:
        raise ValueError(f"the rule {name!r} is a number of uploads, at least 1, not {value}")
    if name in {"latency", "url_latency"} and value is not None and value < 0:
        raise ValueError(f"the rule {name!r} is a number of seconds, not {value}")


def _check_named(name: str, value: Any) -> None:
    if name != "named":
        return
    pairs = [pair.partition("=") for pair in value.split(";") if pair.strip()]
    if not all(re.fullmatch(r"\w+", name.strip()) and chain.strip() for name, _, chain in pairs):
        raise ValueError(f"the rule 'named' is such as 'small=w-100;square=w-300,h-300', not {value!r}")


def _check_tags(name: str, value: Any) -> None:
    if name == "ai_tags" and not all(re.fullmatch(r"[^:]+(:\d+(\.\d+)?)?", tag) for tag in value):
        raise ValueError(f"the rule 'ai_tags' is of tags such as 'Shirt:90.12', not {value!r}")


def _from_text(hint: Any, text: str) -> object:
    kinds = get_args(hint) or (hint,)
    if type(None) in kinds and text.lower() == "none":
        return None
    if bool in kinds:
        return _boolean(text)
    if get_origin(hint) is tuple:
        return tuple(part for part in text.split(",") if part)
    number = next((kind for kind in (int, float) if kind in kinds), None)
    return number(text) if number else text


def _boolean(text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        raise ValueError(f"{text!r} is neither 'true' nor 'false'")
    return text.lower() == "true"
