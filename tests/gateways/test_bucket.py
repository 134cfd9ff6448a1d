"""The bucket as code (AC-U07): the rules, the store that is given them, and CloudFormation's copy of them."""

import re
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from app.gateways import bucket
from app.gateways.bucket import Rule, State
from app.gateways.storage import Storage
from app.kit.ids import new_id
from app.portal import Portal
from app.settings import Settings
from tests.helpers import ROOT

TEMPLATE = ROOT / "deploy" / "s3.yaml"
ORIGIN = "https://portal.example.jp"
ALL = bucket.rules_of("sold", ORIGIN, tls=True, versions=True)


def value(operation: str) -> Any:
    """Return what a rule should be."""
    return next(rule.value for rule in ALL if rule.operation == operation)


def test_ac_u07_the_rules() -> None:
    """Nothing public, no ACLs, encrypted, versioned, TLS only, our origin alone, and an end for what is left over."""
    assert value("public_access_block") == dict.fromkeys(
        ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
    )
    assert value("bucket_ownership_controls")["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    (encryption,) = value("bucket_encryption")["Rules"]
    assert encryption["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert value("bucket_versioning") == {"Status": "Enabled"}
    (statement,) = value("bucket_policy")["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert statement["Resource"] == ["arn:aws:s3:::sold", "arn:aws:s3:::sold/*"]
    (cors,) = value("bucket_cors")["CORSRules"]
    assert cors["AllowedOrigins"] == [ORIGIN]
    assert not any("*" in text for texts in cors.values() if isinstance(texts, list) for text in texts)
    assert set(cors["AllowedMethods"]) == {"GET", "POST", "PUT", "DELETE"}
    assert "ETag" in cors["ExposeHeaders"]
    rules = {rule["Filter"]["Prefix"]: rule for rule in value("bucket_lifecycle_configuration")["Rules"]}
    assert rules["incoming/"]["Expiration"] == rules["runs/"]["Expiration"] == {"Days": 2}
    assert rules[""]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}
    assert rules[""]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 7}
    assert "Days" not in rules[""]["Expiration"]  # nobody's result ends by the store's own clock


@pytest.fixture
def own(settings: Settings) -> Storage:
    """Give a bucket of the test's own, without any rule."""
    storage = Storage(settings.model_copy(update={"s3_bucket": f"rules-{new_id()[:13]}"}))
    storage._s3.create_bucket(  # noqa: SLF001
        Bucket=storage.bucket, CreateBucketConfiguration={"LocationConstraint": settings.aws_region}  # type: ignore[typeddict-item]
    )  # fmt: skip
    return storage


def states(storage: Storage, rules: tuple[Rule, ...]) -> dict[str, State]:
    """Compare a bucket with rules."""
    found = bucket.compare(storage._s3, storage.bucket, rules)  # noqa: SLF001
    return {rule.operation: state for rule, state in found}


def test_ac_u07_a_store_is_given_the_rules_and_keeps_them(own: Storage) -> None:
    """All seven, as often as one likes; a bucket without them is told apart."""
    rules = bucket.rules_of(own.bucket, ORIGIN, tls=True, versions=True)
    before = states(own, rules)
    assert before["bucket_cors"] == before["bucket_policy"] == before["bucket_versioning"] == "wrong"
    for _ in range(2):
        bucket.apply(own._s3, own.bucket, rules)  # noqa: SLF001
        assert states(own, rules) == {rule.operation: "right" for rule in rules}


def test_ac_u07_what_was_changed_by_hand_is_seen(own: Storage) -> None:
    """One rule after the other is loosened; each time that one alone is told of."""
    rules = bucket.rules_of(own.bucket, ORIGIN, tls=True, versions=True)
    client: Any = own._s3  # noqa: SLF001
    more = {"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]}
    loosened: dict[str, Any] = {
        "bucket_cors": {"CORSConfiguration": {"CORSRules": [*bucket.cors(ORIGIN)["CORSRules"], more]}},
        "bucket_lifecycle_configuration": {"LifecycleConfiguration": {"Rules": bucket.LIFECYCLE["Rules"][:2]}},
        "bucket_versioning": {"VersioningConfiguration": {"Status": "Suspended"}},
        "public_access_block": {
            "PublicAccessBlockConfiguration": {**bucket.PUBLIC_ACCESS, "RestrictPublicBuckets": False}
        },
        "bucket_ownership_controls": {"OwnershipControls": {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}},
        "bucket_policy": {"Policy": '{"Version": "2012-10-17", "Statement": []}'},
    }
    for operation, arguments in loosened.items():
        bucket.apply(client, own.bucket, rules)
        getattr(client, f"put_{operation}")(Bucket=own.bucket, **arguments)
        assert [name for name, state in states(own, rules).items() if state != "right"] == [operation]


def test_ac_u07_u16_the_portal_sets_its_bucket_up(portal: Portal) -> None:
    """`portal storage setup` on the demo's store: our origin; TLS and versions where they are of use."""
    portal.storage.set_up()
    told = {rule.operation: state for rule, state in portal.storage.look_at_rules()}
    assert set(told.values()) == {"right"}
    assert told.keys() == {rule.operation for rule in ALL} - {"bucket_policy", "bucket_versioning"}
    cors = portal.storage._s3.get_bucket_cors(Bucket=portal.storage.bucket)["CORSRules"]  # noqa: SLF001
    assert cors[0]["AllowedOrigins"] == [portal.settings.public_url]


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"portal_env": "production", "s3_endpoint_url": None}, {"bucket_policy", "bucket_versioning"}),
        (
            {"portal_env": "production", "s3_endpoint_url": "https://s3.example.jp"},
            {"bucket_policy", "bucket_versioning"},
        ),
        ({"portal_env": "production", "s3_endpoint_url": "http://minio:9000"}, {"bucket_versioning"}),
    ],
)
def test_ac_u07_production_has_all_rules(settings: Settings, changes: dict[str, Any], names: set[str]) -> None:
    """Without TLS only where the operator's own store has none: its rule would lock us out."""
    rules = {rule.operation for rule in bucket.rules_for(settings.model_copy(update=changes))}
    assert rules & {"bucket_policy", "bucket_versioning"} == names


@pytest.fixture
def ignorant() -> Iterator[tuple[str, list[str]]]:
    """Serve a store that answers everything with one error; give its address and the error's place."""
    said = ["NotImplemented"]

    class Store(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = f"<Error><Code>{said[0]}</Code><Message>no</Message></Error>".encode()
            self.send_response({"NotImplemented": 501, "AccessDenied": 403}.get(said[0], 400))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PUT = answer  # noqa: N815  (the library's names)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Store)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", said
    server.shutdown()
    server.server_close()
    thread.join()


def test_what_a_store_does_not_know_is_told_and_not_fatal(settings: Settings, ignorant: tuple[str, list[str]]) -> None:
    """Not known, or not for us to see: both are told. Any other refusal is an error."""
    address, said = ignorant
    storage = Storage(settings.model_copy(update={"s3_endpoint_url": address}))
    client: Any = storage._s3  # noqa: SLF001
    bucket.apply(client, "some", ALL)
    assert set(states(storage, ALL).values()) == {"unknown"}
    said[0] = "AccessDenied"
    assert set(states(storage, ALL).values()) == {"hidden"}
    with pytest.raises(client.exceptions.ClientError):
        bucket.apply(client, "some", ALL)
    said[0] = "MalformedXML"
    with pytest.raises(client.exceptions.ClientError):
        states(storage, ALL)


# --- deploy/s3.yaml


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    """Read the template."""
    return dict(yaml.safe_load(TEMPLATE.read_text()))


def resolved(part: Any) -> Any:
    """Fill in the parameters of the template, as CloudFormation would."""
    if isinstance(part, dict):
        if part.keys() == {"Ref"}:
            return {"PublicOrigin": ORIGIN, "BucketName": "sold"}.get(part["Ref"], part["Ref"])
        if part.keys() == {"Fn::Sub"}:
            return part["Fn::Sub"].replace("${BucketName}", "sold")
        return {name: resolved(inner) for name, inner in part.items()}
    return [resolved(inner) for inner in part] if isinstance(part, list) else part


def as_api(rule: dict[str, Any]) -> dict[str, Any]:
    """Turn CloudFormation's words for a rule of the lifecycle into the API's."""
    names = {"Id": "ID"}
    said = {names.get(name, name): inner for name, inner in rule.items()}
    end: dict[str, Any] = {}
    if "ExpirationInDays" in said:
        end["Days"] = said.pop("ExpirationInDays")
    if "ExpiredObjectDeleteMarker" in said:
        end["ExpiredObjectDeleteMarker"] = said.pop("ExpiredObjectDeleteMarker")
    prefix = said.pop("Prefix")
    return {**said, "Filter": {"Prefix": prefix}, "Expiration": end}


def test_ac_u07_the_template_has_the_same_rules(template: dict[str, Any]) -> None:
    """Every rule of the code, and no other."""
    properties = resolved(template["Resources"]["Bucket"]["Properties"])
    assert properties.pop("BucketName") == "sold"
    assert properties.pop("NotificationConfiguration")["QueueConfigurations"][0]["Event"] == "s3:ObjectCreated:*"
    assert properties.pop("PublicAccessBlockConfiguration") == value("public_access_block")
    assert properties.pop("OwnershipControls") == value("bucket_ownership_controls")
    (encryption,) = properties.pop("BucketEncryption")["ServerSideEncryptionConfiguration"]
    assert [{"ApplyServerSideEncryptionByDefault": encryption["ServerSideEncryptionByDefault"]}] == value(
        "bucket_encryption"
    )["Rules"]
    assert properties.pop("VersioningConfiguration") == value("bucket_versioning")
    names = {"ExposedHeaders": "ExposeHeaders", "MaxAge": "MaxAgeSeconds"}
    rules = properties.pop("CorsConfiguration")["CorsRules"]
    said = [{names.get(name, name): inner for name, inner in rule.items()} for rule in rules]
    assert said == value("bucket_cors")["CORSRules"]
    rules = properties.pop("LifecycleConfiguration")["Rules"]
    assert [as_api(rule) for rule in rules] == value("bucket_lifecycle_configuration")["Rules"]
    assert resolved(template["Resources"]["BucketPolicy"]["Properties"]["PolicyDocument"]) == value("bucket_policy")
    assert properties == {}
    assert template["Resources"]["Bucket"]["DeletionPolicy"] == "Retain"


# What each call of boto3 needs (https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html).
NEEDS = {
    "head_bucket": ["s3:ListBucket"],
    "list_objects_v2": ["s3:ListBucket"],
    "list_object_versions": ["s3:ListBucketVersions"],
    "list_multipart_uploads": ["s3:ListBucketMultipartUploads"],
    "list_parts": ["s3:ListMultipartUploadParts"],
    "head_object": ["s3:GetObject"],
    "get_object": ["s3:GetObject"],
    "download_file": ["s3:GetObject"],
    "get_object_tagging": ["s3:GetObjectTagging"],
    "put_object": ["s3:PutObject"],
    "upload_file": ["s3:PutObject", "s3:AbortMultipartUpload"],
    "copy": ["s3:GetObject", "s3:GetObjectTagging", "s3:PutObject", "s3:PutObjectTagging", "s3:AbortMultipartUpload"],
    "create_multipart_upload": ["s3:PutObject"],
    "upload_part": ["s3:PutObject"],
    "complete_multipart_upload": ["s3:PutObject"],
    "abort_multipart_upload": ["s3:AbortMultipartUpload"],
    "delete_object": ["s3:DeleteObject"],
    "delete_objects": ["s3:DeleteObject", "s3:DeleteObjectVersion"],
    "get_public_access_block": ["s3:GetBucketPublicAccessBlock"],
    "get_bucket_ownership_controls": ["s3:GetBucketOwnershipControls"],
    "get_bucket_encryption": ["s3:GetEncryptionConfiguration"],
    "get_bucket_cors": ["s3:GetBucketCORS"],
    "get_bucket_lifecycle_configuration": ["s3:GetLifecycleConfiguration"],
    "get_bucket_versioning": ["s3:GetBucketVersioning"],
    "get_bucket_policy": ["s3:GetBucketPolicy"],
}
BY_OPERATORS = {"create_bucket", "put_bucket_notification_configuration"}  # or by CloudFormation
NO_CALLS = {"meta", "get_paginator", "generate_presigned_url", "generate_presigned_post", "exceptions"}


def calls() -> set[str]:
    """Return the names of boto3's calls in the code that talks to the object store."""
    text = "".join((ROOT / "app" / "gateways" / f"{name}.py").read_text() for name in ("storage", "streams"))
    found = set(re.findall(r"(?:self\._s3|self\._client|\bclient)\.(\w+)\(", text))
    found |= set(re.findall(r'get_paginator\("(\w+)"\)', text))
    return (found | {f"get_{rule.operation}" for rule in ALL}) - BY_OPERATORS - NO_CALLS


def test_ac_u07_the_portals_role_may_do_what_it_does_and_no_more(template: dict[str, Any]) -> None:
    """Each call in the code has its permission, each permission its call; the bucket's rules are not the role's."""
    (policy,) = template["Resources"]["Role"]["Properties"]["Policies"]
    statements = policy["PolicyDocument"]["Statement"]
    allowed = {action for part in statements for action in part["Action"] if action.startswith("s3:")}
    assert calls() <= NEEDS.keys()
    assert allowed == {action for call in calls() for action in NEEDS[call]}
    assert all(part["Resource"] != "*" and part["Effect"] == "Allow" for part in statements)


def test_the_template_is_clean(tmp_path: Path) -> None:
    """cfn-lint has nothing to say, and sees what is wrong."""
    lint = str(Path(sys.executable).parent / "cfn-lint")
    done = subprocess.run([lint, TEMPLATE], capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout) == (0, "")
    spoilt = tmp_path / "s3.yaml"
    spoilt.write_text(TEMPLATE.read_text().replace("ObjectOwnership", "ObjectOwner"))
    assert subprocess.run([lint, spoilt], capture_output=True, check=False, timeout=120).returncode
