"""Opening pictures: every mode and format ends upright in 8-bit sRGB; what is none is refused with a reason."""

import random
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from analyses.image_check import opening, texts
from analyses.kit.program import CannotAnalyse
from analyses.kit.texts import in_every
from tests.analyses.pictures import discs, exif, saved

PHOTO = discs(320, 240)
GREY = PHOTO.convert("L")
WIDE_GREY = Image.fromarray(np.asarray(GREY).astype(np.uint16) * 257)


def opened(tmp_path: Path, source: bytes) -> opening.Photo:
    path = tmp_path / "in"
    path.write_bytes(source)
    return opening.opened(path)


def far(one: Image.Image, other: Image.Image) -> float:
    """Return the mean difference of two pictures in steps of brightness."""
    return float(np.abs(np.asarray(one, np.int16) - np.asarray(other, np.int16)).mean())


def half_clear(mode: str) -> Image.Image:
    image = PHOTO.convert("RGBA")
    image.paste((0, 0, 0, 0), (0, 0, 160, 240))
    return image.convert(mode)


def many(more: int) -> dict[str, object]:
    """Return what makes Pillow write further pictures behind the first."""
    return {"save_all": True, "append_images": [PHOTO.rotate(180 + turn) for turn in range(more)]}


FORMATS: dict[str, tuple[Callable[[], bytes], str, str]] = {
    "jpeg": (lambda: saved(PHOTO), "JPEG", "RGB"),
    "grey jpeg": (lambda: saved(GREY), "JPEG", "L"),
    "cmyk jpeg": (lambda: saved(PHOTO.convert("CMYK")), "JPEG", "CMYK"),
    "phone's jpeg of two": (lambda: saved(PHOTO, "MPO", **many(1)), "JPEG", "RGB"),
    "png": (lambda: saved(PHOTO, "PNG"), "PNG", "RGB"),
    "black and white png": (lambda: saved(GREY.convert("1"), "PNG"), "PNG", "1"),
    "indexed png": (lambda: saved(PHOTO.quantize(256), "PNG"), "PNG", "P"),
    "16-bit png": (lambda: saved(WIDE_GREY, "PNG"), "PNG", "I;16"),
    "opaque png": (lambda: saved(PHOTO.convert("RGBA"), "PNG"), "PNG", "RGBA"),
    "tiff": (lambda: saved(PHOTO, "TIFF"), "TIFF", "RGB"),
    "lzw tiff": (lambda: saved(PHOTO, "TIFF", compression="tiff_lzw"), "TIFF", "RGB"),
    "16-bit tiff": (lambda: saved(WIDE_GREY, "TIFF"), "TIFF", "I;16"),
    "cmyk tiff": (lambda: saved(PHOTO.convert("CMYK"), "TIFF"), "TIFF", "CMYK"),
    "webp": (lambda: saved(PHOTO, "WEBP", lossless=True), "WebP", "RGB"),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_and_mode_shows_the_same_picture(tmp_path: Path, name: str) -> None:
    make, kind, mode = FORMATS[name]
    photo = opened(tmp_path, make())
    assert (photo.format, photo.mode, photo.frames, photo.transparent) == (kind, mode, 1, False)
    assert (photo.picture.mode, photo.picture.size) == ("RGB", PHOTO.size)
    looks_like = GREY.convert("RGB") if mode in {"L", "I;16"} else PHOTO
    assert far(photo.picture, looks_like) < (130 if mode == "1" else 12)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_becomes_white_paper(tmp_path: Path, mode: str) -> None:
    photo = opened(tmp_path, saved(half_clear(mode), "PNG"))
    assert photo.transparent
    assert photo.picture.getpixel((5, 5)) == (255, 255, 255)
    assert far(photo.picture.crop((160, 0, 320, 240)).convert("L"), GREY.crop((160, 0, 320, 240))) < 8


@pytest.mark.parametrize(("kind", "options"), [("PNG", {}), ("WEBP", {"lossless": True}), ("TIFF", {})])
def test_of_many_pictures_the_first_is_taken(tmp_path: Path, kind: str, options: dict[str, object]) -> None:
    photo = opened(tmp_path, saved(PHOTO, kind, **many(2), **options))
    assert photo.frames == 3
    assert far(photo.picture, PHOTO) < 4


FINE: dict[str, dict[str, object]] = {"WEBP": {"lossless": True}}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_ends_upright(tmp_path: Path, orientation: int, kind: str) -> None:
    # The inverse of a turn by 90 degrees is one by 270; all others undo themselves.
    undo = {6: opening.TURNS[8], 8: opening.TURNS[6]}.get(orientation, opening.TURNS.get(orientation))
    stored = PHOTO.transpose(undo) if undo is not None else PHOTO
    photo = opened(tmp_path, saved(stored, kind, exif=exif(orientation), **FINE.get(kind, {})))
    assert photo.exif.orientation == orientation
    assert photo.picture.size == PHOTO.size
    assert far(photo.picture, PHOTO) < 8


def test_colours_of_a_wide_profile_are_brought_to_srgb(tmp_path: Path) -> None:
    plain = saved(PHOTO, icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    srgb = opened(tmp_path, plain)
    assert srgb.profile.name
    assert not srgb.profile.other
    assert far(srgb.picture, PHOTO) < 4
    # A profile with red and blue changed places, under a name of its own.
    icc = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, blue = icc.index(b"rXYZ"), icc.index(b"bXYZ")
    icc[red : red + 4], icc[blue : blue + 4] = b"bXYZ", b"rXYZ"
    renamed = bytes(icc).replace("sRGB".encode("utf-16-be"), "Odd ".encode("utf-16-be"))
    odd = opened(tmp_path, saved(Image.new("RGB", (64, 64), (250, 10, 10)), icc_profile=renamed))
    assert odd.profile.other
    assert far(odd.picture, Image.new("RGB", (64, 64), (10, 10, 250))) < 60


@pytest.mark.parametrize("icc", [b"nonsense", b"\0" * 200, saved(PHOTO)[:4000]])
def test_a_profile_that_is_none_is_left_aside(tmp_path: Path, icc: bytes) -> None:
    photo = opened(tmp_path, saved(PHOTO, icc_profile=icc))
    assert not photo.profile.name
    assert far(photo.picture, PHOTO) < 4


def chunk(kind: bytes, data: bytes) -> bytes:
    """Return a part of a PNG with its checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def summed(png: bytearray) -> bytes:
    """Return a damaged PNG with checksums that fit, or all damage would end there."""
    out, place = bytes(png[:8]), 8
    while place < len(png):
        length = struct.unpack_from(">I", png, place)[0]
        out += chunk(bytes(png[place + 4 : place + 8]), bytes(png[place + 8 : place + 8 + length]))
        place += 12 + length
    return out


def png_of(width: int, height: int, pixels: bytes = b"") -> bytes:
    """Return a PNG of one bit a pixel that claims a size."""
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")


def looping_tiff() -> bytes:
    """Return a TIFF whose second directory is followed by itself."""
    two = bytearray(saved(PHOTO, "TIFF", save_all=True, append_images=[PHOTO]))
    first = struct.unpack_from("<I", two, 4)[0]
    link = first + 2 + 12 * struct.unpack_from("<H", two, first)[0]
    second = struct.unpack_from("<I", two, link)[0]
    last = second + 2 + 12 * struct.unpack_from("<H", two, second)[0]
    struct.pack_into("<I", two, last, second)
    return bytes(two)


BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "empty"),
    "zeros": (lambda: bytes(500), "empty"),
    "text": (lambda: b"name,amount\n1,2\n", "not_image"),
    "pdf": (lambda: b"%PDF-1.7\n" + bytes(99), "not_image"),
    "gif": (lambda: saved(PHOTO, "GIF"), "not_image"),
    "svg": (lambda: b'<svg xmlns="http://www.w3.org/2000/svg"/>', "not_image"),
    "postscript": (lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not_image"),
    "heic": (lambda: b"\0\0\0\x18ftypheic" + bytes(99), "heic"),
    "avif": (lambda: saved(PHOTO, "AVIF"), "heic"),
    "jpeg cut": (lambda: saved(PHOTO)[:9000], "broken"),
    "jpeg of a head": (lambda: saved(PHOTO)[:100], "broken"),
    "png cut": (lambda: saved(PHOTO, "PNG")[:9000], "broken"),
    "tiff cut": (lambda: saved(PHOTO, "TIFF")[:9000], "broken"),
    "webp cut": (lambda: saved(PHOTO, "WEBP")[:5000], "broken"),
    "png without pixels": (lambda: png_of(400, 400), "broken"),
    "bomb of 3,600 megapixels": (lambda: png_of(60_000, 60_000), "too_large"),
    "bomb of 130 megapixels": (lambda: png_of(13_000, 10_000, bytes(1626 * 10_000)), "too_large"),
    "too long": (lambda: png_of(70_000, 20, bytes(8751 * 20)), "too_large"),
    "icon": (lambda: saved(Image.new("RGB", (12, 12))), "too_small"),
    "line": (lambda: saved(Image.new("RGB", (900, 2))), "too_small"),
    "numbers": (lambda: saved(Image.fromarray(np.asarray(GREY, np.float32)), "TIFF"), "mode"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_photo_is_refused_with_a_reason(tmp_path: Path, name: str) -> None:
    make, code = BAD[name]
    with pytest.raises(CannotAnalyse) as caught:
        opened(tmp_path, make())
    assert caught.value.code == code
    reason = in_every(texts.REASONS, caught.value.code, **caught.value.params)
    assert not any("{" in words for words in reason.values())


def test_a_chain_of_pictures_that_loops_comes_to_an_end(tmp_path: Path) -> None:
    assert opened(tmp_path, looping_tiff()).frames == 2


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_any_damage_ends_in_a_photo_or_a_reason(tmp_path: Path, kind: str) -> None:
    chance = random.Random(7)  # noqa: S311 - a fixed mess, not a secret
    whole = saved(PHOTO.resize((80, 60)), kind, exif=exif(6, secrets=True))
    ends = {"photo": 0, "reason": 0}
    for _ in range(150):
        damaged = bytearray(whole)
        for _ in range(chance.randint(1, 6)):
            damaged[chance.randrange(min(len(damaged), 600))] = chance.randrange(256)
        source = summed(damaged) if kind == "PNG" else bytes(damaged)
        try:
            opened(tmp_path, source)
            ends["photo"] += 1
        except CannotAnalyse:
            ends["reason"] += 1
    assert min(ends.values()) > 0
