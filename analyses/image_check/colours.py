"""The few colours that a picture is mostly made of."""

from dataclasses import dataclass

from PIL import Image

LOOKED_AT = 160  # pixels of the longer side: enough to count colours by
COLOURS = 6


@dataclass(frozen=True)
class Colour:
    """One colour as #rrggbb, and its share of the picture."""

    hex: str
    share: float


def dominant(picture: Image.Image) -> list[Colour]:
    """Return up to COLOURS colours of an RGB picture, the most frequent first."""
    small = picture.resize(_within(picture.size, LOOKED_AT), Image.Resampling.BOX, reducing_gap=1.0)
    few = small.quantize(COLOURS, Image.Quantize.MEDIANCUT, kmeans=4)
    palette, counts = few.getpalette() or [], few.histogram()
    found = [
        Colour("#{:02x}{:02x}{:02x}".format(*palette[3 * index : 3 * index + 3]), count / sum(counts))
        for index, count in enumerate(counts[: len(palette) // 3])
        if count
    ]
    return sorted(found, key=lambda colour: (-colour.share, colour.hex))


def _within(size: tuple[int, int], side: int) -> tuple[int, int]:
    scale = min(1, side / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
