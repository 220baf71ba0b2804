"""A table whose files nothing provides: one error, with the column that most likely has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import ikpipe
from ikpipe.cli.wording import in_options
from ikpipe.frames.mapping import ColumnMapping


def error_of(cells: dict[Any, list[Any]], **keywords: Any) -> ikpipe.MappingError:
    """Return the error of a table without a file."""
    frame = pd.DataFrame(cells, dtype=object)
    with pytest.raises(ikpipe.MappingError) as caught:
        ColumnMapping(frame.columns, None, keywords).check(frame)
    return caught.value


def test_the_error_lists_the_columns_and_shows_the_option() -> None:
    """In terms of Python and of the command line."""
    error = error_of({"sku": ["1"], "image_url": ["https://a.example/a.jpg"], "price": [3]})
    assert str(error) == (
        "No column, mapping or keyword provides the file. The table has the columns 'sku', 'image_url', 'price'. "
        "Map the column that has the files: columns={'file': 'image_url'}."
    )
    assert in_options(error.text).endswith("Map the column that has the files: --map file=image_url.")


def test_without_a_likely_column_the_option_has_a_placeholder() -> None:
    """Nothing is suggested that is not likely."""
    error = error_of({"sku": ["1"], "price": [3]})
    assert str(error).endswith("columns={'file': …}.")
    assert in_options(error.text).endswith("--map file=….")


@pytest.mark.parametrize(
    ("cells", "likely"),
    [
        ({"a": ["x"], "b": ["https://a.example/1.png?w=2"]}, "b"),
        ({"a": ["x"], "b": ["photos/1.JPG"]}, "b"),
        ({"a": ["x"], "b": ["C:\\photos\\1.tif"]}, "b"),
        ({"a": ["x"], "b": ["data:image/png;base64,eA=="]}, "b"),
        ({"a": ["x"], "b": [b"GIF"]}, "b"),
        ({"a": ["x"], "b": [Path("1.png")]}, "b"),
        ({"a": ["x", "y"], "b": [None, "https://a.example/1"]}, "b"),
        ({"page": ["https://a.example/p/1"], "bild": ["https://a.example/p/1.jpg"]}, "bild"),
        ({"product_url": ["https://a.example/p/1"], "image_url": ["https://a.example/i/1"]}, "image_url"),
        ({"image_width": [300], "photo": ["x"]}, "photo"),
        ({"imageSrc": [None], "sku": ["1"]}, "imageSrc"),
        ({"Image Src": [], "sku": []}, "Image Src"),
        ({3: ["https://a.example/1.png"], "sku": ["1"]}, 3),
        ({"profile": ["x"], "curls": ["y"], "description_x": ["z"]}, None),
        ({"image_width": [300], "file_size": [1.5]}, None),
        ({"ik_url": ["https://a.example/1.png"], "sku": ["1"]}, None),
    ],
)
def test_the_likely_column(cells: dict[Any, list[Any]], likely: Any) -> None:
    """By its cells first, then by its name."""
    shown = "…" if likely is None else repr(likely)
    assert f"columns={{'file': {shown}}}" in str(error_of(cells))


def test_a_wide_table_is_not_listed_as_a_whole() -> None:
    """Neither its columns nor a long name."""
    text = str(error_of({"x" * 5_000: [1], **{f"column {at}": [1] for at in range(500)}}))
    assert "and 481 more" in text
    assert len(text) < 800


def test_a_table_without_columns() -> None:
    """It is an error if it has rows; an empty file of JSON lines has neither."""
    with pytest.raises(ikpipe.MappingError, match=r"The table has no columns\."):
        ColumnMapping(pd.Index([]), None, {}).check(pd.DataFrame(index=[0]))
    ColumnMapping(pd.Index([]), None, {}).check(pd.DataFrame())


@pytest.mark.parametrize("label", ["https://a.example/a.jpg", "photos/a.png"])
def test_a_table_without_a_header(label: str) -> None:
    """Its first row has become the names of the columns."""
    text = str(error_of({label: ["https://a.example/b.jpg"], "1": ["2"]}))
    assert "The first line seems to be data. Put the names of the columns above it" in text
    assert text.endswith("columns={'file': …}.")


def test_similar_columns_are_in_the_same_error() -> None:
    """With all options together."""
    error = error_of({"Tags": ["x"], "image_url": ["https://a.example/a.jpg"]})
    assert "'Tags' (tags)" in str(error)
    assert "columns={'file': 'image_url', 'tags': 'Tags'}; to ignore it, pass ignore=['Tags']" in str(error)


def test_a_similar_column_of_files_is_suggested() -> None:
    """It is more likely than any other."""
    error = error_of({" file ": ["x"], "image_url": ["https://a.example/a.jpg"]})
    assert "pass columns={'file': ' file '}" in str(error)


def test_results_without_their_mapping() -> None:
    """The error says why it is missing, and lists none of their columns."""
    text = str(error_of({"url": ["x"], "ik_status": ["failed"]}))
    assert "do not have the mapping of their run" in text
    assert "ik_status" not in text


def test_a_keyword_provides_the_file() -> None:
    """For all rows, or as a template."""
    frame = pd.DataFrame({"sku": ["1"]})
    ColumnMapping(frame.columns, None, {"file": "https://a.example/{sku}.jpg"}).check(frame)
