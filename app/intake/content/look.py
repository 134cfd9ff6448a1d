"""Looks at one file: a few reads in places first, then its bytes as they stream by."""

from collections.abc import Callable, Iterator

from app.intake.checksum import IN_ONE, Checksum
from app.intake.content.archives import Gunzip, Source, check_zip
from app.intake.content.formats import EXTENSIONS, FAMILIES, TEXTS, format_of
from app.intake.content.refusals import RefusedError
from app.intake.content.text import HEAD, check_text
from app.kit.filenames import extension_of

# What is looked at beside the first bytes, by format: the file, and how many bytes may come out of it.
_WITHIN: dict[str, Callable[[Source, int], None]] = {"zip": check_zip, "office": check_zip}


def check_head(source: Source, filename: str, most: int) -> None:
    """Raise RefusedError where a file's beginning, or an archive's list of members, says that it can't be taken.

    `most`: how many bytes an archive may unpack to.
    """
    head = source.span(0, HEAD) if source.size else b""
    found = _check_kind(head, extension_of(filename), whole=source.size <= HEAD)
    if found in _WITHIN:
        _WITHIN[found](source, most)


def _check_kind(head: bytes, extension: str, *, whole: bool) -> str | None:
    found = format_of(head)
    family = FAMILIES.get(found or "", "")
    if extension in TEXTS:
        _check_text(head, extension, found, whole=whole)
        return None
    wanted = EXTENSIONS.get(extension)
    if wanted is None:
        if family == "program" and b"\x00" in head:
            raise RefusedError("other_kind", extension=extension, found=family)
    elif found not in wanted:
        if family in {"", FAMILIES[wanted[0]]}:
            raise RefusedError("unlike", extension=extension)
        raise RefusedError("other_kind", extension=extension, found=family)
    return found


def _check_text(head: bytes, extension: str, found: str | None, *, whole: bool) -> None:
    try:
        check_text(head, whole=whole, extension=extension)
    except RefusedError as error:
        if error.code != "not_text" or found is None:
            raise
        raise RefusedError("other_kind", extension=extension, found=FAMILIES[found]) from None
    if found in TEXTS[extension]:
        raise RefusedError("other_kind", extension=extension, found=FAMILIES[str(found)])


class Passing:
    """A file's bytes on their way to somebody else (a virus scanner, or nobody): counted, hashed, a gzip unpacked.

    Iterate over it to the end (`drain`), then ask.
    """

    def __init__(self, pieces: Iterator[bytes], filename: str, most: int, part_size: int = IN_ONE) -> None:
        """Take the bytes, the file's name, how many bytes may come out of it, and those of a part (`composite`)."""
        self._pieces = pieces
        self._checksum = Checksum(part_size)
        self._inner = filename.removesuffix(filename[-3:]) if extension_of(filename) == ".gz" else ""
        self._gunzip = Gunzip(most, HEAD) if self._inner else None
        self.size = 0

    def __iter__(self) -> Iterator[bytes]:
        """Yield the bytes; raises RefusedError where a gzip is broken or a trap."""
        for piece in self._pieces:
            self.size += len(piece)
            self._checksum.update(piece)
            if self._gunzip:
                self._gunzip.feed(piece)
            yield piece

    def finish(self) -> str:
        """Let the rest pass and return the SHA-256 of all in hex; raises RefusedError."""
        for _ in self:
            pass
        if self._gunzip:
            self._gunzip.finish()
            whole = self._gunzip.unpacked <= HEAD
            _check_kind(self._gunzip.head, extension_of(self._inner), whole=whole)
        return self._checksum.whole()

    def composite(self) -> str:
        """Return the SHA-256 of the parts' SHA-256s in hex, as the browser declares it of a large file."""
        return self._checksum.composite()
