"""The look of all plots: one accent colour, labelled axes, PNG with a white ground."""

import logging
import warnings
from contextlib import AbstractContextManager
from pathlib import Path

import matplotlib as mpl
from matplotlib import font_manager, ticker
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

ACCENT = "#0b6e99"
INK = "#1f2933"
QUIET = "#5b6770"
RULE = "#d9dee2"
DPI = 150
WIDE = (6.0, 2.4)  # inches: read at 360 CSS pixels on a phone, at 600 on a desk
PREVIEW = (8.0, 4.5)  # 1200 x 675 pixels
JAPANESE_FONT = "Noto Sans CJK JP"


def set_up() -> None:
    """Choose fonts and a plain style; keep font searches out of the log."""
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", message=r"Glyph \d+ ")
    fonts = [name for name in (JAPANESE_FONT,) if name in font_manager.fontManager.get_font_names()]
    mpl.rcParams.update(
        {
            "font.family": [*fonts, "DejaVu Sans"],
            "font.size": 10.5,
            # A customer's column may be called $\frac$.
            "text.parse_math": False,
            "axes.unicode_minus": False,
            "text.color": INK,
            "axes.labelcolor": QUIET,
            "axes.edgecolor": RULE,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.axisbelow": True,
            "axes.formatter.limits": (-4, 7),
            "xtick.color": QUIET,
            "ytick.color": QUIET,
            "xtick.major.size": 0,
            "ytick.major.size": 0,
            "grid.color": RULE,
            "grid.linewidth": 0.8,
        }
    )


def preview_style() -> AbstractContextManager[None]:
    """Return a context in which plots have letters large enough for the preview."""
    return mpl.rc_context({"font.size": 13})


def axes(width: float, height: float, grid: str) -> tuple[Figure, Axes]:
    """Return an empty plot of a size in inches, with lines across the `grid` axis."""
    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained", facecolor="white")
    plot = figure.add_subplot()
    plot.grid(axis="x" if grid == "x" else "y")
    plot.spines["left" if grid == "y" else "bottom"].set_visible(False)
    return figure, plot


def thousands(axis: mpl.axis.Axis, *, whole: bool = False) -> None:
    """Label an axis with few, round numbers, such as 1,500."""

    def label(value: float, _: int | None) -> str:
        return f"{value:,.0f}" if abs(value) < 1e15 and float(value).is_integer() else f"{value:,.6g}"  # noqa: PLR2004

    axis.set_major_locator(ticker.MaxNLocator(nbins=7, integer=whole))
    axis.set_major_formatter(ticker.FuncFormatter(label))


def save(figure: Figure, path: Path) -> None:
    """Write the plot; the same figure gives the same bytes."""
    # As savefig does, less its drawing everything once beforehand for bounds that nobody asks for.
    FigureCanvasAgg(figure).print_png(path, metadata={"Software": None})  # type: ignore[no-untyped-call]
