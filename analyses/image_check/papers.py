"""How a picture prints at each size of paper, filled to the edges."""

from dataclasses import dataclass

MM_PER_INCH = 25.4
# Key of the texts: short and long side in mm. L and 2L are the sizes of Japanese photo shops.
PAPERS = {
    "l": (89, 127),
    "postcard": (100, 148),
    "2l": (127, 178),
    "a5": (148, 210),
    "a4": (210, 297),
    "a3": (297, 420),
    "a2": (420, 594),
}
PHOTO, OFFSET = 300, 350  # dots an inch: photo prints; offset printing, as Japanese printing houses ask for it
# What a print looks like from that many dots an inch of real detail; the first that is reached.
GRADES = ((PHOTO, "fine"), (200, "fair"), (150, "far"), (0, "coarse"))


@dataclass(frozen=True)
class Print:
    """One paper size: dots an inch by the pixels, and how many of them hold real detail."""

    paper: str
    sides: tuple[int, int]  # mm
    dpi: float
    real: float

    @property
    def grade(self) -> str:
        """The first of GRADES that the real detail reaches."""
        return next(grade for least, grade in GRADES if round(self.real) >= least)

    @property
    def offset(self) -> bool:
        """Tell whether a printing house would take it."""
        return round(self.real) >= OFFSET

    def needs(self, dpi: int) -> tuple[int, int]:
        """Return the pixels (long side, short side) that this paper needs at `dpi`."""
        short, long = (round(side / MM_PER_INCH * dpi) for side in self.sides)
        return long, short


def prints(size: tuple[int, int], detail: float | None) -> list[Print]:
    """Return every paper size for a picture of `size` pixels, `detail` of which (per side) are real."""
    made = []
    for paper, (short, long) in PAPERS.items():
        dpi = min(max(size) / long, min(size) / short) * MM_PER_INCH
        made.append(Print(paper, (short, long), dpi, dpi * (detail or 1)))
    return made


def largest(made: list[Print], *grades: str) -> Print | None:
    """Return the largest print of one of the grades."""
    return next((each for each in reversed(made) if each.grade in grades), None)
