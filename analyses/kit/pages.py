"""A report as one HTML page without scripts, and the free preview beside it."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import jinja2

from analyses.kit.texts import Pairs, in_every, percent

TYPES = {".png": "image/png", ".jpg": "image/jpeg"}


@dataclass(frozen=True)
class Picture:
    """A picture in the page: its file as a data URI, and what it shows in words."""

    uri: str
    alt: str


def embedded(path: Path, alt: str) -> Picture:
    """Return a picture that travels inside the page."""
    return Picture(f"data:{TYPES[path.suffix]};base64,{base64.b64encode(path.read_bytes()).decode()}", alt)


def write(path: Path, templates: Path, **context: object) -> None:
    """Render `report.html.j2` of the folder `templates`, which extends `page.html.j2`; everything is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([templates, Path(__file__).parent]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = percent
    path.write_text(environment.get_template("report.html.j2").render(context), encoding="utf-8")


def write_summary(folder: Path, labels: Pairs, facts: Mapping[str, str | None], alt: dict[str, str]) -> None:
    """Write summary.json beside plot.png: the facts that have a value, under their labels in every language."""
    summary = {
        "facts": [{"label": in_every(labels, key), "value": value} for key, value in facts.items() if value],
        "image": "plot.png",
        "alt": alt,
    }
    (folder / "summary.json").write_text(json.dumps(summary, ensure_ascii=False, indent=1), encoding="utf-8")
