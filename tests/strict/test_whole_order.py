"""A whole order on Ceph's gateway: sent, analysed by the real worker, paid, downloaded; and a file that was damaged."""

import hashlib
import io
import urllib.request
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.models import Order
from tests.checkout.shop import audit
from tests.faults.house import House, house_on
from tests.faults.visitor import Visitor
from tests.helpers import Sandbox
from tests.intake.shopper import send_form
from tests.strict.conftest import allow_writing

SALES = ("日付,売上,店\n" + "".join(f"2026-11-{n % 28 + 1:02d},{n * 37 % 900},東京\n" for n in range(300))).encode()


@pytest.fixture(scope="module")
def house(ceph: str, sandbox: Sandbox, folder: Path) -> Iterator[House]:
    """Run the whole portal with Ceph's gateway as its store."""
    place = folder / "house-radosgw"
    place.mkdir(mode=0o755)
    with house_on("sqlite", place, replace(sandbox, s3=ceph)) as one:
        allow_writing(one.portal.storage)
        yield one


def order(house: House, body: bytes, email: str) -> tuple[Visitor, str]:
    """Order as the page's script does, and send a file of the same length; return the browser and the OrderID."""
    browser = house.visitor()
    token = browser.token("/?product=csv-profile")
    headers = {"X-CSRFToken": token, "Accept": "application/json"}
    about = {"filename": "売上.csv", "size": len(body)}
    fields = {"product": "csv-profile", "email": email, "locale": "ja", "csrf_token": token, **about}
    made = browser.post("/orders", fields, **headers)
    assert made.status == 201, made.text
    upload = made.json()["upload"]
    said = {"sha256": hashlib.sha256(SALES).hexdigest()}
    form = browser.post_json(upload["sign_url"], said, **headers).json()
    assert send_form(form["url"], form["fields"], body)[0] == 201
    assert browser.post_json(upload["confirm_url"], said, **headers).status == 200
    return browser, made.json()["order_id"]


def now(house: House, order_id: str) -> Order:
    """Read an order anew."""
    with house.portal.database.transaction() as session:
        return session.get_one(Order, order_id)


def test_ac_u10_u13_a_whole_order_on_the_strict_store(house: House, email: str) -> None:
    """Uploaded, analysed by the worker, paid by card, the zip built, and opened by its address of minutes."""
    browser, order_id = order(house, SALES, email)
    where = f"/orders/{order_id}"
    house.until(lambda: now(house, order_id).state == "analysed", 120, "the analysis")
    assert browser.get(where).status == 200
    assert browser.get(f"{where}/files/result.zip").status in {404, 409}
    house.claims[order_id] = browser.cookies["claim"]
    house.pay(house.begin(now(house, order_id)))
    house.until(lambda: now(house, order_id).state == "delivered", 120, "the result")
    click = browser.get(f"{where}/files/result.zip")
    assert click.status == 302
    with urllib.request.urlopen(click.location, timeout=20) as answer:
        assert "filename*=UTF-8''" in answer.headers["Content-Disposition"]
        assert answer.headers["Content-Type"] == "application/zip"
        archive = zipfile.ZipFile(io.BytesIO(answer.read()))
    assert archive.testzip() is None
    assert any(name.endswith("report.html") for name in archive.namelist())


def test_ac_u04_where_the_store_knows_no_checksum_the_worker_finds_the_damage(house: House, email: str) -> None:
    """The right length and another content than the browser hashed: never analysed, never to be paid."""
    browser, order_id = order(house, SALES.replace("東京".encode(), "大阪".encode(), 1), email)
    house.until(lambda: now(house, order_id).state in {"failed", "rejected"}, 120, "the end")
    assert "file.refused" in audit(house.portal, now(house, order_id))
    assert list(house.portal.storage.list(f"results/{order_id}/")) == []
    assert browser.get(f"/orders/{order_id}/pay?method=card").status != 200
