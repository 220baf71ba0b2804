"""Frames for the tests of results files: every kind of column, with texts that break careless writers."""

import pandas as pd
from hypothesis import strategies as st

HOSTILE = (
    *(
        "\ufeff=1",
        "\u200b@x",
        "\xa0+x",
        "\u2066=1",
        "\x0b=1",
        "x;=1",
        "x; '=1",
        "x;'=1",
        "x,=1",
        "x,'=1",
        "x\t=1",
        "x\n=1",
        "x\n'=1",
    ),
    *("\x1b[31mx", "a_x000D_b", "_x005F_", "\ufffe"),
    *("", "NA", "null", "None", "nan", "true", "1e5", "007", "-5", "12.0", "0x10"),
    *("=1+1", "'=1", "''=1", " =1", '"=1', "@x", "＝1", "\t1", "-x", "'", "'x"),  # noqa: RUF001 - full-width on purpose
    *(
        '"',
        '""',
        'say "hi"',
        "a,b",
        "a\nb",
        "a\r\nb",
        "a\rb",
        "\r",
        "\n",
        "\\",
        '"\\',
        " ",
        "\ufeff",
        "\x00",
        "\u2028",
        "😀",
    ),
)
TEXT = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=12))
INT64 = st.integers(-(2**63), 2**63 - 1)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
NESTED = st.lists(JSON, max_size=3) | st.dictionaries(TEXT, JSON, max_size=3)

COLUMNS = {
    "ik_status": ("string", TEXT),
    "ik_message": ("string", TEXT),
    "ik_size": ("Int64", INT64),
    "ik_duration": ("Float64", st.floats(allow_nan=False)),
    "ik_is_published": ("boolean", st.booleans()),
    "ik_tags": ("object", NESTED),
    "ik_extra": ("object", NESTED),
}
"""Some columns of a run, one or two of each dtype, and what their cells can be."""


def frame_of(rows: list[tuple[object, ...]]) -> pd.DataFrame:
    """Make a results frame of rows of cells."""
    cells = zip(*rows, strict=True) if rows else [()] * len(COLUMNS)
    return pd.DataFrame(
        {
            name: pd.Series(list(values), dtype=dtype)
            for (name, (dtype, _)), values in zip(COLUMNS.items(), cells, strict=True)
        }
    )


FRAMES = st.lists(st.tuples(*(st.none() | cell for _, cell in COLUMNS.values())), max_size=4).map(frame_of)
