"""Columns whose names are almost those of parameters are errors or warnings; other columns never are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ikpipe
from ikpipe.cli.wording import in_options
from ikpipe.errors import ApiName
from ikpipe.frames.mapping import ColumnMapping
from ikpipe.frames.near_misses import how_to_use, near_misses, warning

HEADERS = Path(__file__).parents[2] / "data" / "headers"
NAMED_LIKE_PARAMETERS = {"Tags", "Description", "FileName", "filename"}
"""Of the headers of other programs, those that a reader takes for a parameter's name."""
SIMILAR = {"Extension"}


def found(*labels: Any, given: tuple[str, ...] = ()) -> dict[Any, tuple[str, str]]:
    """Return what each column is almost the name of, and how serious that is."""
    return {miss.label: (miss.name, miss.severity) for miss in near_misses(labels, given)}


def error_of(labels: list[Any], columns: dict[str, Any] | None = None, **options: Any) -> ikpipe.MappingError:
    """Return the error of a table with these columns and a file."""
    ignore = options.pop("ignore", ())
    frame = pd.DataFrame([["x"] * (len(labels) + 1)], columns=["file", *labels])
    with pytest.raises(ikpipe.MappingError) as caught:
        ColumnMapping(frame.columns, columns, options, ignore=ignore).check(frame)
    return caught.value


@pytest.mark.parametrize("program", [path.stem for path in sorted(HEADERS.glob("*.txt"))])
def test_the_headers_of_other_programs(program: str) -> None:
    """Only names that are a parameter's in another spelling are errors."""
    labels = (HEADERS / f"{program}.txt").read_text(encoding="utf-8").splitlines()
    misses = near_misses(labels, ())
    assert {str(miss.label) for miss in misses if miss.severity == "error"} == NAMED_LIKE_PARAMETERS & {*labels}
    assert {str(miss.label) for miss in misses if miss.severity == "warning"} == SIMILAR & {*labels}


def test_the_headers_of_several_programs() -> None:
    """There are enough of them."""
    assert sum(len(path.read_text(encoding="utf-8").splitlines()) for path in HEADERS.glob("*.txt")) > 300


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("Tags", "tags"),
        ("TAGS", "tags"),
        ("Is Private File", "is_private_file"),
        ("isPrivatefile", "is_private_file"),
        ("is-private-file", "is_private_file"),
        (" file ", "file"),
        ("file\u00a0", "file"),
        ("\u200bfile", "file"),
        ("\ufeffFile", "file"),
        ("File\tName", "file_name"),
        ("file\u2013name", "file_name"),
        ("Is.Private.File", "is_private_file"),  # as R writes spaces
        ("İS_PRİVATE_FİLE", "is_private_file"),  # in Turkish capitals
        ("ｔａｇｓ", "tags"),  # noqa: RUF001 - full width
        ('"tags"', "tags"),
        ("Tags *", "tags"),
        ("overwriteAiTags", "overwrite_ai_tags"),
        ("WebhookURL", "webhook_url"),
        ("Custom Metadata", "custom_metadata"),
        ("Custom Metadata.brand", "custom_metadata.brand"),
        ("custom-metadata.brand", "custom_metadata.brand"),
        ("Custom.Metadata.brand", "custom_metadata.brand"),
        ("customMetadata: brand", "custom_metadata.brand"),
        ("customMetadata[brand]", "custom_metadata.brand"),
        ("custom_metadata/brand", "custom_metadata.brand"),
    ],
)
def test_another_spelling_is_an_error(label: str, name: str) -> None:
    """Case, separators, spaces of any kind and invisible characters do not make it another word."""
    assert found(label) == {label: (name, "error")}


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("descripton", "description"),
        ("Descriptions", "description"),
        ("fodler", "folder"),
        ("file_nane", "file_name"),
        ("Chekcs", "checks"),
        ("costum_metadata.brand", None),
        ("custm_metadata.brand", "custom_metadata.brand"),
        ("custom_metadata_brand", "custom_metadata.brand"),
        ("Custom metadata field", "custom_metadata.field"),
    ],
)
def test_one_letter_off_is_a_warning(label: str, name: str | None) -> None:
    """Of a name with six letters or more: a letter more, one less, another one, or two exchanged."""
    assert found(label) == ({} if name is None else {label: (name, "warning")})


@pytest.mark.parametrize(
    ("label", "name"),
    [("is_privat_file", "is_private_file"), ("isPublishd", "is_published"), ("is_private_file1", "is_private_file")],
)
def test_one_letter_off_the_visibility_is_an_error(label: str, name: str) -> None:
    """It would make a private file public."""
    assert found(label) == {label: (name, "error")}


@pytest.mark.parametrize(
    "label",
    [
        *("tag", "fil", "tgas", "files", "folder2", "description_2", "image_tags", "path", "name", "checked", "", " "),
        *("published", "private", "file_size", "custom", "metadata", "brand.custom_metadata", 3, None, ("Tags", "a")),
        *("ik_tags", "ik_custom_metadata", "ik_is_private_file", "ik_extra"),
        *("tags", "fileName", "custom_metadata.brand", "customMetadata.Brand"),
    ],
)
def test_other_names_are_not_similar(label: Any) -> None:
    """Short names, numbered names, other words, results of an earlier run, and the exact names."""
    assert found(label) == {}


def test_a_parameter_that_is_given_has_no_near_misses() -> None:
    """A mapping or a keyword gives it, so that the column is no mistake."""
    assert found("Tags", "Folder", given=("tags",)) == {"Folder": ("folder", "error")}
    labels = "Custom Metadata.brand", "Custom Metadata.color"
    assert list(found(*labels, given=("custom_metadata", "custom_metadata.brand"))) == ["Custom Metadata.color"]
    assert found(*labels, given=("custom_metadata", "custom_metadata.*")) == {}


@pytest.mark.parametrize(
    ("columns", "options"),
    [
        ({"tags": "brand"}, {}),
        ({"tags": "Tags"}, {}),
        ({"description": "Tags"}, {}),
        (None, {"tags": "sale"}),
        (None, {"tags": ["sale"]}),
        (None, {"ignore": ["Tags"]}),
    ],
)
def test_what_is_mapped_given_or_ignored_is_no_mistake(columns: dict[str, Any] | None, options: Any) -> None:
    """The column is used, its parameter is given, or the caller ignores it."""
    frame = pd.DataFrame([["x"] * 3], columns=["file", "Tags", "brand"])
    ignore = options.get("ignore", ())
    keywords = {name: value for name, value in options.items() if name != "ignore"}
    ColumnMapping(frame.columns, columns, keywords, ignore=ignore).check(frame)


def test_a_column_of_the_exact_name_does_not_excuse_another() -> None:
    """Nobody knows which of the two was meant."""
    assert "'Tags'" in str(error_of(["tags", "Tags"]))


def test_an_empty_keyword_gives_nothing() -> None:
    """None and empty text mean "not given"."""
    assert "'Tags'" in str(error_of(["Tags"], tags=""))


def test_one_error_has_all_columns_and_both_options() -> None:
    """In terms of Python, and of the command line with its quotes."""
    error = error_of(["Tags", "Is Private File", "Custom Metadata.brand", "price"])
    assert str(error) == (
        "These columns are not used, although their names are almost the names of parameters: 'Tags' (tags), "
        "'Is Private File' (is_private_file), 'Custom Metadata.brand' (custom_metadata.brand). To use them, pass "
        "columns={'tags': 'Tags', 'is_private_file': 'Is Private File', "
        "'custom_metadata': {'brand': 'Custom Metadata.brand'}}; to ignore them, pass "
        "ignore=['Tags', 'Is Private File', 'Custom Metadata.brand']."
    )
    assert in_options(error.text).endswith(
        "To use them, pass --map tags=Tags --map 'is_private_file=Is Private File' "
        "--map 'custom_metadata.brand=Custom Metadata.brand'; to ignore them, pass "
        "--ignore Tags --ignore 'Is Private File' --ignore 'Custom Metadata.brand'."
    )


def test_several_columns_for_one_parameter() -> None:
    """Tags are joined; of other parameters, the first column is suggested."""
    error = error_of(["Tags", "TAGS", "Folder", "FOLDER"])
    assert "columns={'tags': ['Tags', 'TAGS'], 'folder': 'Folder'}" in str(error)


def test_a_label_cannot_control_a_terminal() -> None:
    """It is shown escaped."""
    assert "\x1b" not in in_options(error_of(["\x1bTags"]).text.partition("To use")[0])


def test_warnings_are_not_errors() -> None:
    """The mapping is valid, and has them."""
    frame = pd.DataFrame([["x", "y"]], columns=["file", "descripton"])
    mapping = ColumnMapping(frame.columns, None, {})
    mapping.check(frame)
    (miss,) = mapping.warnings
    assert miss.problem[2:] == (
        *("descripton", "description", "warning", "similar_column"),
        "The column 'descripton' (description) is not used. Its name is similar to a parameter.",
        "To use it, pass columns={'description': 'descripton'}; to ignore it, pass ignore=['descripton'].",
    )


def test_several_warnings_are_one() -> None:
    """With all options together."""
    message, fix = warning(near_misses(["descripton", "fodler"], ()))
    assert message == (
        "These columns are not used. Their names are similar to parameters: 'descripton' (description), "
        "'fodler' (folder)."
    )
    assert "columns={'description': 'descripton', 'folder': 'fodler'}" in fix


def test_metadata_as_a_whole_and_a_field_of_it() -> None:
    """Only one of them can be mapped, so that only the first is suggested."""
    assert "columns={'custom_metadata': 'Custom Metadata'}" in str(
        error_of(["Custom Metadata", "Custom Metadata.brand"])
    )
    assert "columns={'custom_metadata': {'brand': 'Custom Metadata.brand'}}" in str(
        error_of(["Custom Metadata.brand", "Custom Metadata"])
    )


PIECES = st.sampled_from(
    [
        "Tags",
        "tag",
        "s",
        "is",
        "Private",
        "File",
        "file",
        "_",
        " ",
        ".",
        ":",
        "[",
        "]",
        "=",
        "custom",
        "Metadata",
        "x",
        "1",
    ]
)


@given(st.lists(st.lists(PIECES, max_size=6).map("".join) | st.text(max_size=8), unique=True))
def test_the_suggested_options_are_valid(labels: list[str]) -> None:
    """Whatever the columns are named, to ignore them is valid, and so is to map them."""
    frame = pd.DataFrame([["x"] * len(labels)], columns=labels, dtype=object)
    keywords = {"file": b"GIF", "webhook_url": "https://a.example/"}
    misses = near_misses(labels, keywords)
    ColumnMapping(frame.columns, None, keywords, ignore=[miss.label for miss in misses]).check(frame)
    suggested = how_to_use(misses).parts
    columns = next(part.value for part in suggested if isinstance(part, ApiName) and part.kind == "columns")
    ColumnMapping(frame.columns, columns, keywords)
