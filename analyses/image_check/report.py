"""Put the findings into one HTML page, tables, a corrected copy, and the free preview."""

from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from analyses.image_check import papers, plots
from analyses.image_check.colours import Colour
from analyses.image_check.findings import Remark
from analyses.image_check.measures import Measures
from analyses.image_check.opening import Photo
from analyses.image_check.papers import Print
from analyses.image_check.texts import LABELS
from analyses.kit import pages, tables
from analyses.kit.plots import PREVIEW, preview_style
from analyses.kit.program import progress
from analyses.kit.texts import Texts, in_every, number, percent

SHOWN = (1000, 1000)  # pixels: the photo within the page
QUALITY = 95
MODES = {
    "1": "1 bit",
    "L": "Gray",
    "P": "Indexed",
    "LA": "Gray + alpha",
    "RGBA": "RGB + alpha",
    "PA": "Indexed + alpha",
}


@dataclass(frozen=True)
class Findings:
    """All that was found about one photo."""

    filename: str
    order_id: str
    photo: Photo
    measured: Measures
    prints: list[Print]
    colours: list[Colour]
    remarks: list[Remark]

    @property
    def pixels(self) -> str:
        """The size of the upright picture."""
        return "{:,} × {:,}".format(*self.photo.picture.size)  # noqa: RUF001

    @property
    def warnings(self) -> int:
        """How many remarks ask for something to be done."""
        return sum(remark.warns for remark in self.remarks)


def write_result(found: Findings, texts: Texts, output: Path) -> None:
    """Write `output`/result: report.html, corrected.jpg, plots/ and tables/."""
    folder = output / "result"
    for part in ("plots", "tables"):
        (folder / part).mkdir(parents=True)
    plot, shown = folder / "plots" / "histogram.png", folder / "plots" / "photo.jpg"
    plots.histogram(found.measured, texts, plot)
    _write_tables(found, texts, folder / "tables")
    small = found.photo.picture.resize(_fitting(found.photo.picture.size), Image.Resampling.BICUBIC, reducing_gap=2.0)
    small.save(shown, quality=85)
    progress(75, "copy")
    # Only pixels are written: what was stored beside them stays behind.
    found.photo.picture.save(folder / "corrected.jpg", quality=QUALITY, subsampling=0, dpi=(papers.PHOTO,) * 2)
    progress(90, "page")
    pages.write(
        folder / "report.html",
        Path(__file__).parent,
        kind=texts("title"),
        filename=found.filename,
        order_id=found.order_id,
        t=texts,
        lead=_lead(found, texts),
        found=found,
        photo=pages.embedded(shown, texts("photo")),
        histogram=pages.embedded(plot, texts("histogram_of")),
        light=_light(found.measured, texts),
        file=_file(found, texts),
    )
    shown.unlink()


def _fitting(size: tuple[int, int]) -> tuple[int, int]:
    scale = min(1, SHOWN[0] / size[0], SHOWN[1] / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _lead(found: Findings, texts: Texts) -> list[str]:
    fine, fair = papers.largest(found.prints, "fine"), papers.largest(found.prints, "fine", "fair")
    best = fine or fair
    key = "lead_fine" if fine else "lead_fair" if fair else "lead_none"
    more = texts("lead_warnings", count=found.warnings) if found.warnings else texts("lead_no_warnings")
    return [texts(key, paper=texts(f"paper_{best.paper}") if best else ""), more]


def _light(measured: Measures, texts: Texts) -> list[tuple[str, str]]:
    detail = texts("detail_none")
    if measured.detail:
        share = f"1/{round(1 / measured.detail)}"
        detail = texts("detail_full") if measured.detail == 1 else texts("detail_value", share=share)
    figures = {
        "mean": number(round(measured.mean, 1)),
        "white": percent(measured.white, 1),
        "black": percent(measured.black, 1),
        "noise": number(round(measured.noise, 2)),
        "laplacian": number(round(measured.laplacian, 1)),
        "detail": detail,
    }
    return [(texts(key), value) for key, value in figures.items()]


def _file(found: Findings, texts: Texts) -> list[tuple[str, str]]:
    photo = found.photo
    facts = {
        "pixels": found.pixels,
        "megapixels": _megapixels(photo),
        "format": photo.format,
        "mode": MODES.get(photo.mode, photo.mode.replace("I;16", "Gray 16 bit")),
        "profile": photo.profile.name or texts("no_profile"),
        "size": f"{photo.bytes:,} B",
    }
    return [(texts(key), value) for key, value in [*facts.items(), *photo.exif.rows]]


def _megapixels(photo: Photo) -> str:
    width, height = photo.picture.size
    return f"{width * height / 1e6:.1f}"


def _write_tables(found: Findings, texts: Texts, folder: Path) -> None:
    figures = [*_file(found, texts), *_light(found.measured, texts)]
    tables.write(folder / "figures.csv", [texts("item"), texts("value")], figures)
    names = ("paper", "width_mm", "height_mm", "dpi", "real_dpi", "needs_300", "needs_350", "grade", "offset")
    tables.write(
        folder / "sizes.csv",
        [texts(name) for name in names],
        (
            [
                texts(f"paper_{each.paper}"),
                *each.sides,
                round(each.dpi),
                round(each.real),
                *("{} x {}".format(*each.needs(dpi)) for dpi in (papers.PHOTO, papers.OFFSET)),
                texts(each.grade),
                texts("yes" if each.offset else "no"),
            ]
            for each in found.prints
        ),
    )
    tables.write(
        folder / "colours.csv",
        [texts("colour"), texts("share")],
        ([colour.hex, colour.share] for colour in found.colours),
    )


def write_preview(found: Findings, texts: Texts, output: Path) -> None:
    """Write `output`/preview: a few facts in every language and the histogram."""
    folder = output / "preview"
    folder.mkdir()
    with preview_style():
        plots.histogram(found.measured, texts, folder / "plot.png", size=PREVIEW)
    fine = papers.largest(found.prints, "fine")
    facts = {
        "pixels": found.pixels,
        "megapixels": _megapixels(found.photo),
        "format": found.photo.format,
        "largest": "{} × {} mm".format(*fine.sides) if fine else "–",  # noqa: RUF001
        "warnings": str(found.warnings),
    }
    pages.write_summary(folder, LABELS, facts, in_every(LABELS, "histogram_of"))
