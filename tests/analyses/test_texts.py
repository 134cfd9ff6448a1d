"""What the sample programs say is said in both languages."""

import string

import pytest

from analyses.csv_profile import texts as csv_texts
from analyses.image_check import findings
from analyses.image_check import texts as image_texts

CATALOGS = {
    "csv reasons": csv_texts.REASONS,
    "csv labels": csv_texts.LABELS,
    "image reasons": image_texts.REASONS,
    "image labels": image_texts.LABELS,
}


@pytest.mark.parametrize("name", CATALOGS)
def test_every_text_is_there_in_both_languages_with_the_same_placeholders(name: str) -> None:
    formatter = string.Formatter()
    for key, pair in CATALOGS[name].items():
        japanese, english = ({field for _, field, _, _ in formatter.parse(text) if field} for text in pair)
        assert all(pair), key
        assert japanese == english, key


def test_every_remark_on_a_photo_has_its_words() -> None:
    assert {f"remark_{key}" for key, *_ in findings.RULES} == {
        key for key in image_texts.LABELS if key.startswith("remark_")
    }
