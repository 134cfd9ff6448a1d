"""The deliverable and its gate (AC-U10, U13, U14)."""

import io
import urllib.request
import zipfile
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.delivery.service import NothingToDeliverError, build, write_zip
from app.models import Order
from app.portal import Portal
from tests.checkout.shop import audit, mails, order_of
from tests.helpers import make_order, reload


def delivered(portal: Portal, client: FlaskClient, **columns: str) -> Order:
    order = order_of(portal, client, money="paid", **columns)
    build(order.id)
    return reload(portal, order)


@pytest.mark.parametrize(
    ("filename", "offered"),
    [
        ("売上 報告.csv", "結果_売上 報告.zip"),
        ("a;b.csv", "結果_a;b.zip"),
        ("絵文字😀.csv", "結果_絵文字😀.zip"),
        ("あ" * 116 + ".csv", f"結果_{'あ' * 100}.zip"),
        ("no-extension", "結果_no-extension.zip"),
        (".csv", "結果_.csv.zip"),
    ],
)
def test_ac_u10_name_of_the_download(filename: str, offered: str, portal: Portal, client: FlaskClient) -> None:
    """UTF-8 name after RFC 8187, plain ASCII beside it, and the store takes it."""
    order = delivered(portal, client, filename=filename)
    click = client.get(f"/orders/{order.id}/files/result.zip")
    with urllib.request.urlopen(click.location) as answer:
        disposition = answer.headers["Content-Disposition"]
        body = answer.read()
    assert disposition.isascii()
    assert disposition.startswith(f'attachment; filename="result-{order.id[:8]}.zip"; ')
    assert unquote(disposition.partition("''")[2]) == offered
    assert zipfile.ZipFile(io.BytesIO(body)).testzip() is None


def test_ac_u13_the_signed_address(portal: Portal, client: FlaskClient) -> None:
    """For minutes, for one key, type and name forced; nothing of it is kept by caches."""
    order = delivered(portal, client)
    click = client.get(f"/orders/{order.id}/files/result.zip")
    assert click.headers["Cache-Control"] == "no-store"
    parts = urlsplit(click.location)
    signed = parse_qs(parts.query)
    assert parts.path.endswith(f"/results/{order.id}/result.zip")
    assert int(signed["X-Amz-Expires"][0]) <= 300
    assert signed["response-content-type"] == ["application/zip"]
    assert signed["response-cache-control"] == ["private, no-store"]
    assert "Signature" not in client.get(f"/orders/{order.id}").text
    assert audit(portal, order).count("file.downloaded") == 1


@pytest.mark.parametrize(
    ("columns", "status"),
    [
        ({"state": "analysed", "money": "unpaid"}, 409),
        ({"state": "analysed", "money": "paid"}, 409),
        ({"state": "delivered", "money": "unpaid"}, 409),
        ({"state": "delivered", "money": "partly_refunded"}, 302),
        ({"state": "delivered", "money": "refunded"}, 410),
    ],
)
def test_ac_u13_u14_gate(columns: dict[str, str], status: int, portal: Portal, client: FlaskClient) -> None:
    """Each click asks anew: not open before the money and the result, gone after a refund."""
    files = {"files": [{"slug": "result.zip", "name": "a.zip", "key": "k", "size": 1, "type": "application/zip"}]}
    order = order_of(portal, client, delivery=files, **columns)
    assert client.get(f"/orders/{order.id}/files/result.zip").status_code == status
    assert client.get(f"/orders/{order.id}/files/other.zip").status_code == 404
    assert audit(portal, order) == (["file.downloaded"] if status == 302 else [])


def test_ac_u13_a_stranger_sees_nothing(portal: Portal, app: Flask, client: FlaskClient) -> None:
    """Another browser gets 404 for a result and a preview, as for an order that is not there."""
    order = delivered(portal, client)
    stranger = app.test_client()
    stranger.environ_base.update(client.environ_base)
    for path in ("files/result.zip", "preview/plot.png"):
        assert stranger.get(f"/orders/{order.id}/{path}").status_code == 404
        assert stranger.get(f"/orders/{make_order(portal).id}/{path}").status_code == 404


def test_preview(portal: Portal, app: Flask, client: FlaskClient) -> None:
    """The preview is free, for the viewer and for whoever has the pay link; only the named image is shown."""
    order = order_of(portal, client)
    portal.storage.put(f"previews/{order.id}/plot.png", b"picture", "text/html")
    with urllib.request.urlopen(client.get(f"/orders/{order.id}/preview/plot.png").location) as answer:
        assert (answer.headers["Content-Type"], answer.read()) == ("image/png", b"picture")
    assert client.get(f"/orders/{order.id}/preview/summary.json").status_code == 404
    payer = app.test_client()
    payer.environ_base.update(client.environ_base)
    token = portal.signer.sign("pay-link", order.id)
    assert payer.get(f"/orders/{order.id}/preview/plot.png?t={token}").status_code == 302


def test_building_again_changes_nothing(portal: Portal, client: FlaskClient, tmp_path: Path) -> None:
    """A worker killed anywhere builds again: the same bytes, one opening, one mail."""
    order = delivered(portal, client)
    first = portal.storage.get(f"results/{order.id}/result.zip")
    build(order.id)
    write_zip(order, tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == first
    assert audit(portal, order) == ["work.delivered"]
    assert mails(portal, order) == ["result_open"]


@pytest.mark.parametrize(
    "columns", [{"money": "unpaid"}, {"money": "refunded"}, {"state": "analysing", "money": "paid"}]
)
def test_nothing_is_built_before_its_time(columns: dict[str, str], portal: Portal, client: FlaskClient) -> None:
    order = order_of(portal, client, **columns)
    build(order.id)
    assert reload(portal, order).delivery is None
    assert audit(portal, order) == []


def test_no_result_is_not_an_empty_zip(portal: Portal) -> None:
    order = make_order(portal, state="analysed", money="paid")
    with pytest.raises(NothingToDeliverError):
        build(order.id)
    assert reload(portal, order).state == "analysed"
