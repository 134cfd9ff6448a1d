"""The histogram of a photo."""

from pathlib import Path

import numpy as np

from analyses.image_check.measures import Measures
from analyses.kit import plots as kit
from analyses.kit.texts import Texts

CHANNELS = (("red", "#c0392b"), ("green", "#2e8b57"), ("blue", "#2f6fb7"))
ROOM = 1.15  # over the highest bar


def histogram(measured: Measures, texts: Texts, path: Path, *, size: tuple[float, float] = kit.WIDE) -> None:
    """Draw how bright the pixels are: the brightness as an area, each colour as a line.

    The height follows the drawing between the ends: clipped pixels would flatten all the rest.
    """
    figure, axes = kit.axes(*size, "y")
    total = sum(measured.brightness)
    steps = np.arange(256)
    shares = np.array([measured.brightness, *measured.channels]) * 100 / total
    axes.fill_between(steps, shares[0], step="mid", color=kit.RULE, label=texts("light"))
    for share, (name, colour) in zip(shares[1:], CHANNELS, strict=True):
        axes.plot(steps, share, color=colour, linewidth=1.0, label=texts(name))
    axes.set_xlim(0, 255)
    inner = float(shares[:, 2:254].max())
    axes.set_ylim(0, (inner or float(shares.max())) * ROOM)
    axes.set_xticks([0, 64, 128, 192, 255])
    axes.set_xlabel(texts("light"))
    axes.set_ylabel(texts("pixel_share"))
    axes.legend(frameon=False, fontsize="small", ncols=4, loc="upper right")
    kit.save(figure, path)
