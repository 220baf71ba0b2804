"""Extensions of names: a file that is renamed keeps its own one, unless the new name has one."""

import re

_EXTENSION = re.compile(r".(\.(?=\d*[a-z])[a-z0-9]{1,8})$", re.ASCII | re.IGNORECASE)
_TYPED = re.compile(r".\.([a-z0-9]+)$", re.ASCII | re.IGNORECASE)

FILE_TYPES = frozenset(
    (  # noqa: SIM905 - shorter than a list
        "3gp aac ai avi avif bmp css csv doc docx eps flac flv gif glb gltf heic heif htm html ico jpe jpeg jpg "
        "js json jxl m4a m4v md mkv mov mp3 mp4 mpeg mpg odp ods odt oga ogg ogv otf pdf png ppt pptx ps psd rar "
        "rtf svg tif tiff ttf txt wav weba webm webmanifest webp wmv woff woff2 xls xlsx xml zip"
    ).split()
)
"""Extensions that a new name can have; any other text after a dot, as in ``shoe v1.2``, belongs to the name.

`static/format.js` has the same.
"""


def extension_of(name: str) -> str:
    """Return a name's extension with its dot, or an empty text."""
    found = _EXTENSION.search(name)
    return found[1] if found else ""


def new_name(name: str, text: str) -> str:
    """Return the name that a text means for a file with a name: with its extension, if the text has none."""
    own, typed = extension_of(name), _TYPED.search(text)
    has_one = (typed is not None and typed[1].lower() in FILE_TYPES) or text.lower().endswith(own.lower())
    return text if has_one else text + own
