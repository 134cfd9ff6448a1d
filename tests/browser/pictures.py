"""Make the pictures of docs/staff.md from screenshots of test_staff_pages: `make staff-pictures`."""

import re
import sys
from pathlib import Path

from PIL import Image

from tests.helpers import ROOT

DOCS = ROOT / "docs"
WIDTH = 960  # px
COLOURS = 250
TOP = 0, 1060  # px of the screenshot: from, to
PARTS = {"order": (0, 1560), "numbers": (360, 2080), "as-customer": (0, 900), "people": (0, 1500)}


def main(folder: Path) -> None:
    """Cut and shrink the screenshots that the guide shows."""
    names = re.findall(r"\]\(staff/([a-z-]+)\.png\)", (DOCS / "staff.md").read_text(encoding="utf-8"))
    (DOCS / "staff").mkdir(exist_ok=True)
    for name in names:
        with Image.open(folder / f"{name}-en-1280.png") as shot:
            top, bottom = PARTS.get(name, TOP)
            part = shot.convert("RGB").crop((0, top, shot.width, min(bottom, shot.height)))
        small = part.resize((WIDTH, part.height * WIDTH // part.width), Image.Resampling.LANCZOS)
        small.quantize(COLOURS).save(DOCS / "staff" / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
