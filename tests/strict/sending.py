"""A file on its way to the store as the page's script sends it: whole in a form, or in parts (docs/upload.md)."""

import base64
import hashlib
from dataclasses import dataclass, field
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.models import Order
from app.portal import Portal
from tests.intake.shopper import CSV, JSON, Shopper, order_of, send, send_form


@dataclass
class Sending:
    """One order of a browser, and its file."""

    client: FlaskClient
    email: str
    body: bytes = CSV
    shopper: Shopper = field(init=False)
    upload: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.shopper = Shopper(self.client, self.email)
        made = self.shopper.order(filename="売上.csv", size=len(self.body))
        assert made.status_code == 201, made.text
        self.upload = {**made.get_json()["upload"], "order_id": made.get_json()["order_id"]}

    def ask(self, what: str, **said: Any) -> TestResponse:
        """Send JSON to one of the order's addresses: sign, confirm or upload."""
        headers = {**JSON, "X-CSRFToken": self.shopper.token}
        return self.client.post(self.upload[f"{what}_url"], json=said, headers=headers)

    def form(self) -> tuple[str, dict[str, str]]:
        """Ask for the form that sends a small file; return its address and fields."""
        answer = self.ask("sign", sha256=hashlib.sha256(self.body).hexdigest())
        assert answer.status_code == 200, answer.text
        return str(answer.get_json()["url"]), dict(answer.get_json()["fields"])

    def send_whole(self) -> tuple[str, dict[str, str]]:
        """Send a small file; return the form's address and fields."""
        url, fields = self.form()
        assert send_form(url, fields, self.body)[0] == 201
        return url, fields

    def piece(self, number: int) -> bytes:
        """Return a part's bytes."""
        size = int(self.upload["part_size"])
        return self.body[(number - 1) * size : number * size]

    def part(self, number: int) -> tuple[str, dict[str, str]]:
        """Ask for the signature of a part; return its address and the headers to send."""
        answer = self.ask("sign", part=number, sha256=hashlib.sha256(self.piece(number)).hexdigest())
        assert answer.status_code == 200, answer.text
        return str(answer.get_json()["url"]), dict(answer.get_json().get("headers") or {})

    def send_part(self, number: int) -> None:
        """Send a part."""
        url, headers = self.part(number)
        status, _, text = send("PUT", url, self.piece(number), headers)
        assert status == 200, text

    def arrived(self) -> list[int]:
        """Go on with the order, as after a break; return the numbers of the parts that are there."""
        answer = self.ask("upload", filename="売上.csv", size=len(self.body))
        assert answer.status_code == 200, answer.text
        return list(answer.get_json()["upload"]["parts"])

    def confirm(self) -> TestResponse:
        """Say that the file was sent, and which one it is: by its SHA-256, of a large one by that of its parts'."""
        each = int(self.upload["part_size"])
        pieces = [self.body[start : start + each] for start in range(0, len(self.body), each)]
        digests = [hashlib.sha256(piece).digest() for piece in pieces]
        said = hashlib.sha256(b"".join(digests)).hexdigest() if len(digests) > 1 else digests[0].hex()
        return self.ask("confirm", sha256=said)

    def order(self, portal: Portal) -> Order:
        """Read the order anew."""
        return order_of(portal, self.upload)

    def key(self, portal: Portal) -> str:
        """Return where the file goes before it is confirmed."""
        order = self.order(portal)
        return f"incoming/{order.id}/{order.grant}"

    def lies_there(self, portal: Portal) -> bool:
        """Tell whether anything lies there."""
        return bool(list(portal.storage.list(self.key(portal))))

    def frozen(self, portal: Portal) -> bytes:
        """Read the frozen file."""
        return portal.storage.get(f"orders/{self.upload['order_id']}.kaiseki")


def refused(url: str, body: bytes, headers: dict[str, str]) -> bool:
    """Tell whether a store does not take a part; it may hang up before it has heard all of it."""
    try:
        return send("PUT", url, body, headers)[0] in {400, 403, 404}
    except OSError:
        return True


def checksum(body: bytes) -> str:
    """Return a SHA-256 as S3's headers have it."""
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


def large(part_size: int = 16 * 1024 * 1024) -> bytes:
    """Return a CSV of two parts."""
    line = b"2026-11-01,123456,abcdefghijklmnopq\n"
    return b"day,sold,note\n" + line * (part_size // len(line) + 100)
