"""Check limits of the operating system, and the terminal."""

from __future__ import annotations

import locale
import sys

from ikpipe.service.findings import Finding

_FEW = 512  # open files; 64 uploads of local files at once need about 200, and the standard limit of macOS is 256


def check_system() -> list[Finding]:
    """Return what is wrong with the limit of open files, the terminal and the encoding of text."""
    return [*_open_files(), _text()]


def _open_files() -> list[Finding]:
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return []
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        return [Finding("ok", "Open files", "Not limited.")]
    if limit < _FEW:
        words = f"At most {limit:,}, which limits the number of uploads at once."
        return [Finding("warning", "Open files", words, "Run: ulimit -n 4096, or use a lower --concurrency.")]
    return [Finding("ok", "Open files", f"At most {limit:,}.")]


def _text() -> Finding:
    """Return whether text can be shown."""
    about, stream = "Terminal", sys.stderr or sys.__stderr__
    if stream is None:
        return Finding("warning", about, "Standard error is closed, so no message can be shown.")
    encoding = (getattr(stream, "encoding", None) or locale.getpreferredencoding(False)).lower().replace("-", "")
    kind = "a terminal" if stream.isatty() else "not a terminal"
    if encoding != "utf8":
        words = f"Standard error is {kind} with the encoding {encoding}, so some characters are shown as codes."
        return Finding("warning", about, words, "Set LC_ALL=C.UTF-8 or PYTHONUTF8=1.")
    return Finding("ok", about, f"Standard error is {kind} with the encoding UTF-8.")
