"""The ICC colour profile of a picture: its name, and the way from it to sRGB."""

from dataclasses import dataclass
from io import BytesIO

from PIL import Image, ImageCms

from analyses.kit.texts import shorten

MAX_BYTES = 16 * 1024**2
WIDTH = 60  # columns of the name shown
SRGB = ("srgb", "iec61966-2.1", "iec61966-2-1")
SPACES = {"RGB ": "RGB", "CMYK": "CMYK", "GRAY": "L"}


@dataclass(frozen=True)
class Profile:
    """A colour profile. `name` is empty where there is none; `space` (RGB, CMYK) where its colours are to be mapped."""

    name: str = ""
    space: str = ""
    icc: bytes = b""

    @property
    def other(self) -> bool:
        """Tell whether there is a profile which is not sRGB."""
        return bool(self.name) and not any(word in self.name.lower() for word in SRGB)


def named(image: Image.Image) -> Profile:
    """Return the profile of an opened picture; one that can't be read or belongs to another mode counts as none."""
    icc = image.info.get("icc_profile")
    if not isinstance(icc, bytes) or not 0 < len(icc) <= MAX_BYTES:
        return Profile()
    try:
        opened = ImageCms.ImageCmsProfile(BytesIO(icc))
        name = shorten(" ".join(ImageCms.getProfileDescription(opened).split()), WIDTH) or "ICC"
        space = SPACES.get(opened.profile.xcolor_space, "")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return Profile()
    fits = {"RGB": "RGB", "RGBA": "RGB", "P": "RGB", "CMYK": "CMYK", "L": "L", "LA": "L", "I;16": "L"}
    if fits.get(image.mode) != space:
        return Profile()
    known = Profile(name, space, icc)
    return known if space == "CMYK" or (space == "RGB" and known.other) else Profile(name)


def to_srgb(picture: Image.Image, profile: Profile) -> Image.Image:
    """Map the colours of a picture to sRGB; a profile that can't be used leaves them as they are."""
    if profile.space:
        srgb = ImageCms.createProfile("sRGB")
        source = BytesIO(profile.icc)
        try:
            mapped = ImageCms.profileToProfile(picture, source, srgb, outputMode="RGB")
        except ImageCms.PyCMSError:
            mapped = None
        if mapped is not None:
            return mapped
    return picture if picture.mode == "RGB" else picture.convert("RGB")
