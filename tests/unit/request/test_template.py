"""Templates: `{column}` with formats and filters is filled from the row, and doubled braces are braces."""

from __future__ import annotations

import datetime
import unicodedata
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ikpipe import MappingError
from ikpipe.errors import InvalidValue
from ikpipe.request.columns import call_or_error
from ikpipe.request.formats import CellFormats
from ikpipe.request.template import Placeholder, Template
from ikpipe.request.template_filters import slug, to_ascii

plain_texts = st.text(st.characters(codec="utf-8", exclude_characters="{}"))


def filled(text: str, cell: Any, formats: CellFormats | None = None) -> Any:
    """Return a template of the column `a` with a cell, or the problem."""
    template = Template.read("file_name", text, {"a"}.__contains__)
    source = template.source("The name", lambda _one: 0, lambda _at: "a", formats or CellFormats())
    (value,) = source.read({0: [cell]}, 1)
    return value


@pytest.mark.parametrize(
    ("text", "columns", "result"),
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
def test_a_template_is_parsed_and_filled(text: str, columns: tuple[str, ...], result: str) -> None:
    """The names in braces are columns, in their order; doubled braces are braces."""
    template = Template.read("file_name", text)
    assert tuple(one.name for one in template.placeholders) == columns
    if columns:
        assert template.fill_all([[str(number)] for number in range(1, len(columns) + 1)]) == [result]
    else:
        assert template.texts == (result,)


@pytest.mark.parametrize("text", ["{", "}", "a}b", "{a", "{{a}", "{a}}", "{a{b}}"])
def test_a_lone_brace_is_an_error(text: str) -> None:
    """The error names the parameter, and how a brace itself is written."""
    with pytest.raises(MappingError, match=r"folder=.*There is a single brace.*\{\{ or \}\}"):
        Template.read("folder", text)


@given(st.lists(st.tuples(plain_texts, plain_texts), min_size=1, max_size=5), st.text())
def test_values_stand_where_their_columns_stood(pairs: list[tuple[str, str]], end: str) -> None:
    """A column of any name wins; values replace their columns and no other text changes, braces in values included."""
    escaped = end.replace("{", "{{").replace("}", "}}")
    names = {name for _, name in pairs}
    text = "".join(f"{text}{{{name}}}" for text, name in pairs) + escaped
    template = Template.read("description", text, names.__contains__)
    assert template.placeholders == tuple(Placeholder(name, name) for _, name in pairs)
    values = [[f"{{{name}}}"] for _, name in pairs]
    assert template.fill_all(values) == ["".join(f"{text}{{{name}}}" for text, name in pairs) + end]


# Names


@pytest.mark.parametrize(
    ("text", "columns", "name", "form", "filters"),
    [
        ("a|b", {"a", "a|b"}, "a|b", "", ()),
        ("a|lower", {"a", "a|b"}, "a", "", ("lower",)),
        ("a|b|lower", {"a", "a|b"}, "a|b", "", ("lower",)),
        ("a:b", {"a:b"}, "a:b", "", ()),
        ("a:b:05d|lower", {"a", "a:b"}, "a:b", "05d", ("lower",)),
        ("a | slug | lower", {"a"}, "a", "", ("slug", "lower")),
        ("a |slug", {"a", "a "}, "a ", "", ("slug",)),
        ("at:%H:%M", {"at"}, "at", "%H:%M", ()),
        ("at:%d. %m. |strip", {"at"}, "at", "%d. %m.", ("strip",)),
        ("n::>8", {"n"}, "n", ":>8", ()),
        ("row:03d", set(), "row", "03d", ()),
        ("file.name|lower", set(), "file.name", "", ("lower",)),
    ],
)
def test_the_longest_name_that_is_a_column_wins(
    text: str, columns: set[str], name: str, form: str, filters: tuple[str, ...]
) -> None:
    """Then come the format and the filters."""
    one = Placeholder.read(text, columns.__contains__)
    assert (one.name, one.format, tuple(used for used, _ in one.filters)) == (name, form, filters)


@pytest.mark.parametrize("name", ["row", "file.name", "file.stem", "file.ext", "file.dir"])
def test_a_column_wins_over_a_special_name(name: str) -> None:
    """A column `row` or `file.name` is that column."""
    assert not Placeholder.read(name, {name}.__contains__).special
    assert Placeholder.read(name, set[str]().__contains__).special


# Formats


@pytest.mark.parametrize(
    ("spec", "cell", "text"),
    [
        *(("05d", cell, "00007") for cell in (7, "7", 7.0, "7.0", " 007 ", Decimal("7.0"))),
        ("05", "7", "00007"),
        ("d", "-12", "-12"),
        ("x", 255, "ff"),
        (".2f", "12.5", "12.50"),
        (".2f", 12.345, "12.34"),
        (".2f", 0.1 + 0.2, "0.30"),
        (",.2f", 1234567.891, "1,234,567.89"),
        ("_d", "1234567", "1_234_567"),
        ("_.1f", Decimal("1234.56"), "1_234.6"),
        ("+d", 3, "+3"),
        (".1%", "0.125", "12.5%"),
        ("%", 1, "100.000000%"),
        (">6", "ab", "    ab"),
        ("*^6", "ab", "**ab**"),
        (".3", "abcdef", "abc"),
        (".3s", "abcdef", "abc"),
        ("_>5", 12, "___12"),
        ("%Y-%m-%d", datetime.date(2026, 11, 3), "2026-11-03"),
        ("%Y/%m", "2026-11-03", "2026/11"),
        ("%H%M", "2026-11-03T10:20:00Z", "1020"),
        ("%H%M", "2026-11-03 10:20", "1020"),
        ("%-d.%-m.%Y", pd.Timestamp("2026-11-03 10:20", tz="Europe/Berlin"), "3.11.2026"),
        ("%j%%", "2026-01-31", "031%"),
        (">12", datetime.date(2026, 11, 3), "  2026-11-03"),
    ],
)
def test_formats(spec: str, cell: object, text: str) -> None:
    """Python's formats for numbers and text, `strftime` for dates; cells of a CSV are text, and mean the same."""
    assert filled(f"{{a:{spec}}}", cell) == text


@pytest.mark.parametrize(
    ("spec", "cell", "code"),
    [
        *(("05d", cell, "wrong_type") for cell in ("A7", "", "12.5", 12.5, True, "nan", "inf", float("inf"), "1,5")),
        *(("05d", cell, "wrong_type") for cell in (datetime.date(2026, 1, 1), "1" * 400, "1_0")),
        *(("05d", cell, "lost_digits") for cell in ("1.23E+11", 1e20, 2.0**53)),
        *((".2f", cell, "wrong_type") for cell in ("1e999999999", "1e-999999999", "x", Decimal("nan"))),
        *(("05", cell, "wrong_type") for cell in ("A7", True)),
        *(("%Y", cell, "wrong_type") for cell in ("20261130", "2026-W48-1", "30.11.2026", 20261130, 2026.0, "", True)),
        (">9", ["x"], "wrong_type"),
    ],
)
def test_a_format_that_does_not_fit_is_a_problem_of_the_row(spec: str, cell: object, code: str) -> None:
    """A cell that is not a number, not whole, not a date, or whose digits are lost."""
    bad = filled(f"{{a:{spec}}}", cell)
    assert isinstance(bad, InvalidValue)
    assert bad.code == code
    assert bad.fix


@pytest.mark.parametrize(
    "spec",
    [
        *("", "05q", "zz", "d5", "5.2d", ",s", "05s", "0500d", ".999f", "99999999999d", "c", "n", "1,2"),
        *("%Q", "a%", "%Y%", "%-Q", "%5d", "YYYY-MM-DD"),
    ],
)
def test_a_wrong_format_is_an_error_that_lists_valid_ones(spec: str) -> None:
    """It is found before any row is read."""
    with pytest.raises(MappingError, match=r"file_name=.*05d, \.2f or ,d, a date format such as %Y-%m-%d"):
        Template.read("file_name", f"{{a:{spec}}}", {"a"}.__contains__)


def test_a_decimal_comma_is_read_in_formats() -> None:
    """The formats of the table apply; what is written has a point, as in Python."""
    comma = CellFormats(decimal=",")
    assert filled("{a:.2f}", "1.234,5", comma) == "1234.50"
    assert filled("{a}", "1,5", comma) == "1,5"


# Filters


@pytest.mark.parametrize(
    ("filters", "cell", "text"),
    [
        ("slug", "Rote Schuhe & Gürtel, 42 ½", "rote-schuhe-gürtel-42-1-2"),
        ("slug", "  --A_b..C/d--  ", "a-b-c-d"),
        ("slug", "画像 ①", "画像-1"),
        ("slug", "हिन्दी भाषा", "हिन्दी-भाषा"),
        ("ascii|slug", "Größe \u2013 \u201cL\u2019été\u201d", "grosse-l-ete"),
        ("ascii", "Ærø Łódź Straße", "AEro Lodz Strasse"),
        ("lower", "ÄB", "äb"),
        ("upper", "straße", "STRASSE"),
        ("strip", "  a b ", "a b"),
        ("strip|upper|default:x", " a ", "A"),
        ("default:none", None, "none"),
        ("default:none", "a", "a"),
        ("default:", None, ""),
        ("default:A B|slug", None, "a-b"),
        ("slug|default:none", "!!!", "none"),
        ("lower", 12, "12"),
        ("default:a:b", None, "a:b"),
    ],
)
def test_filters(filters: str, cell: object, text: str) -> None:
    """Filters apply one after the other; `default` stands for a missing cell, or for nothing left."""
    assert filled(f"{{a|{filters}}}", cell) == text


def test_a_format_comes_before_the_filters() -> None:
    """A missing cell is not formatted."""
    assert filled("{a:%B|upper}", "2026-11-30") == "NOVEMBER"
    assert filled("{a:03d|default:none}", None) == "none"


@pytest.mark.parametrize(
    ("text", "cell"), [("{a|slug}", "!!!"), ("{a|strip}", "  "), ("{a}", None), ("{a|slug}", None)]
)
def test_nothing_left_is_a_problem_of_the_row(text: str, cell: object) -> None:
    """A missing cell, or one of which a filter leaves nothing, never makes a name such as `.jpg`."""
    bad = filled(text, cell)
    assert isinstance(bad, InvalidValue)
    assert bad.code == "missing_cell"


def test_text_that_ascii_cannot_write_is_a_problem() -> None:
    """Nothing is dropped, and no other script is guessed at."""
    bad = filled("{a|ascii}", "Größe 画像")
    assert isinstance(bad, InvalidValue)
    assert (bad.code, bad.message) == ("bad_character", '"Größe 画像" cannot be written in ASCII, because of "画".')


@pytest.mark.parametrize(
    ("filters", "words"),
    [
        ("slugg", "no filter 'slugg' (did you mean 'slug'?)"),
        ("", "no filter ''"),
        ("default", "needs a text"),
        ("lower:x", "takes no text"),
    ],
)
def test_a_wrong_filter_is_an_error_that_lists_the_valid_ones(filters: str, words: str) -> None:
    """It is found before any row is read."""
    with pytest.raises(MappingError) as caught:
        Template.read("file_name", f"{{a|{filters}}}", {"a"}.__contains__)
    assert words in str(caught.value)
    assert "slug, lower, upper, strip, ascii, default:text" in str(caught.value)


@given(st.text())
def test_a_slug_has_only_letters_and_numerals_between_dashes(text: str) -> None:
    """It has no dash at its ends or beside another one, and stays the same if made again."""
    made = slug(text)
    assert all(char == "-" or unicodedata.category(char)[0] in "LMN" for char in made)
    assert "--" not in made
    assert made == made.strip("-")
    assert slug(made) == made


@given(st.text())
def test_ascii_is_ascii_or_a_problem(text: str) -> None:
    """ASCII text stays as it is."""
    made = call_or_error(to_ascii, text)
    assert made.code == "bad_character" if isinstance(made, InvalidValue) else made.isascii()
    assert made == text or not text.isascii()


cells = (
    st.none()
    | st.text(max_size=8)
    | st.integers()
    | st.floats()
    | st.booleans()
    | st.decimals()
    | st.dates()
    | st.datetimes()
    | st.sampled_from(["7", "-0", "1e5", "1E400", "2026-11-30", "٣", "Infinity"])
)
specs = st.sampled_from(["05d", ".2f", ",d", "_.3f", "x", ">8", "*^9", "%Y-%m", "%H", "+", ".1%", "e", "G", "010"])


@given(cells, specs | st.none(), st.lists(st.sampled_from(["slug", "lower", "upper", "strip", "ascii", "default:x"])))
def test_a_placeholder_gives_text_or_a_problem(cell: object, spec: str | None, filters: list[str]) -> None:
    """Whatever the cell, no format or filter raises anything else; with a default, a missing cell is text."""
    value = filled("{" + "|".join([f"a:{spec}" if spec else "a", *filters]) + "}", cell)
    assert isinstance(value, (str, InvalidValue))
    assert not (isinstance(value, InvalidValue) and value.code == "unreadable_value")
    if cell is None and "default:x" in filters:
        assert isinstance(value, str)


@given(st.text(st.sampled_from("{}a:|0d%Y .slug"), max_size=16))
def test_any_text_is_a_template_or_a_mapping_error(text: str) -> None:
    """No text of a keyword raises anything else."""
    with suppress(MappingError):
        template = Template.read("folder", text, {"a"}.__contains__)
        assert len(template.texts) == len(template.placeholders) + 1
