"""Limits of a transformation, since one URL must not occupy the machine: steps, rotations, pixels."""

from collections.abc import Iterable

from ikpipe.emulator.delivery.resize import Size, check_size
from ikpipe.emulator.delivery.transformation_parser import BadTransformationError, Step, all_steps

MOST_STEPS = 50
"""Maximum number of steps, those of layers included [guess: no limit is documented, but a request must end]."""
MOST_ROTATIONS = 8
"""Maximum number of rotations other than by right angles, each of which enlarges the image [guess]."""
MOST_PIXELS_IN_ALL = 500_000_000
"""Maximum number of pixels after each step, added up, with the images and results of layers [guess]."""


def check_length(steps: Iterable[Step]) -> None:
    """Reject a transformation with too many steps or rotations, in its layers or outside.

    Raise `BadTransformationError` if it has more than `MOST_STEPS` steps, or `MOST_ROTATIONS` rotations.
    """
    steps = list(all_steps(steps))
    if len(steps) > MOST_STEPS:
        raise BadTransformationError(f"It has {len(steps)} steps; the maximum is {MOST_STEPS}.")
    angles = [step["rt"].removeprefix("N") for step in steps if step.get("rt", "auto") != "auto"]
    rotations = sum(float(degrees) % 90 != 0 for degrees in angles)
    if rotations > MOST_ROTATIONS:
        raise BadTransformationError(f"It has {rotations} rotations; the maximum is {MOST_ROTATIONS}.")


class PixelBudget:
    """Counts the pixels that one transformation makes."""

    def __init__(self) -> None:
        self._pixels = 0

    def spend(self, size: Size) -> None:
        """Count an image of this size; raise `BadTransformationError` if it, or all together, are too large."""
        check_size(size)
        self._pixels += size[0] * size[1]
        if self._pixels > MOST_PIXELS_IN_ALL:
            raise BadTransformationError("The steps would make more than 500 megapixels in all.")
