"""A table of text keeps to its width, and to its columns whatever letters are in it."""

from hypothesis import given
from hypothesis import strategies as st

from ikpipe.cli.demo.columns import cells, columns

LETTERS = st.text(st.sampled_from("ab é猫写ﾈ"), max_size=60)


def test_columns_line_up() -> None:
    """Each column begins at the same cell in each line."""
    assert columns([["a", "b"], ["long", "c"]], width=40, indent=2) == "  a     b\n  long  c"


def test_wide_letters_line_up() -> None:
    """A Japanese letter takes two cells."""
    first, second = columns([["猫猫", "x"], ["four", "y"]], width=40).splitlines()
    assert cells(first) == cells(second) == 7


def test_combining_accents_take_no_room() -> None:
    """An accent that combines with its letter takes no cell of its own."""
    assert cells("e\u0301") == 1


def test_long_cells_are_broken() -> None:
    """Where the terminal is narrow, sentences are broken between words, and short columns stay whole."""
    table = columns([["00042", "one two three four five", "six seven eight nine ten"]], width=35)
    assert table.splitlines() == [
        "00042  one two three  six seven",
        "       four five      eight nine",
        "                      ten",
    ]


def test_line_breaks_are_spaces() -> None:
    """A cell with line breaks in it cannot break the table."""
    assert columns([["a\nb", "c"]], width=40) == "a b  c"


@given(st.lists(st.tuples(LETTERS, LETTERS), min_size=1), st.integers(30, 100))
def test_never_wider_than_asked(rows: list[tuple[str, str]], width: int) -> None:
    """No line is wider than the terminal, and no letter is lost."""
    table = columns(rows, width=width)
    assert max(map(cells, table.splitlines()), default=0) <= width
    assert sorted("".join(table.split())) == sorted("".join("".join(row) for row in rows).replace(" ", ""))
