"""The keywords of `upload` and its siblings: what a signature shows, and what is refused."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import ikpipe
from ikpipe import cluster

if TYPE_CHECKING:
    from collections.abc import Callable

MAPPING = ["columns", "ignore", "root", "file_kind", "fetch"]
FORMATS = ["tag_separator", "decimal", "true_values", "false_values"]
EXISTING = ["on_existing", "changed_by", "dedupe"]
CONNECTION = ["fetch_hosts", "timeout", "policy", "transport"]
SENDING = [
    *("concurrency", "rate", "bandwidth", "retries", "max_failures", "trust_journal", "progress", "on_result"),
    *("on_summary", "on_unknown", "on_error"),
]
ACCOUNT = ikpipe.Account("public_a", "private_a_0123456789")


@pytest.mark.parametrize(
    ("function", "names"),
    [
        (
            ikpipe.upload,
            [
                "frame",
                "account",
                "journal",
                *MAPPING,
                *FORMATS,
                *EXISTING,
                *CONNECTION,
                *SENDING,
                "state",
                "run",
                "parameters",
            ],
        ),
        (ikpipe.resume, ["journal", "account", *CONNECTION, *SENDING]),
        (ikpipe.check, ["frame", "account", "probe", *MAPPING, *FORMATS, *EXISTING, *CONNECTION, "parameters"]),
        (
            ikpipe.upload_file,
            ["file", "account", *MAPPING[2:], *CONNECTION, "bandwidth", "retries", "on_unknown", "parameters"],
        ),
    ],
)
def test_a_signature_lists_every_keyword(function: Callable[..., Any], names: list[str]) -> None:
    """`help()` and a notebook's tooltips show what can be given."""
    assert list(inspect.signature(function).parameters) == names


def test_a_signature_has_the_defaults() -> None:
    """As they are without the keyword; `retry` takes `fetch` from the results, `resume` all from the journal."""
    of_upload, of_retry, of_resume = (
        {name: one.default for name, one in inspect.signature(function).parameters.items()}
        for function in (ikpipe.upload, ikpipe.retry, ikpipe.resume)
    )
    assert (of_upload["retries"], of_upload["fetch"], of_upload["on_unknown"]) == (5, "server", "hold")
    assert of_retry["fetch"] is None
    assert (of_resume["retries"], of_resume["progress"]) == (None, True)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda frame: ikpipe.upload(frame, ACCOUNT, foldr="/a/"),
            r"no upload parameter 'foldr' \(did you mean 'folder'\?\)",
        ),
        (lambda frame: ikpipe.check(frame, retries=3), "no upload parameter 'retries'"),
        (lambda _: ikpipe.upload_file(b"GIF", ACCOUNT, rate=3), "no upload parameter 'rate'"),
        (
            lambda frame: cluster.prepare(ACCOUNT, slots=1, progress=False).empty(frame),
            "no upload parameter 'progress'",
        ),
    ],
)
def test_a_keyword_that_there_is_not_is_refused(call: Callable[[Any], object], words: str) -> None:
    """With the nearest one that there is."""
    with pytest.raises(ikpipe.MappingError, match=words):
        call(pd.DataFrame({"file": ["https://a.example/a.jpg"]}))


def test_resume_takes_no_mapping() -> None:
    """It is in the journal."""
    with pytest.raises(TypeError, match="unexpected keyword argument 'columns'"):
        ikpipe.resume("run.ikjournal", ACCOUNT, columns={})  # type: ignore[call-arg]
