"""A customer's browser, with and without JavaScript, down to the requests that it sends."""

import hashlib
import re
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass, field
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.intake.grants import incoming_key
from app.models import Order
from app.portal import Portal

HOST = "127.0.0.1"  # whose cookies
CSV = "日付,売上\n2026-11-01,100\n2026-11-02,120\n".encode()
JSON = {"Accept": "application/json"}


def sha256_of(body: bytes) -> str:
    """Return the SHA-256 in hex."""
    return hashlib.sha256(body).hexdigest()


def key_of(portal: Portal, grant: dict[str, Any]) -> str:
    """Return the key that the file of a grant is sent to; the browser is not told."""
    return incoming_key(order_of(portal, grant))


@dataclass
class Shopper:
    """One browser; `token` is the CSRF token of the page it looks at."""

    client: FlaskClient
    email: str
    token: str = field(init=False)

    def __post_init__(self) -> None:
        page = self.client.get("/?product=csv-profile")
        assert page.status_code == 200, page.text
        found = re.search(r'data-csrf="([^"]+)"', page.text)
        assert found
        self.token = found[1]

    def form(self, **changes: str | int | None) -> dict[str, Any]:
        """Return the order form's fields; None leaves a field out."""
        fields = {
            "product": "csv-profile",
            "email": self.email,
            "locale": "ja",
            "csrf_token": self.token,
            **changes,
        }
        return {name: value for name, value in fields.items() if value is not None}

    def about(self, body: bytes, name: str = "売上.csv") -> dict[str, Any]:
        """Return what JavaScript adds to the form: name and size of the file."""
        return {"filename": name, "size": len(body)}

    def order(self, **changes: str | int | None) -> TestResponse:
        """Send the order form as upload.js does."""
        return self.client.post("/orders", data=self.form(**changes), headers=JSON)

    def order_plainly(self, **changes: str | int | None) -> TestResponse:
        """Send the order form without JavaScript."""
        return self.client.post("/orders", data=self.form(**changes))

    def upload(self, body: bytes = CSV) -> dict[str, Any]:
        """Order, and return the grant of the answer, with the order's id and the file's checksum."""
        answer = self.order(**self.about(body))
        assert answer.status_code == 201, answer.text
        return {**answer.get_json()["upload"], "order_id": answer.get_json()["order_id"], "sha256": sha256_of(body)}

    def sign(self, grant: dict[str, Any], **body: Any) -> TestResponse:
        """Ask for one signature."""
        return self.client.post(grant["sign_url"], json=body, headers={**JSON, "X-CSRFToken": self.token})

    def sign_whole(self, grant: dict[str, Any]) -> dict[str, Any]:
        """Ask for the form that sends a small file."""
        answer = self.sign(grant, sha256=grant["sha256"])
        assert answer.status_code == 200, answer.text
        return dict(answer.get_json())

    def send_part(self, grant: dict[str, Any], body: bytes, number: int) -> tuple[int, dict[str, str], str]:
        """Send one part of a file; return status, headers and text of the store's answer."""
        each = grant["part_size"]
        piece = body[(number - 1) * each : number * each]
        signed = self.sign(grant, part=number, sha256=sha256_of(piece))
        assert signed.status_code == 200, signed.text
        return send("PUT", signed.get_json()["url"], piece, signed.get_json()["headers"])

    def resume(self, grant: dict[str, Any], size: int, name: str = "売上.csv") -> TestResponse:
        """Come back with the same file."""
        asked = {"filename": name, "size": size}
        return self.client.post(grant["upload_url"], json=asked, headers={**JSON, "X-CSRFToken": self.token})

    def confirm(self, grant: dict[str, Any], **said: str) -> TestResponse:
        """Say that the file was sent."""
        body = {"sha256": grant["sha256"]} if "sha256" in grant else {}
        headers = {**JSON, "X-CSRFToken": self.token}
        return self.client.post(grant["confirm_url"], json={**body, **said}, headers=headers)


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def send_form(url: str, fields: dict[str, str], body: bytes) -> tuple[int, dict[str, str]]:
    """Send a file to the object store as a browser sends a form; return status and headers."""
    line = uuid.uuid4().hex
    parts = [f'--{line}\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in fields.items()]
    parts.append(
        f'--{line}\r\nContent-Disposition: form-data; name="file"; filename="x.html"\r\nContent-Type: text/html\r\n\r\n'
    )
    data = "".join(parts).encode() + body + f"\r\n--{line}--\r\n".encode()
    return send("POST", url, data, {"Content-Type": f"multipart/form-data; boundary={line}"})[:2]


def send(
    method: str, url: str, body: bytes | None = None, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], str]:
    """Send a request to the object store; return status, headers and text."""
    # urllib adds a form's Content-Type of its own to a body, which a browser's XMLHttpRequest does not.
    request = urllib.request.Request(url, body, {"Content-Type": "", **(headers or {})}, method=method)
    try:
        with urllib.request.build_opener(_Stay).open(request, timeout=20) as answer:
            return answer.status, dict(answer.headers), answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read().decode()


def form_of(page: str) -> tuple[str, dict[str, str]]:
    """Read the upload form of the order's page: its address and hidden fields."""
    form = re.search(r'<form[^>]*action="(http[^"]+)"[^>]*multipart/form-data(.*?)</form>', page, re.DOTALL)
    assert form, page
    return form[1], dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form[2]))


def order_of(portal: Portal, grant: dict[str, Any]) -> Order:
    """Read the order of a grant as it stands now."""
    with portal.database.transaction() as session:
        return session.get_one(Order, grant["order_id"])
