"""The bucket's rules, as data (AC-U07): who reaches it, how it is encrypted, what browsers may ask, when things end.

This is their one source. `portal storage setup` applies them to any store that speaks S3, `portal check` compares the
bucket with them, and a test holds deploy/s3.yaml, which tells CloudFormation the same, to them.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from botocore.exceptions import ClientError

from app.settings import Settings

Value = Mapping[str, Any]
State = Literal["right", "wrong", "unknown", "hidden"]
"""Of a rule in a bucket: as it should be, not so, not known to this store, or not for our role to look at."""

_UNKNOWN = {"NotImplemented", "MethodNotAllowed", "UnsupportedOperation"}
# Ceph's gateway takes a rule that it does not know for the making of the bucket, and a question for the list of it.
_MISTAKEN = {"InvalidArgument"}
_HIDDEN = {"AccessDenied", "403"}
_NOTHING_SET = ("NoSuchCORS", "NoSuchLifecycle", "NoSuchBucketPolicy", "NoSuchPublicAccessBlock")


@dataclass(frozen=True)
class Rule:
    """One of the bucket's settings: S3's operation (`put_<operation>`), its argument, what it should be, what for."""

    operation: str
    argument: str
    value: Value
    purpose: str


PUBLIC_ACCESS = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True}
PUBLIC_ACCESS |= {"RestrictPublicBuckets": True}
OWNERSHIP = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
ENCRYPTION = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
VERSIONING = {"Status": "Enabled"}

PASSING_DAYS = 2
"""How long what only passes through the bucket may lie there: files before they are confirmed, files of runs."""
UNFINISHED_DAYS = 1
"""How long a multipart upload may take."""
OLD_VERSION_DAYS = 7
"""How long a deleted or overwritten object can be brought back; what a person had deleted goes at once."""


def _passing(prefix: str) -> dict[str, Any]:
    return {
        "ID": prefix.removesuffix("/"),
        "Status": "Enabled",
        "Filter": {"Prefix": prefix},
        "Expiration": {"Days": PASSING_DAYS},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
    }


LIFECYCLE = {
    "Rules": [
        _passing("incoming/"),
        _passing("runs/"),
        {
            "ID": "left-over",
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "Expiration": {"ExpiredObjectDeleteMarker": True},
            "NoncurrentVersionExpiration": {"NoncurrentDays": OLD_VERSION_DAYS},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": UNFINISHED_DAYS},
        },
    ]
}


def cors(origin: str) -> dict[str, Any]:
    """Return what pages of the portal may ask from a browser: the form (POST), and multipart uploads."""
    return {
        "CORSRules": [
            {
                "AllowedOrigins": [origin],
                "AllowedMethods": ["GET", "POST", "PUT", "DELETE"],
                "AllowedHeaders": ["content-type", "x-amz-checksum-sha256"],
                "ExposeHeaders": ["ETag", "Location"],
                "MaxAgeSeconds": 3000,
            }
        ]
    }


def tls_only(bucket: str) -> dict[str, Any]:
    """Return the policy that refuses whoever comes without TLS
    (https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html).
    """  # noqa: D205  (the address does not fit)
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "OnlyOverTls",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ],
    }


def rules_of(bucket: str, origin: str, *, tls: bool, versions: bool) -> tuple[Rule, ...]:
    """Return a bucket's rules; without `tls` for a store that is reached over plain http, as the demo's is."""
    rules: tuple[Rule, ...] = (
        Rule("public_access_block", "PublicAccessBlockConfiguration", PUBLIC_ACCESS, "nothing in it is public"),
        Rule("bucket_ownership_controls", "OwnershipControls", OWNERSHIP, "no access by lists on single objects"),
        Rule("bucket_encryption", "ServerSideEncryptionConfiguration", ENCRYPTION, "all is encrypted at rest"),
        Rule("bucket_cors", "CORSConfiguration", cors(origin), f"pages of {origin} may upload, no others"),
        Rule("bucket_lifecycle_configuration", "LifecycleConfiguration", LIFECYCLE, "left-over files go by themselves"),
    )
    if versions:
        purpose = "what was overwritten by mistake can be brought back"
        rules += (Rule("bucket_versioning", "VersioningConfiguration", VERSIONING, purpose),)
    if tls:
        rules += (Rule("bucket_policy", "Policy", tls_only(bucket), "nobody reaches it without TLS"),)
    return rules


def rules_for(settings: Settings) -> tuple[Rule, ...]:
    """Return the rules of the bucket that the settings name."""
    return rules_of(
        settings.s3_bucket,
        settings.public_origin,
        tls=not any((url or "").startswith("http:") for url in (settings.s3_endpoint_url, settings.s3_public_url)),
        versions=settings.portal_env == "production",  # the demo's object store holds old versions in memory
    )


def apply(client: Any, bucket: str, rules: Sequence[Rule]) -> None:  # noqa: ANN401  (boto3's S3 client, by names)
    """Give a bucket its rules; one that the store does not know is left out, and `compare` tells of it.

    The policy replaces the one that is there. Raises ClientError for anything else that the store refuses.
    """
    for rule in rules:
        value = json.dumps(rule.value) if rule.argument == "Policy" else rule.value
        try:
            getattr(client, f"put_{rule.operation}")(Bucket=bucket, **{rule.argument: value})
        except ClientError as error:
            if _code(error) not in _UNKNOWN | _MISTAKEN:
                raise


def compare(client: Any, bucket: str, rules: Sequence[Rule]) -> Iterator[tuple[Rule, State]]:  # noqa: ANN401
    """Yield each rule with how the bucket keeps to it; raises ClientError."""
    for rule in rules:
        try:
            found = getattr(client, f"get_{rule.operation}")(Bucket=bucket)
        except ClientError as error:
            yield rule, _state_of(error)
            continue
        if found.get(rule.argument) == {}:
            yield rule, "unknown"
        else:
            yield rule, "right" if _keeps(rule, found) else "wrong"


def _state_of(error: ClientError) -> State:
    code = _code(error)
    if code in _UNKNOWN:
        return "unknown"
    if code in _HIDDEN:
        return "hidden"
    if code.startswith(_NOTHING_SET) or code.endswith("NotFoundError"):
        return "wrong"
    raise error


def _keeps(rule: Rule, found: Value) -> bool:
    if rule.argument == "Policy":
        statements = json.loads(found.get("Policy", "{}")).get("Statement", [])
        return all(any(_holds(other, wanted) for other in statements) for wanted in rule.value["Statement"])
    if rule.argument == "LifecycleConfiguration":  # Ceph's gateway tells of an empty filter in its older form
        found = {"Rules": [{"Filter": {"Prefix": one.get("Prefix")}, **one} for one in found.get("Rules", ())]}
    return _holds(found.get(rule.argument, found), rule.value)


def _holds(found: Any, wanted: Any) -> bool:  # noqa: ANN401  (JSON)
    """Tell whether `found` says all that `wanted` does; a list has no more in it, in whatever order."""
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(_holds(found.get(name), value) for name, value in wanted.items())
    if isinstance(wanted, list):
        found = found if isinstance(found, list) else [found]
        return len(found) == len(wanted) and all(any(_holds(one, value) for one in found) for value in wanted)
    return bool(found == wanted)


def _code(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])
