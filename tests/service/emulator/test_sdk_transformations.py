"""The transformations of the official SDKs' own examples."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest
from PIL import Image, ImageFont

from ikpipe.emulator.delivery.render import RenderRequest, render
from ikpipe.emulator.delivery.transformation_parser import BadTransformationError, parse_transformation

EXAMPLES = (Path(__file__).parent / "data/sdk_transformations.tsv").read_text("utf-8").splitlines()
ROWS = [(*row.split("\t"), "", "")[:3] for row in EXAMPLES if row and not row.startswith("#")]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return a base image, a logo and a font."""
    folder = tmp_path_factory.mktemp("library")
    Image.linear_gradient("L").resize((90, 60)).convert("RGB").save(folder / "base.jpg")
    Image.new("RGBA", (20, 10), "orange").save(folder / "logo.png")
    (folder / "font.ttf").write_bytes(ImageFont.load_default(10).path.getvalue())  # type: ignore[union-attr]
    return {name: folder / name for name in ("base.jpg", "logo.png", "font.ttf")}


@pytest.mark.parametrize(("text", "ignored", "error"), ROWS)
def test_examples(text: str, ignored: str, error: str, library: dict[str, Path]) -> None:
    """Each part of an example is rendered, or named as ignored."""
    chain = parse_transformation(text, {"some_name": "w-10"})
    files = {path: library["font.ttf" if path.endswith(".ttf") else "logo.png"] for path in chain.files}
    assert ",".join(chain.ignored) == ignored
    with pytest.raises(BadTransformationError, match=error) if error else nullcontext():
        render(library["base.jpg"], 1, chain, RenderRequest(), files=files)
