"""Extracts a frame of a video with FFmpeg, which the package `imageio-ffmpeg` brings or finds.

FFmpeg is a process of its own: a hostile file can neither crash the emulator nor occupy it for long.
"""

import subprocess
from pathlib import Path

INSTALL = 'Video thumbnails need the package imageio-ffmpeg: pip install "ikpipe[video]".'
MOST_SECONDS = 30
"""How long the extraction of a frame may take."""
MOST_PIXELS = 36_000_000
"""Maximum number of pixels of a frame, which are those of 8K: decoders keep many frames in memory."""
_LIMITS = (
    *("-threads", "1", "-max_pixels", str(MOST_PIXELS), "-max_alloc", "500000000"),
    # the file does not decide what is read: no playlists, no other protocols
    *("-protocol_whitelist", "file", "-format_whitelist", "mov,mp4,matroska,webm"),
)


class FrameError(Exception):
    """A video that has no such frame, or cannot be decoded; its text says why."""


class DecoderMissingError(Exception):
    """There is no FFmpeg."""


def extract_frame(file: Path, offset: float, limit: float = MOST_SECONDS) -> bytes:
    """Return the frame at a time in seconds, upright, as a BMP image; FFmpeg is killed after `limit` seconds.

    Raise `FrameError` if there is none, and `DecoderMissingError` without FFmpeg.
    """
    source = ("-ss", f"{offset:.6f}", "-i", f"file:{file}")
    result = ("-map", "0:v:0", "-frames:v", "1", "-f", "image2pipe", "-c:v", "bmp", "pipe:1")
    command = [_decoder(), "-nostdin", "-v", "error", *_LIMITS, *source, *result]
    try:
        done = subprocess.run(command, capture_output=True, timeout=limit, check=False)  # noqa: S603 - no input in it but a path and a number
    except subprocess.TimeoutExpired:
        raise FrameError(f"The video cannot be decoded within {limit:g} seconds.") from None
    except OSError:  # the variable IMAGEIO_FFMPEG_EXE names none
        raise DecoderMissingError from None
    if done.stdout and done.returncode == 0:
        return done.stdout
    raise FrameError(
        "The video cannot be read." if done.returncode else f"The video has no frame at {offset:g} seconds."
    )


def _decoder() -> str:
    try:
        from imageio_ffmpeg import get_ffmpeg_exe  # type: ignore[import-untyped]

        return str(get_ffmpeg_exe())
    except (ImportError, RuntimeError):
        raise DecoderMissingError from None
