"""What the customer should know or do before printing: each remark is a key of the texts, a weight and a condition."""

from collections.abc import Callable
from dataclasses import dataclass, field

from analyses.image_check.measures import Measures
from analyses.image_check.opening import Photo
from analyses.kit.texts import percent

CLIPPED = 0.02  # share of pixels
DARK, BRIGHT = 60, 200  # mean brightness
DULL = 100  # steps between the darkest and the brightest hundredth
NOISY = 6.0  # steps of brightness
DEEP = ("I;16", "I;16B", "I;16L")


@dataclass(frozen=True)
class Remark:
    """One thing to know; `warns` where something should be done."""

    key: str
    warns: bool
    params: dict[str, object] = field(default_factory=dict)


Rule = Callable[[Photo, Measures], bool | dict[str, object]]  # False, or True, or what fills the text

RULES: tuple[tuple[str, bool, Rule], ...] = (
    ("place", True, lambda photo, _: photo.exif.place),
    ("names", True, lambda photo, _: photo.exif.names),
    ("soft", True, lambda _, m: m.detail is not None and m.detail < 1 and {"share": f"1/{round(1 / m.detail)}"}),
    ("white", True, lambda _, m: m.white > CLIPPED and {"share": percent(m.white, 1)}),
    ("black", True, lambda _, m: m.black > CLIPPED and {"share": percent(m.black, 1)}),
    ("dark", True, lambda _, m: m.mean < DARK),
    ("bright", True, lambda _, m: m.mean > BRIGHT),
    ("dull", True, lambda _, m: m.quantile(0.99) - m.quantile(0.01) < DULL),
    ("noisy", True, lambda _, m: m.noise > NOISY),
    ("cmyk", True, lambda photo, _: photo.mode == "CMYK" and bool(photo.profile.name)),
    ("cmyk_bare", True, lambda photo, _: photo.mode == "CMYK" and not photo.profile.name),
    (
        "profile",
        True,
        lambda photo, _: photo.mode != "CMYK" and photo.profile.other and {"name": photo.profile.name},
    ),
    ("few_colours", True, lambda photo, _: photo.mode in {"1", "P", "PA"}),
    ("transparent", True, lambda photo, _: photo.transparent),
    ("turned", False, lambda photo, _: photo.exif.orientation != 1),
    ("deep", False, lambda photo, _: photo.mode in DEEP),
    ("frames", False, lambda photo, _: photo.frames > 1 and {"count": f"{photo.frames:,}"}),
    ("flat", False, lambda _, m: m.detail is None),
)


def remarks(photo: Photo, measured: Measures) -> list[Remark]:
    """Return what applies to this picture, warnings first."""
    found = []
    for key, warns, rule in RULES:
        applies = rule(photo, measured)
        if applies:
            found.append(Remark(key, warns, applies if isinstance(applies, dict) else {}))
    return sorted(found, key=lambda remark: not remark.warns)
