"""Objects read and written piece by piece, of any size: neither a file nor the memory ever holds a whole one."""

import hashlib
import io
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

PIECE = 1024 * 1024  # bytes, of a read
PART = 16 * 1024 * 1024  # bytes, of a write; S3 takes at most 10,000 parts
BROKEN_READS = 3  # in a row, with not a byte among them


def read_object(client: "S3Client", bucket: str, key: str, etag: str, size: int) -> Iterator[bytes]:
    """Yield an object of `size` bytes; a connection that breaks is taken up again where it broke.

    Raises ClientError (412 where the object is not the one of `etag` any more), BotoCoreError.
    """
    place, fruitless = 0, 0
    while place < size:
        fruitless += 1
        answer = client.get_object(Bucket=bucket, Key=key, IfMatch=etag, Range=f"bytes={place}-")
        try:
            with closing(answer["Body"]) as body:
                for piece in body.iter_chunks(PIECE):
                    place, fruitless = place + len(piece), 0
                    yield piece
        except BotoCoreError:
            if fruitless >= BROKEN_READS:
                raise


class Writing(io.RawIOBase):
    """An object that is being written, as a file that can't be sought: it holds at most one part in memory.

    It appears with `finish`, whole, or never. `size` (bytes) and `sha256` are of what was written until then.
    """

    def __init__(self, client: "S3Client", bucket: str, key: str, content_type: str) -> None:
        """Take what to write where; nothing is sent before a part is full."""
        self._client = client
        self._bucket, self._key = bucket, key
        self._type = content_type
        self._part = bytearray()
        self._upload_id = ""
        self._parts: list[CompletedPartTypeDef] = []
        self._digest = hashlib.sha256()
        self.size = 0

    @property
    def sha256(self) -> str:
        """The SHA-256 in hex of what was written."""
        return self._digest.hexdigest()

    def writable(self) -> bool:
        """Say that it can be written."""
        return True

    def write(self, data: Any) -> int:  # noqa: ANN401  (anything with bytes in it)
        """Take a piece; sends parts that are full. Raises ClientError, BotoCoreError."""
        self._digest.update(data)
        self._part += data
        self.size += len(data)
        while len(self._part) >= PART:
            self._send(bytes(self._part[:PART]))
            del self._part[:PART]
        return len(data)

    def _send(self, part: bytes) -> None:
        if not self._upload_id:
            begun = self._client.create_multipart_upload(Bucket=self._bucket, Key=self._key, ContentType=self._type)
            self._upload_id = begun["UploadId"]
        number = len(self._parts) + 1
        sent = self._client.upload_part(
            Bucket=self._bucket, Key=self._key, UploadId=self._upload_id, PartNumber=number, Body=part
        )
        self._parts.append({"PartNumber": number, "ETag": sent["ETag"]})

    def finish(self) -> None:
        """Let the object appear; raises ClientError, BotoCoreError."""
        if not self._upload_id:
            self._client.put_object(Bucket=self._bucket, Key=self._key, Body=bytes(self._part), ContentType=self._type)
            return
        if self._part:
            self._send(bytes(self._part))
        self._client.complete_multipart_upload(
            Bucket=self._bucket, Key=self._key, UploadId=self._upload_id, MultipartUpload={"Parts": self._parts}
        )

    def abort(self) -> None:
        """Leave nothing behind; what a store that is away keeps, its lifecycle removes (`app.gateways.bucket`)."""
        if self._upload_id:
            try:
                self._client.abort_multipart_upload(Bucket=self._bucket, Key=self._key, UploadId=self._upload_id)
            except (ClientError, BotoCoreError):
                return
