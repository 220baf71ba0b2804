"""Templates: `{column}` is filled from the row, and braces that are meant are doubled."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ikpipe import MappingError
from ikpipe.request.template import Template

plain_texts = st.text(st.characters(codec="utf-8", exclude_characters="{}"))


@pytest.mark.parametrize(
    ("text", "columns", "filled"),
    [
        ("{sku}.jpg", ("sku",), "1.jpg"),
        ("/p/{brand}/{sku}/", ("brand", "sku"), "/p/1/2/"),
        ("{a}{b}", ("a", "b"), "12"),
        ("{{{a}}}", ("a",), "{1}"),
        ("{{a}}", (), "{a}"),
        ("{two words}", ("two words",), "1"),
        ("{画像}", ("画像",), "1"),
        ("{a}-{a}", ("a", "a"), "1-2"),
        ("plain", (), "plain"),
        ("", (), ""),
    ],
)
def test_a_template_is_parted_and_filled(text: str, columns: tuple[str, ...], filled: str) -> None:
    """The names in braces are columns, in their order; doubled braces are braces."""
    template = Template.read("file_name", text)
    assert template.columns == columns
    assert template.fill([str(number) for number in range(1, len(columns) + 1)]) == filled


@pytest.mark.parametrize("text", ["{", "}", "a}b", "{a", "{{a}", "{a}}", "{a{b}}"])
def test_a_lone_brace_is_an_error(text: str) -> None:
    """The error names the parameter, and how a brace itself is written."""
    with pytest.raises(MappingError, match=r"folder=.*There is a single brace.*\{\{ or \}\}"):
        Template.read("folder", text)


@given(st.lists(st.tuples(plain_texts, plain_texts), max_size=5), st.text())
def test_values_stand_where_their_columns_stood(pairs: list[tuple[str, str]], end: str) -> None:
    """Whatever surrounds them, values replace their columns and no other text changes, braces in values included."""
    escaped = end.replace("{", "{{").replace("}", "}}")
    template = Template.read("description", "".join(f"{text}{{{name}}}" for text, name in pairs) + escaped)
    assert template.columns == tuple(name for _, name in pairs)
    values = [f"{{{name}}}" for _, name in pairs]
    assert template.fill(values) == "".join(f"{text}{{{name}}}" for text, name in pairs) + end
