"""Numbers from the pixels: exposure, noise, and how much of the resolution holds real detail.

The picture is looked at in tiles, so that only the decoded picture and a megabyte of numbers are in memory.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

TILE = 256  # pixels
SMALLEST = 64  # pixels: smaller tiles, at the edges, are not measured for detail
LEVELS = 4  # sizes at which detail is measured: whole, 1/2, 1/4, 1/8
# Detail at one size against that at half of it, below which the larger one adds nothing. Photos as cameras make them
# have 0.33 and more; enlarged to twice their size, or blurred by a pixel (Gaussian), 0.12 to 0.15.
REAL = 0.2
BUSY = 0.1  # share of the tiles, those with the most detail: a photo may be blurred on purpose around its subject
CALM = 0.1  # quantile of the tiles' noise: in tiles without detail it is all noise
FLAT = 1.0  # variance of the Laplacian below which there is nothing to be sharp
LAPLACIAN_ON_NOISE = 20  # the sum of the kernel's squares: what noise of variance 1 gives
DARKEST, BRIGHTEST = 8, 247  # tiles that are clipped hide their noise

QUARTER = np.float32(0.25)
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Measures:
    """What was measured. Brightness runs from 0 to 255.

    `detail` is the share of the resolution (per side) that holds real detail: 1, 1/2, 1/4 or 1/8; None where the
    picture has nothing sharp to judge by. `laplacian` is the variance of the Laplacian of the busiest tiles.
    """

    brightness: list[int]  # pixels of each brightness, 0 to 255
    channels: list[list[int]]  # the same of red, green, blue
    noise: float  # standard deviation, in steps of brightness
    laplacian: float
    detail: float | None

    def quantile(self, share: float) -> int:
        """Return the brightness below which a share of the pixels lies."""
        sums = np.cumsum(self.brightness)
        return int(np.searchsorted(sums, share * sums[-1]))

    @property
    def mean(self) -> float:
        """The mean brightness."""
        return float(np.average(np.arange(256), weights=self.brightness))

    @property
    def white(self) -> float:
        """The share of pixels without any drawing left in the highlights."""
        return sum(self.brightness[254:]) / sum(self.brightness)

    @property
    def black(self) -> float:
        """The share of pixels without any drawing left in the shadows."""
        return sum(self.brightness[:2]) / sum(self.brightness)


def measure(picture: Image.Image) -> Measures:
    """Measure an RGB picture."""
    brightness = np.zeros(256, np.int64)
    noises: list[float] = []
    energies: list[list[float]] = []
    for tile in _tiles(picture):
        brightness += np.bincount(tile.ravel(), minlength=256)
        if min(tile.shape) >= SMALLEST:
            grey = tile.astype(np.float32)
            energies.append(_energies(grey))
            if DARKEST < grey.mean() < BRIGHTEST:
                noises.append(_noise(grey))
    channels = picture.histogram()
    noise = float(np.quantile(noises, CALM)) if noises else 0.0
    laplacian, detail = _detail(np.array(energies).reshape(-1, LEVELS), noise)
    return Measures(
        brightness.tolist(), [channels[start : start + 256] for start in (0, 256, 512)], noise, laplacian, detail
    )


def _tiles(picture: Image.Image) -> Iterator[npt.NDArray[np.uint8]]:
    width, height = picture.size
    for top in range(0, height, TILE):
        for left in range(0, width, TILE):
            box = (left, top, min(left + TILE, width), min(top + TILE, height))
            yield np.asarray(picture.crop(box).convert("L"))


def _noise(grey: Floats) -> float:
    """Estimate the noise of a tile after J. Immerkaer, Fast Noise Variance Estimation (1996)."""
    rows = grey[:-2] - 2 * grey[1:-1] + grey[2:]
    both = rows[:, :-2] - 2 * rows[:, 1:-1] + rows[:, 2:]
    return float(np.abs(both).mean() * np.sqrt(np.pi / 2) / 6)


def _energies(grey: Floats) -> list[float]:
    """Return the variance of the Laplacian of a tile at each of LEVELS sizes."""
    found = []
    for _ in range(LEVELS):
        laplacian = (
            grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * grey[1:-1, 1:-1]
        )  # fmt: skip
        found.append(float(laplacian.var()))
        grey = grey[: grey.shape[0] // 2 * 2, : grey.shape[1] // 2 * 2]
        grey = (grey[::2, ::2] + grey[1::2, ::2] + grey[::2, 1::2] + grey[1::2, 1::2]) * QUARTER
    return found


def _detail(energies: npt.NDArray[np.float64], noise: float) -> tuple[float, float | None]:
    """Find the finest size that still adds detail.

    In pictures of the world the variance of the Laplacian is about the same at every size, as near and far things look
    alike (D. L. Ruderman, The statistics of natural images, 1994). Where it falls off steeply from one size to the one
    twice as large, the picture is blurred, or was enlarged: it holds no more than the smaller one does.
    """
    energies = energies - LAPLACIAN_ON_NOISE * noise**2 / 4.0 ** np.arange(LEVELS)
    busiest = energies[np.argsort(-energies[:, 2], kind="stable")[: max(1, int(len(energies) * BUSY))]]
    if not len(busiest):
        return 0.0, None
    strength = np.maximum(busiest.mean(axis=0), 0)
    if strength.max() < FLAT:
        return float(strength[0]), None
    level = LEVELS - 1
    while level > 0 and strength[level - 1] >= REAL * strength[level]:
        level -= 1
    return float(strength[0]), 0.5**level
