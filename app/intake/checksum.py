"""The two checksums of a file: of the whole, and of its parts as S3 knows it."""

import hashlib
import sys

IN_ONE = sys.maxsize  # bytes of a part, where there are no parts


class Checksum:
    """SHA-256 of bytes as they pass by.

    A browser hashes a large file part by part and declares the SHA-256 over the 32 bytes of each part's SHA-256: S3's
    composite checksum (https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html).
    """

    def __init__(self, part_size: int) -> None:
        """Take how many bytes a part has."""
        self._part_size = part_size
        self._whole = hashlib.sha256()
        self._parts = hashlib.sha256()
        self._part = hashlib.sha256()
        self._room = part_size

    def update(self, piece: bytes) -> None:
        """Take the next bytes."""
        self._whole.update(piece)
        rest = memoryview(piece)
        while rest:
            self._part.update(rest[: self._room])
            self._room, rest = self._room - min(self._room, len(rest)), rest[self._room :]
            if not self._room:
                self._close_part()

    def whole(self) -> str:
        """Return the SHA-256 of all bytes in hex."""
        return self._whole.hexdigest()

    def composite(self) -> str:
        """Return the SHA-256 of the parts' SHA-256s in hex; no more bytes may follow."""
        if self._room < self._part_size:
            self._close_part()
        return self._parts.hexdigest()

    def _close_part(self) -> None:
        self._parts.update(self._part.digest())
        self._part, self._room = hashlib.sha256(), self._part_size
