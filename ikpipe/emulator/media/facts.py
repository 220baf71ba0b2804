"""What the upload response says of a file's content."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class MediaFacts:
    """What the upload response says of a file's content.

    Attributes
    ----------
    file_type
        `image` or `non-image`; a video is the latter (seed).
    mime, format
        Such as `image/jpeg` and `jpg`.
    width, height
        In pixels as stored, before any EXIF rotation (guess).
    bit_rate
        In kbit/s (spec), videos only.
    duration
        In seconds, videos only.
    """

    file_type: Literal["image", "non-image"]
    mime: str | None
    format: str
    width: int | None = None
    height: int | None = None
    has_alpha: bool = False
    bit_rate: int | None = None
    video_codec: str | None = None
    audio_codec: str | None = None
    duration: float | None = None
