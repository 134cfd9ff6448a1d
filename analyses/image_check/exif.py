"""What a picture's metadata tells: camera and settings for the report; place and names as a warning, never repeated."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from PIL import Image
from PIL.ExifTags import IFD, Base

from analyses.kit.texts import shorten

# Kept without their values: the report may be passed on.
NAMES = (Base.Artist, Base.CameraOwnerName, Base.BodySerialNumber, Base.LensSerialNumber, Base.HostComputer)
WIDTH = 60  # columns of text shown

Write = Callable[[Mapping[int, object]], str]  # tags as one line, empty where there is nothing to say


@dataclass(frozen=True)
class Exif:
    """Metadata of one picture. `rows` are (key of the texts, value); `orientation` is 1 to 8 as EXIF has it."""

    rows: list[tuple[str, str]] = field(default_factory=list)
    orientation: int = 1
    place: bool = False
    names: bool = False


def read(image: Image.Image) -> Exif:
    """Read the metadata of an opened picture; what is broken in it is left out."""
    tags: dict[int, object] = {}
    place = any(b"GPSL" in _raw(image.info.get(key)) for key in ("xmp", "XML:com.adobe.xmp"))
    with suppress(Exception):  # metadata is the customer's; nothing in it spoils the analysis of the picture
        exif = image.getexif()
        tags |= exif
        place = place or bool(exif.get_ifd(IFD.GPSInfo))
        tags |= exif.get_ifd(IFD.Exif)
    orientation = tags.get(Base.Orientation, 1)
    return Exif(
        rows=[(key, value) for key, write in ROWS.items() if (value := write(tags))],
        orientation=orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1,  # noqa: PLR2004
        place=place,
        names=any(_text(tags, name) for name in NAMES),
    )


def _raw(value: object) -> bytes:
    return value.encode() if isinstance(value, str) else value if isinstance(value, bytes) else b""


def _text(tags: Mapping[int, object], *wanted: int) -> str:
    parts = [str(tags[tag]).replace("\0", "").strip() for tag in wanted if tags.get(tag)]
    return shorten(" ".join(dict.fromkeys(parts)), WIDTH).strip()


def _number(tags: Mapping[int, object], tag: int) -> float | None:
    value = tags.get(tag)
    with suppress(TypeError, ValueError, ZeroDivisionError, OverflowError):
        number = float(value)  # type: ignore[arg-type]  # IFDRational, int, or anything
        return number if 0 < number < 1e6 else None  # noqa: PLR2004 - also not NaN
    return None


def _exposure(tags: Mapping[int, object]) -> str:
    seconds = _number(tags, Base.ExposureTime)
    if seconds is None:
        return ""
    return f"{seconds:g} s" if seconds >= 0.4 else f"1/{round(1 / seconds)} s"  # noqa: PLR2004 - as cameras write it


def _measure(tag: int, pattern: str) -> Write:
    def write(tags: Mapping[int, object]) -> str:
        number = _number(tags, tag)
        return pattern.format(number) if number else ""

    return write


ROWS: dict[str, Write] = {
    "camera": lambda tags: _text(tags, Base.Make, Base.Model),
    "lens": lambda tags: _text(tags, Base.LensModel),
    "taken": lambda tags: _text(tags, Base.DateTimeOriginal).replace(":", "-", 2),  # EXIF's 2026:11:21 10:00:00
    "exposure_time": _exposure,
    "aperture": _measure(Base.FNumber, "f/{:.2g}"),
    "iso": _measure(Base.ISOSpeedRatings, "{:.0f}"),
    "focal_length": _measure(Base.FocalLength, "{:.3g} mm"),
    "software": lambda tags: _text(tags, Base.Software),
}
