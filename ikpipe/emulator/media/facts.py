"""The properties of a file's content in the upload response."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class MediaFacts:
    """The properties of a file's content in the upload response.

    `file_type` of a video is `non-image` [upload docs]. `width` and `height` are in pixels as stored, before any EXIF
    rotation [guess]; `bit_rate` is in kbit/s [spec] and `duration` in seconds, for videos only.
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

    @property
    def details(self) -> dict[str, object]:
        """The properties by their names in the API; missing ones are left out [upload docs]."""
        properties = {
            "fileType": self.file_type,
            "mime": self.mime,
            "width": self.width,
            "height": self.height,
            "hasAlpha": self.has_alpha,
            "bitRate": self.bit_rate,
            "videoCodec": self.video_codec,
            "audioCodec": self.audio_codec,
            "duration": self.duration,
        }
        return {name: value for name, value in properties.items() if value is not None}
