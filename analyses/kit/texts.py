"""Texts in Japanese and English, and how numbers are written for reading."""

import unicodedata
from collections.abc import Mapping

LOCALES = ("ja", "en")

Pairs = Mapping[str, tuple[str, str]]  # key: the text in each of LOCALES


class Texts:
    """A program's texts in one language: `texts("rows")`, `texts("lead", rows=...)`."""

    def __init__(self, labels: Pairs, locale: str) -> None:
        self.locale = locale if locale in LOCALES else "ja"
        self._labels = labels
        self._index = LOCALES.index(self.locale)

    def __call__(self, key: str, **params: object) -> str:
        """Return the text under `key`, filled with `params`."""
        return self._labels[key][self._index].format(**params)


def in_every(labels: Pairs, key: str, **params: object) -> dict[str, str]:
    """Return one text in every language, as summary.json and reason.json want it."""
    return {locale: Texts(labels, locale)(key, **params) for locale in LOCALES}


def number(value: float) -> str:
    """Write a number with as many digits as are read."""
    if isinstance(value, int):
        return f"{value:,}"
    if 1e6 <= abs(value) < 1e15:  # noqa: PLR2004 - read as whole numbers
        return f"{value:,.0f}"
    text = f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.1f}"  # noqa: PLR2004
    return f"{value:.3g}" if abs(value) >= 1e15 else text.removesuffix(".0")  # noqa: PLR2004


def percent(part: float, whole: float) -> str:
    """Write a share, so that little is not nothing and nearly all is not all."""
    share = 100 * part / whole if whole else 0
    if 0 < share < 0.1:  # noqa: PLR2004
        return "< 0.1%"
    return "> 99.9%" if 99.95 < share < 100 else f"{share:.1f}%".replace(".0%", "%")  # noqa: PLR2004


def shorten(text: str, width: int) -> str:
    """Cut `text` to `width` columns (a kanji takes two) and make it one printable line."""
    line = "".join(char if char.isprintable() else " " for char in text)
    taken = 0
    for index, char in enumerate(line):
        taken += 2 if unicodedata.east_asian_width(char) in "WFA" else 1
        if taken > width * 1.5:
            return line[:index] + "…"
    return line
