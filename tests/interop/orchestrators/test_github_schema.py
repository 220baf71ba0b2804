"""The workflow of the documentation, by the schema that GitHub's workflows have."""

from __future__ import annotations

import subprocess

import pytest
from engines import EXAMPLES, environment

pytestmark = pytest.mark.soak


def test_the_workflow_follows_the_schema() -> None:
    """Every key is one that GitHub knows."""
    programs = environment("check-jsonschema", "check-jsonschema")
    command = [programs / "check-jsonschema", "--builtin-schema", "vendor.github-workflows"]
    done = subprocess.run(  # noqa: S603 - ours
        [*command, EXAMPLES / "github_actions.yml"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
