"""`ignore=`: columns that are not used because of their names."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

import ikpipe
from ikpipe.frames.mapping import ColumnMapping


def provided(labels: list[Any], ignore: list[Any], columns: dict[str, Any] | None = None, **keywords: Any) -> set[str]:
    """Return the parameters that a table's columns and keywords give."""
    mapping = ColumnMapping(pd.Index(labels), columns, keywords, ignore=ignore)
    return {name for name in ("file", "tags", "webhook_url", "custom_metadata") if mapping.provides(name)}


@pytest.mark.parametrize("label", ["tags", "\ufefftags"])
def test_an_ignored_column_gives_no_parameter(label: str) -> None:
    """Although it is named like one."""
    assert provided(["file", label], ["tags"]) == {"file"}


def test_an_ignored_metadata_column_sets_no_field() -> None:
    """In either spelling."""
    labels = ["file", "custom_metadata.brand", "customMetadata.color"]
    assert provided(labels, labels[1:]) == {"file"}


def test_an_ignored_column_can_be_mapped_or_used_in_a_template() -> None:
    """It is only not used because of its name."""
    assert provided(["file", "folder"], ["folder"], {"tags": "folder"}) == {"file", "tags"}
    assert provided(["file", "folder"], ["folder"], file_name="{folder}.jpg") == {"file"}


def test_an_ignored_column_is_not_sent_to_a_webhook() -> None:
    """A column named `webhook_url` is an error unless it is mapped or ignored; the error has both options."""
    assert provided(["file", "webhookUrl"], ["webhookUrl"]) == {"file"}
    with pytest.raises(ikpipe.MappingError, match=r"ignore=\['webhookUrl'\]"):
        provided(["file", "webhookUrl"], [])


def test_an_ignored_column_must_exist() -> None:
    """A spelling mistake would use the column."""
    with pytest.raises(ikpipe.MappingError, match=r"ignore=\['tag'\]: .* no column 'tag' \(did you mean 'tags'\?\)"):
        provided(["file", "tags"], ["tag"])


def test_labels_of_any_type_are_ignored() -> None:
    """By their value, or their text."""
    assert provided(["file", 3, ("a", 1)], [3, ("a", 1)]) == {"file"}
    assert provided(["file", 3], ["3"]) == {"file"}
