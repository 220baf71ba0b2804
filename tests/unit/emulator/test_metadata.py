"""The metadata of an image has the service's names and is plain JSON."""

import json
import struct
import zlib
from pathlib import Path

import pytest
from emulator_client import embedded, facts
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

from ikpipe.emulator.media.metadata import legacy

XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"
 rdf:about="" photoshop:State="Kent">
<dc:title><rdf:Alt>
 <rdf:li xml:lang="x-default">The title</rdf:li><rdf:li xml:lang="de">Der Titel</rdf:li>
</rdf:Alt></dc:title>
<dc:subject><rdf:Bag><rdf:li>sea</rdf:li><rdf:li>sky</rdf:li></rdf:Bag></dc:subject>
<dc:rights><rdf:Alt><rdf:li>Nobody</rdf:li></rdf:Alt></dc:rights>
</rdf:Description></rdf:RDF></x:xmpmeta>"""


def exif() -> Image.Exif:
    """Make EXIF data such as a camera writes, with all its directories."""
    data = Image.Exif()
    data[ExifTags.Base.Make] = "Canon"
    data[ExifTags.Base.DateTime] = "2008:07:31 10:38:11"
    data[ExifTags.Base.Copyright] = "EXIF"
    data.get_ifd(ExifTags.IFD.Exif).update(
        {
            ExifTags.Base.ExposureTime: IFDRational(1, 160),
            ExifTags.Base.ISOSpeedRatings: 100,
            ExifTags.Base.ExifVersion: b"0221",
            ExifTags.Base.UserComment: b"ASCII\0\0\0fine day",
            ExifTags.Base.MakerNote: b"\x01" * 50,
            ExifTags.Base.FNumber: IFDRational(1, 0),
            ExifTags.Base.CFAPattern: b"\xfe" * 30,
        }
    )
    data.get_ifd(ExifTags.IFD.GPSInfo).update(
        {ExifTags.GPS.GPSVersionID: b"\2\2\0\0", ExifTags.GPS.GPSLatitude: (51.0, 30.0, 0.0)}
    )
    return data


def iptc(**fields: tuple[int, bytes]) -> bytes:
    """Make a JPEG segment with these IPTC fields of the application record."""
    records = b"".join(
        b"\x1c\x02" + bytes([tag]) + len(text).to_bytes(2, "big") + text for tag, text in fields.values()
    )
    resource = b"8BIM\x04\x04\0\0" + len(records).to_bytes(4, "big") + records + b"\0" * (len(records) % 2)
    body = b"Photoshop 3.0\0" + resource
    return b"\xff\xed" + (len(body) + 2).to_bytes(2, "big") + body


def jpeg(path: Path, segment: bytes = b"", **options: object) -> Path:
    """Save a small JPEG with this segment right after its start."""
    Image.effect_noise((64, 48), 60).save(path, "JPEG", **options)
    data = path.read_bytes()
    path.write_bytes(data[:2] + segment + data[2:])
    return path


def test_exif(tmp_path: Path) -> None:
    """EXIF tags have ExifTool's names, and fractions are numbers."""
    found = embedded(jpeg(tmp_path / "a.jpg", exif=exif()))
    assert found["Make"] == "Canon"
    assert found["ModifyDate"] == "2008:07:31 10:38:11"
    assert (found["ISO"], found["ExposureTime"], found["ExifVersion"]) == (100, 0.00625, "0221")
    assert found["GPSLatitude"] == [51, 30, 0]


def test_what_has_no_plain_form_is_left_out(tmp_path: Path) -> None:
    """Binary data and divisions by zero are left out, and the rest is JSON."""
    found = embedded(jpeg(tmp_path / "a.jpg", exif=exif()))
    assert not {"MakerNote", "FNumber", "CFAPattern"} & set(found)
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_user_comment(tmp_path: Path) -> None:
    """A user comment does not have the bytes that name its encoding."""
    assert embedded(jpeg(tmp_path / "a.jpg", exif=exif()))["UserComment"] == "fine day"


def test_iptc(tmp_path: Path) -> None:
    """IPTC fields have the names in the example of the upload docs; a repeated one is a list."""
    segment = iptc(a=(5, "Café".encode()), b=(116, b"IPTC"), c=(25, b"one"), d=(25, b"two"), e=(200, b"?"))
    found = embedded(jpeg(tmp_path / "a.jpg", segment))
    assert found == {"Title": "Café", "Copyright": "IPTC", "Keywords": ["one", "two"]}


def test_xmp(tmp_path: Path) -> None:
    """XMP values have no RDF containers, and are in the default language."""
    found = embedded(jpeg(tmp_path / "a.jpg", xmp=XMP.encode()))
    assert found == {"Title": "The title", "Subject": ["sea", "sky"], "Copyright": "Nobody", "State": "Kent"}


def test_most_believed_source(tmp_path: Path) -> None:
    """If all three have a copyright, XMP's is used."""
    segment = iptc(a=(116, b"IPTC"))
    assert embedded(jpeg(tmp_path / "a.jpg", segment, exif=exif()))["Copyright"] == "IPTC"
    assert embedded(jpeg(tmp_path / "b.jpg", segment, exif=exif(), xmp=XMP.encode()))["Copyright"] == "Nobody"


def test_broken_xmp_leaves_the_rest(tmp_path: Path) -> None:
    """Invalid XMP does not affect the EXIF data."""
    assert embedded(jpeg(tmp_path / "a.jpg", exif=exif(), xmp=b"<no"))["Make"] == "Canon"


def test_legacy_properties(tmp_path: Path) -> None:
    """The legacy field has the documented properties and nothing else."""
    path = jpeg(tmp_path / "a.jpg", dpi=(250, 250), icc_profile=b"profile")
    found = legacy(path, facts(path, "a.jpg"))
    hashed = found.pop("pHash")
    assert found == {
        "height": 48,
        "width": 64,
        "size": path.stat().st_size,
        "format": "jpg",
        "hasColorProfile": True,
        "quality": 0,
        "density": 250,
        "hasTransparency": False,
        "exif": {},
    }
    assert len(str(hashed)) == 16


def test_legacy_exif(tmp_path: Path) -> None:
    """The legacy EXIF data keeps the directories apart."""
    path = jpeg(tmp_path / "a.jpg", exif=exif())
    found = legacy(path, facts(path, "a.jpg"))["exif"]
    assert isinstance(found, dict)
    assert list(found) == ["image", "thumbnail", "exif", "gps", "interoperability", "makernote"]
    assert found["image"]["Make"] == "Canon"
    assert found["exif"]["ISO"] == 100
    assert found["gps"] == {"GPSVersionID": [2, 2, 0, 0], "GPSLatitude": [51, 30, 0]}


def test_legacy_video() -> None:
    """A video's legacy field has its codecs, not the properties of an image."""
    path = Path(__file__).parent / "data/clip.mp4"
    found = legacy(path, facts(path, "clip.mp4"))
    assert set(found) == {"height", "width", "bitRate", "duration", "videoCodec", "audioCodec"}


def test_legacy_drawing(tmp_path: Path) -> None:
    """An SVG, which has no pixels, has a legacy field without a hash."""
    path = tmp_path / "a.svg"
    path.write_text('<svg xmlns="http://www.w3.org/2000/svg" width="3" height="4"/>')
    found = legacy(path, facts(path, "a.svg"))
    assert (found["width"], found["height"], found["format"], "pHash" in found) == (3, 4, "svg", False)


def distance(one: Path, other: Path) -> int:
    """Count the bits in which the two pictures' hashes differ."""
    first, second = (int(str(legacy(path, facts(path, path.name))["pHash"]), 16) for path in (one, other))
    return (first ^ second).bit_count()


def test_hash_survives_scaling_and_tells_pictures_apart(tmp_path: Path) -> None:
    """A scaled, strongly compressed copy differs in few bits, and another picture in many."""
    first, second = (Image.effect_noise((16, 16), 200).resize((300, 200), Image.Resampling.BICUBIC) for _ in range(2))
    first.save(tmp_path / "first.png")
    first.resize((150, 100)).save(tmp_path / "copy.jpg", quality=40)
    second.save(tmp_path / "second.png")
    assert distance(tmp_path / "first.png", tmp_path / "copy.jpg") <= 8
    assert distance(tmp_path / "first.png", tmp_path / "second.png") > 12


def png(path: Path, *, pixels: bytes, before: bytes = b"", behind: bytes = b"") -> Path:
    """Write a PNG of a pixel, with XMP before or behind it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    def xmp(data: bytes) -> bytes:
        return chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + data) if data else b""

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    image = chunk(b"IDAT", pixels)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + xmp(before) + image + xmp(behind) + chunk(b"IEND", b""))
    return path


@pytest.mark.parametrize("place", ["before", "behind"])
def test_png_has_its_metadata_on_either_side(tmp_path: Path, place: str) -> None:
    """The metadata of a PNG is read before its pixels and after them."""
    path = png(tmp_path / "a.png", pixels=zlib.compress(b"\0\0"), **{place: XMP.encode()})
    assert embedded(path)["Title"] == "The title"


def test_pixels_are_not_decoded_in_vain(tmp_path: Path) -> None:
    """If a PNG has no chunks after its pixels, they are not decoded, so broken ones do not matter."""
    path = png(tmp_path / "a.png", pixels=b"no pixels", before=XMP.encode())
    assert embedded(path)["Title"] == "The title"
