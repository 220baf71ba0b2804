"""Names of the Python interface as options of the command line."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ikpipe.cli.wording import command, in_options
from ikpipe.errors import RESULTS, RETRY, ApiName, MappingError, Message, keyword


@pytest.mark.parametrize(
    ("text", "options"),
    [
        (Message("Set ", keyword("root"), "."), "Set --root."),
        (Message("Set ", keyword("root", ...), "."), "Set --root …."),
        (Message("Use ", keyword("file_kind", "base64"), "."), "Use --file-kind base64."),
        (Message("Use ", keyword("file_name", "{sku}.jpg"), "."), "Use --set 'file_name={sku}.jpg'."),
        (Message("Use ", keyword("tag_separator", ";"), "."), "Use --tag-separator ';'."),
        (Message("Use ", keyword("tag_separator", "\t"), "."), "Use --tag-separator tab."),
        (Message("Use ", keyword("overwrite_file", False), "."), "Use --set overwrite_file=false."),
        (Message("Use ", keyword("overwrite_file", True), "."), "Use --set overwrite_file=true."),
        (Message("Use ", ApiName("column", "tags"), "."), "Use --map tags=…."),
        (Message("Use ", ApiName("policy", "names", "as_given"), "."), "Use --policy names=as_given."),
        (Message("See ", ApiName("account", "max_file_size"), "."), "See max_file_size of the profile."),
        (Message("Use ", keyword("trust_journal", True), "."), "Use --trust-journal."),
        (Message("Use ", keyword("fetch_hosts", ["a", "b"]), "."), "Use --fetch-host a --fetch-host b."),
        (Message(RETRY, " checks the library."), "`ikpipe retry` checks the library."),
        (Message("The results are in ", RESULTS, "."), "The results are in OUT."),
        (MappingError("No.", about=ApiName("column", "file", "x")).text, "--map file=x: No."),
        ("There is no file 'http://a/?rate=5&root=x'.", "There is no file 'http://a/?rate=5&root=x'."),
    ],
)
def test_options_of_the_command_line(text: str, options: str) -> None:
    """Names of the Python interface become options; plain text stays."""
    assert in_options(text) == options


@example("\ud800")
@example("\udce9")
@given(st.text(st.characters(exclude_categories=())))
def test_any_word_can_be_in_a_command(word: str) -> None:
    """Also half characters, as the name of a column in JSON can have."""
    assert command(["ikpipe", word]).isprintable()
