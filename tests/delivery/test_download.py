"""The gate in front of a result: names, types, addresses for minutes, and when it is closed (AC-U10, U12 to U14)."""

import io
import urllib.request
import zipfile
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.checkout.settle import settle
from app.delivery.service import build
from app.kit.filenames import attachment, display_name
from app.kit.ids import new_id
from app.mail.jobs import render
from app.models import Mail, Order
from app.portal import Portal
from tests.checkout.shop import ask_stripe, audit, order_of, paid
from tests.helpers import Sandbox, make_order, make_payment, reload

# What a customer's file may be called, and what the browser offers to save its result as.
NAMES = [
    ("結果 報告.csv", "結果_結果 報告.zip"),
    ('a"b.csv', "結果_ab.zip"),
    ("x;y.csv", "結果_x;y.zip"),
    ("a\r\nSet-Cookie: b=c.csv", "結果_aSet-Cookie b=c.zip"),
    ("絵文字😀.csv", "結果_絵文字😀.zip"),
    ("あ" * 200, f"結果_{'あ' * 100}.zip"),
    ("あ" * 200 + ".csv", f"結果_{'あ' * 100}.zip"),
    ("no-extension", "結果_no-extension.zip"),
    (".csv", "結果_csv.zip"),
    ("%41'%22.csv", "結果_%41'%22.zip"),
]


def delivered(portal: Portal, client: FlaskClient, **columns: str) -> Order:
    order = order_of(portal, client, money="paid", **columns)
    build(order.id)
    return reload(portal, order)


@pytest.mark.parametrize(("called", "offered"), NAMES)
def test_ac_u10_name_of_the_download(called: str, offered: str, portal: Portal, client: FlaskClient) -> None:
    """UTF-8 name after RFC 8187, plain ASCII beside it, and the store takes it."""
    order = delivered(portal, client, filename=display_name(called))
    click = client.get(f"/orders/{order.id}/files/result.zip")
    with urllib.request.urlopen(click.location) as answer:
        disposition = answer.headers["Content-Disposition"]
        body = answer.read()
    assert disposition.isascii()
    assert disposition.startswith(f'attachment; filename="result-{order.id[:8]}.zip"; ')
    assert unquote(disposition.partition("''")[2]) == offered
    assert zipfile.ZipFile(io.BytesIO(body)).testzip() is None


@pytest.mark.parametrize("called", [name for name, _ in NAMES])
def test_ac_u10_no_name_breaks_the_header(called: str) -> None:
    """Whatever a name is made of: no character that S3 refuses, no line's end, no quote that ends the value early."""
    value = attachment(called, "result-1.zip")
    assert value.isascii()
    assert value.isprintable()
    assert value.count('"') == 2
    assert value.count(";") == 2


def test_ac_u12_types_are_ours(portal: Portal, client: FlaskClient) -> None:
    """What is stored and what is sent has the type that we say, not one from the program or the uploader."""
    order = delivered(portal, client)
    wanted = {"result.zip": "application/zip", "report.html": "text/html; charset=utf-8"}
    for name, content_type in wanted.items():
        plain = portal.storage.sign("get_object", f"results/{order.id}/{name}", 60)
        for address in (plain, client.get(f"/orders/{order.id}/files/{name}").location):
            with urllib.request.urlopen(address) as answer:
                assert answer.headers["Content-Type"] == content_type


def test_ac_u12_html_is_a_file_but_in_our_frame(portal: Portal, client: FlaskClient) -> None:
    """Asked for by anything but the frame of the report's page, the report is an attachment."""
    order = delivered(portal, client)

    def disposition(**headers: str) -> str:
        click = client.get(f"/orders/{order.id}/files/report.html", headers=headers)
        return parse_qs(urlsplit(click.location).query)["response-content-disposition"][0]

    assert disposition(**{"Sec-Fetch-Dest": "iframe"}) == "inline"
    for asked in ({}, {"Sec-Fetch-Dest": "document"}, {"Sec-Fetch-Dest": "embed"}, {"Sec-Fetch-Dest": "empty"}):
        assert disposition(**asked).startswith("attachment; ")


def test_ac_u13_the_signed_address(portal: Portal, client: FlaskClient, capfd: pytest.CaptureFixture[str]) -> None:
    """For minutes, for one key, type and name forced; kept by no cache, and standing in no page, mail or log."""
    order = delivered(portal, client)
    for name in ("result.zip", "report.html"):
        click = client.get(f"/orders/{order.id}/files/{name}")
        assert (click.status_code, click.headers["Cache-Control"]) == (302, "no-store")
        parts = urlsplit(click.location)
        signed = parse_qs(parts.query)
        assert parts.path.endswith(f"/results/{order.id}/{name}")
        assert int(signed["X-Amz-Expires"][0]) <= 300
        assert signed["response-cache-control"] == ["private, no-store"]
    assert audit(portal, order).count("file.downloaded") == 2
    with portal.database.transaction() as session:
        mail = session.scalars(select(Mail).where(Mail.order_id == order.id)).one()
    told = render(mail)
    pages = [client.get(f"/orders/{order.id}{page}").text for page in ("", "/report")]
    for text in (*pages, told.subject, told.text, told.html, *capfd.readouterr()):
        assert "X-Amz" not in text
        assert f"results/{order.id}" not in text


@pytest.mark.parametrize(
    ("columns", "payment", "status"),
    [
        ({"state": "analysed", "money": "unpaid"}, {}, 409),
        ({"state": "analysed", "money": "paid"}, {}, 409),
        ({"state": "delivered", "money": "unpaid"}, {}, 409),
        ({"state": "delivered", "money": "paid"}, {}, 302),
        ({"state": "delivered", "money": "paid", "scan": "clean"}, {}, 302),
        ({"state": "delivered", "money": "paid", "scan": "infected"}, {}, 409),
        ({"state": "delivered", "money": "partly_refunded"}, {}, 302),
        ({"state": "delivered", "money": "refunded"}, {}, 410),
        ({"state": "delivered", "money": "paid"}, {"dispute": "needs_response"}, 409),
        ({"state": "delivered", "money": "paid"}, {"dispute": "warning_needs_response"}, 302),
        ({"state": "delivered", "money": "paid"}, {"dispute": "won"}, 302),
    ],
)
def test_ac_u13_u14_gate(
    columns: dict[str, str], payment: dict[str, str], status: int, portal: Portal, client: FlaskClient
) -> None:
    """Each click asks anew: owner, money, result, virus; gone after a refund, shut while a dispute is undecided."""
    file = {"name": "a.zip", "key": "k", "size": 1, "type": "application/zip"}
    files = {"files": [{**file, "slug": "result.zip"}], "report": {**file, "slug": "report.html"}}
    order = order_of(portal, client, delivery=files, **columns)
    if payment:
        make_payment(portal, order, state="paid", **payment)
    for name in ("result.zip", "report.html"):
        assert client.get(f"/orders/{order.id}/files/{name}").status_code == status
    assert client.get(f"/orders/{order.id}/report").status_code == (200 if status == 302 else status)
    assert client.get(f"/orders/{order.id}/files/other.zip").status_code == 404
    assert audit(portal, order) == (["file.downloaded"] * 2 if status == 302 else [])
    links = ("/files/result.zip", "/report")
    shown = client.get(f"/orders/{order.id}").text
    if "scan" not in columns:
        assert [f"/orders/{order.id}{link}" in shown for link in links] == [status == 302] * 2


def test_ac_u13_a_stranger_sees_nothing(portal: Portal, app: Flask, client: FlaskClient) -> None:
    """Another browser gets 404 for a result, a report and a preview, as for an order that is not there."""
    order = delivered(portal, client)
    stranger = app.test_client()
    stranger.environ_base.update(client.environ_base)
    for path in ("files/result.zip", "files/report.html", "report", "preview/plot.png"):
        assert stranger.get(f"/orders/{order.id}/{path}").status_code == 404
        assert stranger.get(f"/orders/{make_order(portal).id}/{path}").status_code == 404
        assert stranger.get(f"/orders/{new_id()}/{path}").status_code == 404


def test_ac_u14_a_refund_closes_the_next_click(portal: Portal, client: FlaskClient, sandbox: Sandbox) -> None:
    """Stripe shows the money on its way back: 410 from then on; the address given before dies by itself."""
    order, session_id, intent = paid(portal, client, sandbox)
    settle(session_id)
    build(order.id)
    path = f"/orders/{order.id}/files/result.zip"
    before = client.get(path)
    assert before.status_code == 302
    ask_stripe(sandbox, "refunds", payment_intent=intent)
    settle(session_id)
    assert client.get(path).status_code == 410
    assert client.get(f"/orders/{order.id}/report").status_code == 410
    assert path not in client.get(f"/orders/{order.id}").text
    assert int(parse_qs(urlsplit(before.location).query)["X-Amz-Expires"][0]) <= 300


@pytest.mark.parametrize(("verdict", "status"), [("win", 302), ("lose", 410)])
def test_ac_u14_a_dispute_closes_while_it_lasts_and_when_it_is_lost(
    verdict: str, status: int, portal: Portal, client: FlaskClient, sandbox: Sandbox
) -> None:
    """The bank has the money: shut. Won: open again. Lost: gone, as after a refund."""
    order, session_id, _ = paid(portal, client, sandbox)
    settle(session_id)
    build(order.id)
    path = f"/orders/{order.id}/files/result.zip"
    charge = portal.stripe.retrieve_session(session_id)["payment_intent"]["latest_charge"]["id"]
    dispute = sandbox.control(f"charges/{charge}/dispute")["id"]
    settle(session_id)
    assert client.get(path).status_code == 409
    assert path not in client.get(f"/orders/{order.id}").text
    sandbox.control(f"disputes/{dispute}/{verdict}")
    settle(session_id)
    assert client.get(path).status_code == status


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
