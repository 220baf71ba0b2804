"""Check summaries of runs against their schema."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema

SCHEMA = json.loads(files("ikpipe.run").joinpath("summary.schema.json").read_text("utf-8"))


def valid(document: dict[str, Any]) -> dict[str, Any]:
    """Return a summary that follows its schema, and has no fields that the schema does not know."""
    jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker()).validate(document)
    assert document.keys() == SCHEMA["properties"].keys()
    return document


def read(path: str | Path) -> dict[str, Any]:
    """Return the valid summary in a file."""
    return valid(json.loads(Path(path).read_text("utf-8")))
