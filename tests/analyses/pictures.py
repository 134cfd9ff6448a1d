"""Pictures made for the tests: discs of all sizes over each other, which look to a program as the world does."""

import random
from io import BytesIO

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

GPS: dict[int, object] = {1: "N", 2: (35.0, 40.0, 52.0), 3: "E", 4: (139.0, 46.0, 1.0)}


def discs(width: int = 640, height: int = 480, *, seed: int = 7) -> Image.Image:
    """Return "dead leaves": discs whose radii follow r^-3, as near and far things do (drawn double, then halved)."""
    chance = random.Random(seed)  # noqa: S311 - a fixed picture, not a secret
    image = Image.new("RGB", (2 * width, 2 * height), (120, 120, 120))
    draw = ImageDraw.Draw(image)
    for _ in range(width * height // 40):
        radius = 2 / (1 - chance.random() * (1 - (2 / (width / 2)) ** 2)) ** 0.5
        x, y = chance.uniform(0, 2 * width), chance.uniform(0, 2 * height)
        colour = tuple(chance.randint(20, 235) for _ in range(3))
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
    return image.resize((width, height), Image.Resampling.BOX)


def blurred(image: Image.Image, radius: float) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(radius))


def noisy(image: Image.Image, sigma: float) -> Image.Image:
    noise = np.random.default_rng(7).normal(0, sigma, (image.height, image.width, 1))
    return Image.fromarray(np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8))


def scaled(image: Image.Image, low: int, high: int) -> Image.Image:
    """Move all brightness between two values."""
    return image.point(lambda value: low + value * (high - low) / 255)


def exif(orientation: int = 1, *, secrets: bool = False, make: str = "Mihon") -> Image.Exif:
    """Return metadata: a camera, and with `secrets` a place, a name and a serial number."""
    tags = Image.Exif()
    tags[0x010F], tags[0x0110], tags[0x0112] = make, "X-1", orientation
    shot: dict[int, object] = {0x829A: 0.005, 0x829D: 2.8, 0x8827: 400, 0x9003: "2026:11:21 10:00:00"}
    if secrets:
        tags[0x013B] = "Hanako Himitsu"
        shot[0xA431] = "SN-12345678"
        _add(tags, 0x8825, GPS)
    _add(tags, 0x8769, shot)
    return tags


def _add(tags: Image.Exif, kind: int, values: dict[int, object]) -> None:
    """Add tags of a kind in both places where Pillow's writers look: TIFF in one, all others in the other."""
    tags.get_ifd(kind).update(values)
    tags[kind] = values


def saved(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    """Return the file of a picture."""
    out = BytesIO()
    if kind == "JPEG":
        options = {"quality": 95, "subsampling": 0, **options}
    image.save(out, kind, **options)
    return out.getvalue()
