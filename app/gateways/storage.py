"""The object store: S3 and anything that speaks its language. The one module that imports boto3 for it.

Keys: `incoming/<OrderID>/<grant>` while a customer uploads, `orders/<OrderID>.kaiseki` the frozen input,
`orders/<OrderID>.json` all that an order needs to be rebuilt, `previews/<OrderID>/...`, and what is sold:
`results/<OrderID>/...`.
"""

import base64
import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import boto3
from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from app.errors import StorageDownError
from app.gateways import bucket
from app.gateways.streams import Writing, read_object
from app.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef, PartTypeDef

CONNECT_TIMEOUT_S = 5
READ_TIMEOUT_S = 30
ATTEMPTS = 3
GRANT_LIFE_S = 900  # AC-U01: at most 15 minutes
DOWNLOAD_LIFE_S = 300  # AC-U13
DEMO_KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
EVENTS_ID = "portal-incoming"
COPY_PART = 64 * 1024 * 1024  # bytes
_MISSING = {"404", "NoSuchKey", "NoSuchUpload", "NotFound"}
_CHANGED = {"412", "PreconditionFailed"}


class NoSuchObjectError(LookupError):
    """There is no object of this key, or no multipart upload of this id."""


class ObjectChangedError(LookupError):
    """The object is not the one that was looked at before."""


@dataclass(frozen=True)
class Stored:
    """An object that is there: size in bytes, SHA-256 in hex where the store knows it of the whole object."""

    size: int
    sha256: str | None
    etag: str


class Storage:
    """One bucket. Our own calls go to the endpoint, signed addresses are made for what browsers reach."""

    def __init__(self, settings: Settings) -> None:
        """Open clients; nothing is sent yet."""
        self.bucket = settings.s3_bucket
        self.rules = bucket.rules_for(settings)
        config = Config(
            signature_version="s3v4",
            connect_timeout=CONNECT_TIMEOUT_S,
            read_timeout=READ_TIMEOUT_S,
            retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
            s3={"addressing_style": "path" if settings.s3_endpoint_url else "virtual"},
        )
        # Production takes its credentials from where AWS puts them; the demo's object store knows only these.
        keys: dict[str, Any] = {} if settings.portal_env == "production" else DEMO_KEYS
        session = boto3.session.Session(region_name=settings.aws_region, **keys)
        # Other stores know no regions of Amazon's: Ceph's gateway refuses to make a bucket in one.
        region = {"LocationConstraint": settings.aws_region}
        self._place: Any = {} if settings.s3_endpoint_url else {"CreateBucketConfiguration": region}
        self._s3 = session.client("s3", endpoint_url=settings.s3_endpoint_url, config=config)
        public = settings.s3_public_url or settings.s3_endpoint_url
        self._signer = session.client("s3", endpoint_url=public, config=config)

    def put(self, key: str, body: bytes, content_type: str) -> None:
        """Store a small object whole."""
        with _named():
            self._s3.put_object(Bucket=self.bucket, Key=key, Body=body, ContentType=content_type)

    def put_json(self, key: str, value: dict[str, Any]) -> None:
        """Store a value as JSON."""
        self.put(key, json.dumps(value, ensure_ascii=False, sort_keys=True).encode(), "application/json")

    def upload(self, path: Path, key: str, content_type: str) -> None:
        """Store a file, in parts where it is large; the object appears at once or not at all."""
        with _named():
            self._s3.upload_file(
                str(path),
                self.bucket,
                key,
                ExtraArgs={"ContentType": content_type},
                Config=TransferConfig(max_concurrency=4),
            )

    def download(self, key: str, path: Path) -> None:
        """Fetch an object into a file; raises NoSuchObjectError."""
        with _named():
            self._s3.download_file(self.bucket, key, str(path))

    def stream(self, key: str) -> Iterator[bytes]:
        """Yield an object piece by piece; raises NoSuchObjectError, ObjectChangedError where it changes meanwhile."""
        seen = self.head(key)
        with _named():
            yield from read_object(self._s3, self.bucket, key, seen.etag, seen.size)

    @contextmanager
    def write(self, key: str, content_type: str) -> Iterator[Writing]:
        """Give a file to write an object into, of any size; it appears at the end, or not at all after an error."""
        writing = Writing(self._s3, self.bucket, key, content_type)
        try:
            with _named():
                yield writing
                writing.finish()
        except BaseException:
            writing.abort()
            raise

    def get(self, key: str) -> bytes:
        """Read a small object whole; raises NoSuchObjectError."""
        with _named():
            return self._s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def span(self, key: str, start: int, length: int) -> bytes:
        """Read `length` bytes of an object from `start` on, fewer at its end; raises NoSuchObjectError."""
        asked = f"bytes={start}-{start + length - 1}"
        with _named():
            return self._s3.get_object(Bucket=self.bucket, Key=key, Range=asked)["Body"].read()

    def tags(self, key: str) -> dict[str, str]:
        """Return the tags of an object; raises NoSuchObjectError."""
        with _named():
            found = self._s3.get_object_tagging(Bucket=self.bucket, Key=key)["TagSet"]
        return {tag["Key"]: tag["Value"] for tag in found}

    def begin_upload(self, key: str, content_type: str) -> str:
        """Begin a multipart upload of an object, whose parts bring their SHA-256, and return its id."""
        with _named():
            begun = self._s3.create_multipart_upload(
                Bucket=self.bucket, Key=key, ContentType=content_type, ChecksumAlgorithm="SHA256"
            )
        return begun["UploadId"]

    def parts(self, key: str, upload_id: str) -> "list[PartTypeDef]":
        """Return the parts of a multipart upload that have arrived; raises NoSuchObjectError where it is over."""
        with _named():
            pages = self._s3.get_paginator("list_parts").paginate(Bucket=self.bucket, Key=key, UploadId=upload_id)
            return [part for page in pages for part in page.get("Parts", [])]

    def complete_upload(self, key: str, upload_id: str, parts: "Sequence[PartTypeDef]") -> None:
        """Let an object appear that has come in parts (as `parts` told them); raises NoSuchObjectError."""
        names = {"PartNumber", "ETag", "ChecksumSHA256"}
        told: Any = [{name: value for name, value in part.items() if name in names} for part in parts]
        with _named():
            self._s3.complete_multipart_upload(
                Bucket=self.bucket, Key=key, UploadId=upload_id, MultipartUpload={"Parts": told}
            )

    def abort_upload(self, key: str, upload_id: str) -> None:
        """Give up a multipart upload; one that is over is fine."""
        with suppress(NoSuchObjectError), _named():
            self._s3.abort_multipart_upload(Bucket=self.bucket, Key=key, UploadId=upload_id)

    def head(self, key: str) -> Stored:
        """Look at an object without reading it; raises NoSuchObjectError."""
        with _named():
            found = self._s3.head_object(Bucket=self.bucket, Key=key, ChecksumMode="ENABLED")
        checksum = found.get("ChecksumSHA256")
        whole = checksum if checksum and "-" not in checksum else None
        return Stored(
            size=found["ContentLength"],
            sha256=base64.b64decode(whole).hex() if whole else None,
            etag=found["ETag"],
        )

    def freeze(self, source: str, target: str, etag: str) -> None:
        """Copy an object inside the store, in parts where it is large.

        Raises ObjectChangedError where `source` is not what `etag` was read of, NoSuchObjectError where it is
        gone.
        """
        with _named():
            self._s3.copy(
                {"Bucket": self.bucket, "Key": source},
                self.bucket,
                target,
                ExtraArgs={"CopySourceIfMatch": etag},
                Config=TransferConfig(multipart_threshold=COPY_PART, multipart_chunksize=COPY_PART),
            )

    def delete(self, key: str) -> None:
        """Remove an object; a missing one is fine."""
        with _named():
            self._s3.delete_object(Bucket=self.bucket, Key=key)

    def delete_all(self, prefix: str, *, but: Collection[str] = ()) -> None:
        """Remove every object under a prefix but these."""
        for key, _size in self.list(prefix):
            if key not in but:
                self.delete(key)

    def purge(self, prefix: str, *, before: datetime | None = None, only_old: bool = False) -> int:
        """Remove objects under a prefix for good: every version of them, and their delete markers; returns how many.

        `before`: only what was written before then. `only_old`: the current versions stay. Safe to stop and repeat.
        """
        total = 0
        with _named():
            for found in self._versions(prefix, before, only_old=only_old):
                answer = self._s3.delete_objects(Bucket=self.bucket, Delete={"Objects": found, "Quiet": True})
                if answer.get("Errors"):
                    raise StorageDownError
                total += len(found)
        return total

    def count(self, prefix: str, before: datetime) -> int:
        """Count what `purge` would remove."""
        with _named():
            return sum(len(found) for found in self._versions(prefix, before))

    def _versions(
        self, prefix: str, before: datetime | None, *, only_old: bool = False
    ) -> Iterator[list["ObjectIdentifierTypeDef"]]:
        """Yield key and version of all versions under a prefix, a page (1,000) at a time."""
        for page in self._s3.get_paginator("list_object_versions").paginate(Bucket=self.bucket, Prefix=prefix):
            found = [
                {"Key": item["Key"], "VersionId": item["VersionId"]}
                for item in (*page.get("Versions", []), *page.get("DeleteMarkers", []))
                if (before is None or item["LastModified"] < before) and not (only_old and item["IsLatest"])
            ]
            if found:
                yield cast("list[ObjectIdentifierTypeDef]", found)

    def abort_uploads(self, prefix: str, before: datetime) -> None:
        """Give up multipart uploads begun before a moment; what of their parts has arrived goes with them."""
        with _named():
            for page in self._s3.get_paginator("list_multipart_uploads").paginate(Bucket=self.bucket, Prefix=prefix):
                for upload in page.get("Uploads", []):
                    if upload["Initiated"] < before:
                        self._s3.abort_multipart_upload(
                            Bucket=self.bucket, Key=upload["Key"], UploadId=upload["UploadId"]
                        )

    def list(self, prefix: str, after: str = "") -> Iterator[tuple[str, int]]:
        """Yield key and size in bytes of every object under a prefix, in the order of keys, behind the key `after`."""
        behind: Any = {"StartAfter": after} if after else {}
        with _named():
            pages = self._s3.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self.bucket, Prefix=prefix, **behind):
                for item in page.get("Contents", []):
                    yield item["Key"], item["Size"]

    def sign(self, operation: str, key: str, life: int = GRANT_LIFE_S, **params: Any) -> str:  # noqa: ANN401
        """Return a presigned URL for one operation on one exact key, good for `life` seconds."""
        return str(
            self._signer.generate_presigned_url(
                operation, Params={"Bucket": self.bucket, "Key": key, **params}, ExpiresIn=life
            )
        )

    def sign_download(self, key: str, disposition: str, content_type: str) -> str:
        """Return a presigned GET that forces file name and type (AC-U10, U12, U13)."""
        return self.sign(
            "get_object",
            key,
            DOWNLOAD_LIFE_S,
            ResponseContentDisposition=disposition,
            ResponseContentType=content_type,
            ResponseCacheControl="private, no-store",
        )

    def sign_post(self, key: str, sizes: tuple[int, int], fields: dict[str, str]) -> dict[str, Any]:
        """Return `{"url", "fields"}` of a form that stores one file under one exact key (AC-U01).

        Every field is in the policy with its exact value; `sizes` are the least and most bytes taken.
        """
        return dict(
            self._signer.generate_presigned_post(
                self.bucket,
                key,
                Fields=dict(fields),
                Conditions=[
                    *({name: value} for name, value in fields.items()),
                    ["content-length-range", *sizes],
                ],
                ExpiresIn=GRANT_LIFE_S,
            )
        )

    def set_up(self) -> None:
        """Make the bucket where it is missing and give it its rules (`app.gateways.bucket`); may be run at any time."""
        with _named():
            try:
                self._s3.head_bucket(Bucket=self.bucket)
            except ClientError as error:
                if error.response["Error"]["Code"] not in {*_MISSING, "NoSuchBucket"}:
                    raise
                self._s3.create_bucket(Bucket=self.bucket, **self._place)
            bucket.apply(self._s3, self.bucket, self.rules)

    def look_at_rules(self) -> Sequence[tuple[bucket.Rule, bucket.State]]:
        """Compare the bucket with its rules; raises NoSuchObjectError where there is no bucket, StorageDownError."""
        with _named():
            self._s3.head_bucket(Bucket=self.bucket)
            return tuple(bucket.compare(self._s3, self.bucket, self.rules))

    def send_events_to(self, queue: str) -> None:
        """Have the bucket tell a queue (its ARN) of every file that comes under `incoming/`; its other targets stay."""
        with _named():
            known = cast("Any", self._s3).get_bucket_notification_configuration(Bucket=self.bucket)
            known.pop("ResponseMetadata", None)
            others = [target for target in known.get("QueueConfigurations", []) if target.get("Id") != EVENTS_ID]
            ours: Any = {
                "Id": EVENTS_ID,
                "QueueArn": queue,
                "Events": ["s3:ObjectCreated:*"],
                "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "incoming/"}]}},
            }
            known["QueueConfigurations"] = [*others, ours]
            self._s3.put_bucket_notification_configuration(Bucket=self.bucket, NotificationConfiguration=known)

    def ready(self) -> None:
        """Raise StorageDownError where the bucket can't be reached."""
        with _named():
            self._s3.head_bucket(Bucket=self.bucket)


@contextmanager
def _named() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in _MISSING:
            raise NoSuchObjectError(error.operation_name) from error
        if code in _CHANGED:
            raise ObjectChangedError(error.operation_name) from error
        raise StorageDownError from error
    except (BotoCoreError, Boto3Error) as error:
        raise StorageDownError from error
