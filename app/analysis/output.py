"""What an analysis program wrote, taken with suspicion: sizes, kinds of file, names and texts are checked.

The layout: `preview/summary.json` with one plot beside it, `result/` with what is sold, `reason.json` where
the file can't be analysed.
"""

import os
import re
import stat
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

TEXT_BYTES = 64 * 1024  # summary.json, reason.json
IMAGE_BYTES = 5 * 1024 * 1024
RESULT_BYTES = 2 * 1024**3
RESULT_FILES = 1_000
PNG = b"\x89PNG\r\n\x1a\n"
_NAME = re.compile(r"[^\x00-\x1f\x7f\\\ud800-\udfff]{1,200}")

Sentence = Annotated[str, Field(min_length=1, max_length=300)]


class BadOutputError(Exception):
    """The program did not keep to the contract; the text says how, for staff."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Words(_Strict):
    """A text in both languages."""

    ja: Sentence
    en: Sentence


class Fact(_Strict):
    """One line of the preview: rows, columns and the like."""

    label: Words
    value: Annotated[str, Field(max_length=200)]


class Summary(_Strict):
    """The free preview: facts, and one plot."""

    facts: Annotated[list[Fact], Field(max_length=50)]
    image: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,60}\.png$")]
    alt: Words


Model = TypeVar("Model", bound=BaseModel)


def read_preview(output: Path) -> tuple[dict[str, Any], Path]:
    """Return the summary as plain data and the path of its plot; raises BadOutputError."""
    found = _files(output / "preview")
    summary = _read(found, "summary.json", Summary)
    image = found.get(summary.image)
    if image is None or image.stat().st_size > IMAGE_BYTES:
        raise BadOutputError(f"preview/{summary.image}: missing or too large")
    with image.open("rb") as file:
        if file.read(len(PNG)) != PNG:
            raise BadOutputError(f"preview/{summary.image}: not a PNG image")
    return summary.model_dump(), image


def read_result(output: Path) -> dict[str, Path]:
    """Return the files of the result by their relative names; raises BadOutputError."""
    found = _files(output / "result")
    if not found:
        raise BadOutputError("result/: there is nothing in it")
    total = sum(path.stat().st_size for path in found.values())
    if total > RESULT_BYTES:
        raise BadOutputError(f"result/: {total} bytes are too many")
    return found


def read_reason(output: Path) -> dict[str, str]:
    """Return the sentence, in both languages, why a file can't be analysed; raises BadOutputError."""
    return _read(_files(output), "reason.json", Words).model_dump()


def _files(folder: Path) -> dict[str, Path]:
    """Return every file below a folder by relative name; a link, device or odd name anywhere is refused."""
    if not folder.is_dir() or folder.is_symlink():
        raise BadOutputError(f"{folder.name}/: missing")
    found: dict[str, Path] = {}
    for parent, folders, names in os.walk(folder):
        for name in [*folders, *names]:
            path = Path(parent, name)
            relative = path.relative_to(folder).as_posix()
            mode = path.lstat().st_mode
            if not _NAME.fullmatch(relative) or not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                raise BadOutputError(f"{folder.name}/{relative!a}: not a plain file with a plain name")
            if stat.S_ISREG(mode):
                found[relative] = path
            if len(found) > RESULT_FILES:
                raise BadOutputError(f"{folder.name}/: more than {RESULT_FILES} files")
    return found


def _read(found: dict[str, Path], name: str, model: type[Model]) -> Model:
    path = found.get(name)
    if path is None or path.stat().st_size > TEXT_BYTES:
        raise BadOutputError(f"{name}: missing or too large")
    try:
        return model.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise BadOutputError(f"{name}: {error.errors(include_url=False, include_input=False)[:3]}") from None
