"""From the bytes of any upload to one upright picture in 8-bit sRGB; or a reason why not."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from analyses.image_check import exif, profile
from analyses.kit.program import CannotAnalyse

MAX_PIXELS = 120_000_000  # a phone's 108 megapixels; decoded, a pixel takes 4 bytes
MAX_SIDE = 65_000  # pixels; a JPEG can't be larger
MIN_SIDE = 16  # pixels; below there is nothing to measure
HEAD = 64  # bytes looked at to name what is no picture of ours

FORMATS = {"JPEG": "JPEG", "MPO": "JPEG", "PNG": "PNG", "TIFF": "TIFF", "WEBP": "WebP"}
SIXTEEN = 65535 / 255
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class Photo:
    """An opened picture, and what the file was like before it was made upright 8-bit sRGB."""

    picture: Image.Image  # RGB
    format: str
    mode: str  # Pillow's word: RGB, L, CMYK and so on
    frames: int
    transparent: bool
    profile: profile.Profile
    exif: exif.Exif
    bytes: int


def opened(path: Path) -> Photo:
    """Open and decode the first picture of the file. Raises CannotAnalyse.

    Only size and kind are read before the size is judged. Then at most two decoded pictures are held at a time.
    """
    with warnings.catch_warnings(), _damage():
        warnings.simplefilter("ignore")  # of odd metadata, and of sizes, which are judged here
        Image.MAX_IMAGE_PIXELS = MAX_PIXELS
        try:
            image = Image.open(path, formats=[name for name in FORMATS if name != "MPO"])
        except Image.DecompressionBombError:
            raise CannotAnalyse("too_large", limit=f"{MAX_PIXELS // 10**6}") from None
        except UnidentifiedImageError:
            raise CannotAnalyse(_what_else(path)) from None
        with image:
            _judge_size(image)
            return _decoded(image, path)


def _judge_size(image: Image.Image) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise CannotAnalyse("too_large", limit=f"{MAX_PIXELS // 10**6}")
    if min(width, height) < MIN_SIDE:
        raise CannotAnalyse("too_small", width=width, height=height)
    if image.mode not in TO_RGB:
        raise CannotAnalyse("mode", mode=image.mode)


@contextmanager
def _damage() -> Iterator[None]:
    """Tell the customer of a file that Pillow can't read to its end. Being out of memory is not the file's fault.

    Decoders meet broken files with errors of many kinds (OSError, SyntaxError, struct.error, ValueError and so on).
    """
    try:
        yield
    except (CannotAnalyse, MemoryError):
        raise
    except Exception as error:
        raise CannotAnalyse("broken") from error


def _decoded(image: Image.Image, path: Path) -> Photo:
    about = exif.read(image)  # before decoding: a TIFF is turned by it, and forgets
    frames = getattr(image, "n_frames", 1) if image.format != "MPO" else 1
    mode, icc = image.mode, profile.named(image)
    image.load()
    picture, transparent = (image, False) if icc.space == "CMYK" else TO_RGB[mode](image)
    if picture is not image:
        image.close()  # gives its memory back
    picture = profile.to_srgb(picture, icc)
    if image.format != "TIFF" and about.orientation in TURNS:
        picture = picture.transpose(TURNS[about.orientation])
    picture.info = {}  # comments, metadata and profiles would be written into copies
    return Photo(
        picture=picture,
        format=FORMATS[str(image.format)],
        mode=mode,
        frames=frames,
        transparent=transparent,
        profile=icc,
        exif=about,
        bytes=path.stat().st_size,
    )


def _what_else(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(HEAD)
    if not head.strip(b"\0 \t\r\n"):
        return "empty"
    if head[4:8] == b"ftyp" and head[8:12] in {b"heic", b"heix", b"mif1", b"msf1", b"hevc", b"avif"}:
        return "heic"
    ours = head.startswith((b"\xff\xd8\xff", b"\x89PNG", b"II*\0", b"MM\0*")) or head[8:12] == b"WEBP"
    return "broken" if ours else "not_image"


def _plain(image: Image.Image) -> tuple[Image.Image, bool]:
    return image if image.mode == "RGB" else image.convert("RGB"), False


def _flat(image: Image.Image) -> tuple[Image.Image, bool]:
    """Lay a picture on white, as on paper; tell whether anything shone through."""
    if image.mode in {"P", "PA", "LA"}:
        image = image.convert("RGBA")
    alpha = image.getchannel("A")
    if alpha.getextrema() == (255, 255):
        return image.convert("RGB"), False
    white = Image.new("RGB", image.size, "white")
    white.paste(image, mask=alpha)
    return white, True


def _palette(image: Image.Image) -> tuple[Image.Image, bool]:
    return _flat(image) if "transparency" in image.info else _plain(image)


def _sixteen(image: Image.Image) -> tuple[Image.Image, bool]:
    """Scale 16 bits to 8: Pillow's own conversion would cut everything above 255."""
    if image.mode != "I;16":
        image = image.convert("I;16")
    return image.point(lambda value: value * (1 / SIXTEEN)).convert("L").convert("RGB"), False


TO_RGB: dict[str, Callable[[Image.Image], tuple[Image.Image, bool]]] = {
    "1": _plain,
    "L": _plain,
    "RGB": _plain,
    "RGBX": _plain,
    "YCbCr": _plain,
    "CMYK": _plain,
    "P": _palette,
    "PA": _flat,
    "LA": _flat,
    "RGBA": _flat,
    "I;16": _sixteen,
    "I;16B": _sixteen,
    "I;16L": _sixteen,
}
