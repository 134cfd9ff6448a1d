"""What is measured in a picture: sharpness against resolution, noise, exposure, print sizes, remarks."""

from pathlib import Path

import pytest
from PIL import Image

from analyses.image_check import colours, findings, measures, opening, papers
from tests.analyses.pictures import blurred, discs, exif, noisy, saved, scaled

PHOTO = discs(1024, 768)


def detail(image: Image.Image) -> float | None:
    return measures.measure(image).detail


def test_a_sharp_picture_holds_what_its_pixels_promise() -> None:
    assert detail(PHOTO) == 1


def test_a_blurred_picture_holds_less_and_less() -> None:
    assert [detail(blurred(PHOTO, radius)) for radius in (0, 1, 2, 4, 8)] == [1, 0.5, 0.25, 0.125, 0.125]


@pytest.mark.parametrize(("times", "share"), [(2, 0.5), (4, 0.25)])
def test_enlarging_a_picture_adds_no_detail(times: int, share: float) -> None:
    small = PHOTO.crop((0, 0, 512, 384))
    assert detail(small.resize((512 * times, 384 * times), Image.Resampling.BICUBIC)) == share


def test_noise_is_measured_and_is_not_taken_for_detail() -> None:
    calm = blurred(PHOTO, 4)
    for sigma in (4, 8, 16):
        found = measures.measure(noisy(calm, sigma))
        assert found.noise == pytest.approx(sigma, rel=0.2)
        assert found.detail is not None
        assert found.detail < 1


def test_a_sharp_subject_before_a_blurred_ground_is_sharp() -> None:
    picture = blurred(PHOTO, 6)
    picture.paste(PHOTO.crop((256, 256, 640, 640)), (256, 256))
    assert detail(picture) == 1


def test_nothing_to_be_sharp() -> None:
    assert detail(Image.new("RGB", (600, 400), (90, 120, 200))) is None
    assert detail(Image.new("RGB", (40, 30), (90, 120, 200))) is None


@pytest.mark.parametrize(
    ("size", "paper", "dpi", "grade", "offset"),
    [
        ((1500, 1051), "l", 300, "fine", False),
        ((3508, 2480), "a4", 300, "fine", False),
        ((2480, 3508), "a4", 300, "fine", False),
        ((4093, 2894), "a4", 350, "fine", True),
        ((3508, 1240), "a4", 150, "far", False),
        ((2400, 1700), "a4", 205, "fair", False),
        ((600, 400), "l", 114, "coarse", False),
    ],
)
def test_dots_an_inch(size: tuple[int, int], paper: str, dpi: int, grade: str, *, offset: bool) -> None:
    found = next(each for each in papers.prints(size, 1) if each.paper == paper)
    assert round(found.dpi) == dpi
    assert (found.grade, found.offset) == (grade, offset)


def test_only_real_detail_counts_for_the_print() -> None:
    sharp, soft = papers.prints((3508, 2480), 1), papers.prints((3508, 2480), 0.5)
    best = [papers.largest(made, "fine") for made in (sharp, soft)]
    assert [each.paper if each else None for each in best] == ["a4", "postcard"]
    assert papers.prints((3508, 2480), None)[0].real == sharp[0].real
    assert papers.largest(papers.prints((300, 200), 1), "fine", "fair") is None


def remarks(tmp_path: Path, source: bytes) -> dict[str, bool]:
    path = tmp_path / "in"
    path.write_bytes(source)
    photo = opening.opened(path)
    return {remark.key: remark.warns for remark in findings.remarks(photo, measures.measure(photo.picture))}


SMALL = discs(320, 240)


def framed(image: Image.Image, colour: str) -> Image.Image:
    """Return a picture a tenth of which is one colour."""
    made = image.copy()
    made.paste(colour, (0, 0, image.width // 10, image.height))
    return made


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (saved(SMALL), set()),
        (saved(scaled(SMALL, 0, 70)), {"dark", "dull"}),
        (saved(scaled(SMALL, 200, 255)), {"bright", "dull"}),
        (saved(framed(SMALL, "black")), {"black"}),
        (saved(framed(SMALL, "white")), {"white"}),
        (saved(noisy(SMALL, 12), "PNG"), {"noisy"}),
        (saved(blurred(SMALL, 3)), {"soft"}),
        (saved(SMALL, exif=exif(secrets=True)), {"place", "names"}),
        (saved(SMALL, "PNG", exif=exif(secrets=True)), {"place", "names"}),
        (saved(SMALL, "WEBP", quality=98, exif=exif(secrets=True)), {"place", "names"}),
        (saved(SMALL, "TIFF", exif=exif(secrets=True)), {"place", "names"}),
        (saved(SMALL, xmp=b"<x:xmpmeta exif:GPSLatitude='35,40N'/>"), {"place"}),
        (saved(SMALL, exif=exif(3)), {"turned"}),
        (saved(SMALL.convert("CMYK")), {"cmyk_bare"}),
        (saved(SMALL.quantize(200), "PNG"), {"few_colours"}),
        (saved(Image.new("RGB", (300, 300), (120, 30, 200))), {"dull", "flat"}),
    ],
)
def test_remarks(tmp_path: Path, source: bytes, expected: set[str]) -> None:
    assert set(remarks(tmp_path, source)) == expected


def test_warnings_come_before_notes(tmp_path: Path) -> None:
    found = remarks(tmp_path, saved(scaled(SMALL, 0, 70), exif=exif(6, secrets=True)))
    assert list(found.values()) == sorted(found.values(), reverse=True)
    assert found["turned"] is False


def test_main_colours() -> None:
    flag = Image.new("RGB", (300, 200), "#ffffff")
    flag.paste("#bc002d", (0, 0, 90, 200))
    found = colours.dominant(flag)
    assert [colour.hex for colour in found] == ["#ffffff", "#bc002d"]
    assert [round(colour.share, 2) for colour in found] == [0.7, 0.3]
