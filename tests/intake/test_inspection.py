"""No order goes on before its file was looked at, and none whose file is not clean where a scanner is (AC-U05, U06)."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from markupsafe import escape

from app.analysis.service import start
from app.catalog import Catalog
from app.checkout.service import payable
from app.gateways.scanner import make_scanner
from app.intake import jobs, sweep
from app.intake.inspection import UNSCANNED, call_staff, conclude, look
from app.intake.service import confirm_upload
from app.models import Order
from app.portal import Portal
from tests.gateways.clamd import EICAR, MOST, clamd
from tests.gateways.test_scanner import set_tag
from tests.helpers import free_port, wait_for
from tests.intake.conftest import OpenHouse
from tests.intake.house import House
from tests.intake.shopper import CSV, key_of
from tests.intake.traps import bomb


def _sent(house: House, body: bytes, name: str = "売上.csv", charge: str = "after_analysis") -> str:
    """Order, send a file, and have it confirmed; returns the OrderID."""
    shopper = house.shopper()
    answer = shopper.order(**shopper.about(body, name))
    assert answer.status_code == 201, answer.text
    grant = answer.get_json()
    house.portal.storage.put(key_of(house.portal, grant), body, "application/octet-stream")
    order_id = str(grant["order_id"])
    with house.portal.database.transaction() as session:
        session.get_one(Order, order_id).charge = charge
    confirm_upload(order_id)
    return order_id


def _stuck(house: House, order_id: str) -> None:
    """See that an order can neither be analysed, paid nor downloaded."""
    order = house.order(order_id)
    assert order.state in {"uploaded", "rejected"}
    assert not payable(order)
    assert not start(order_id)
    assert house.jobs("analysis.run", order_id) == []
    assert "choose_payment" not in house.mails(order_id)
    assert order.delivery is None


def test_ac_u05_a_bomb_is_refused_in_a_real_worker_with_nothing_to_pay(open_house: OpenHouse) -> None:
    """The customer gets the reason on the page and by mail; nothing was unpacked, analysed or asked for."""
    house = open_house(events=False)
    shopper = house.shopper()
    body = bomb()
    grant = shopper.order(**shopper.about(body, "罠.csv")).get_json()
    house.portal.storage.put(key_of(house.portal, grant), body, "application/octet-stream")
    confirm_upload(grant["order_id"])
    with house.worker():
        wait_for(lambda: house.order(grant["order_id"]).state == "rejected", 60, "the refusal")
    _stuck(house, grant["order_id"])
    order = house.order(grant["order_id"])
    assert order.reason
    assert "a compressed archive" in order.reason["en"]
    assert house.mails(order.id) == ["cannot_analyse"]
    assert str(escape(order.reason["en"])) in shopper.client.get(f"/orders/{order.id}?lang=en").text
    assert house.history(order.id)[-2:] == ["work.rejected", "file.refused"]
    kept = house.portal.storage.get(f"previews/{order.id}/analysis.json").decode()
    assert '"state": "rejected"' in kept  # a rebuilt ledger knows


def test_a_look_may_be_concluded_twice(open_house: OpenHouse) -> None:
    house = open_house(events=False)
    good, bad = _sent(house, CSV), _sent(house, b"%PDF-1.7\n\x00")
    for order_id in (good, bad):
        found = look(order_id)
        for _ in range(2):
            conclude(order_id, found)
    assert house.history(good).count("file.looked_at") == 1
    assert house.jobs("analysis.run", good) == ["ENQUEUED"]
    assert house.history(bad).count("file.refused") == 1
    assert look(bad).scan is None  # nothing is left to look at
    conclude(bad, look(bad))


@contextmanager
def _scanned(open_house: OpenHouse, folder: Path) -> Iterator[House]:
    with clamd(folder) as address:
        yield open_house(events=False, uploads=f'scan = "clamd"\nclamd = "{address}"\nclamd_max_bytes = {MOST}')


def test_ac_u06_an_infected_file_goes_nowhere(open_house: OpenHouse, tmp_path: Path) -> None:
    """EICAR in a real scanner: refused, with the reason; the clean file beside it is analysed."""
    with _scanned(open_house, tmp_path) as house:
        infected, clean = _sent(house, EICAR, "eicar.txt.csv"), _sent(house, CSV)
        with house.worker():
            wait_for(lambda: house.order(infected).state == "rejected", 60, "the refusal")
            wait_for(lambda: house.order(clean).state == "analysed", 60, "the analysis")
        assert house.order(clean).scan == "clean"
        order = house.order(infected)
        assert order.scan == "infected"
        assert order.reason
        assert "virus scanner" in order.reason["en"]
        _stuck(house, infected)


@pytest.mark.parametrize("charge", ["after_analysis", "before_analysis"])
def test_ac_u06_what_the_scanner_can_t_read_waits_for_staff(open_house: OpenHouse, tmp_path: Path, charge: str) -> None:
    """Unscanned blocks analysis, payment and download, and calls for staff; it is not asked about for ever."""
    with _scanned(open_house, tmp_path) as house:
        order_id = _sent(house, b"a,b\n" + b"1,2\n" * MOST, charge=charge)
        conclude(order_id, look(order_id))
        order = house.order(order_id)
        assert (order.scan, order.attention) == ("unscanned", UNSCANNED)
        _stuck(house, order_id)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sweep, "PATIENCE", timedelta(seconds=-5))
            assert sweep.find_unseen("m1") == 0
            # The operator takes the scanner away: what waited for it goes on by itself.
            _set_scan(house, patch, "none")
            assert sweep.find_unseen("m2") == 1
            conclude(order_id, look(order_id))
            order = house.order(order_id)
            assert order.attention is None
            assert payable(order) == (charge == "before_analysis")
            assert len(house.jobs("analysis.run", order_id)) == (charge == "after_analysis")


def _set_scan(house: House, patch: pytest.MonkeyPatch, scan: str) -> None:
    uploads = house.portal.catalog.uploads.model_copy(update={"scan": scan})
    catalog = house.portal.catalog.model_copy(update={"uploads": uploads})
    patch.setitem(house.flask.extensions, "portal", _with(house, catalog))


def _with(house: House, catalog: Catalog) -> Portal:
    return replace(house.portal, catalog=catalog, scanner=make_scanner(catalog.uploads, house.portal.storage))


def test_ac_u06_an_order_from_before_the_scanner_is_looked_at_by_it(open_house: OpenHouse) -> None:
    """Let through when there was no scanner, and not paid yet: payable again when the scanner has called it clean."""
    house = open_house(events=False)
    order_id = _sent(house, CSV, charge="before_analysis")
    conclude(order_id, look(order_id))
    assert payable(house.order(order_id))
    with pytest.MonkeyPatch.context() as patch:
        _set_scan(house, patch, "guardduty-tag")
        patch.setattr(sweep, "PATIENCE", timedelta(seconds=-5))
        assert not payable(house.order(order_id))
        assert sweep.find_unseen("m1") == 1
        set_tag(house.portal, f"orders/{order_id}.kaiseki", "NO_THREATS_FOUND")
        conclude(order_id, look(order_id))
        assert payable(house.order(order_id))


def test_ac_u06_a_scanner_that_is_silent_is_asked_again_then_staff_are_called(open_house: OpenHouse) -> None:
    """No tag yet: the job comes again later; the order waits calmly, and goes on when the tag is there."""
    house = open_house(events=False, uploads='scan = "guardduty-tag"')
    order_id = _sent(house, CSV)
    with house.worker():
        wait_for(lambda: len(house.jobs("intake.inspect", order_id)) > 1, 90, "the job to come again")
        _stuck(house, order_id)
        set_tag(house.portal, f"orders/{order_id}.kaiseki", "NO_THREATS_FOUND")
        wait_for(lambda: house.order(order_id).state == "analysed", 90, "the analysis")
    assert (house.order(order_id).scan, house.order(order_id).attention) == ("clean", None)


def test_staff_are_called_and_the_sweep_goes_on_asking(open_house: OpenHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    house = open_house(events=False, uploads=f'scan = "clamd"\nclamd = "127.0.0.1:{free_port()}"')
    order_id = _sent(house, CSV)
    monkeypatch.setattr(jobs, "times_before", lambda: jobs.ASKED_AGAIN)
    jobs._look_later(order_id)  # noqa: SLF001
    assert house.order(order_id).attention == UNSCANNED
    _stuck(house, order_id)
    monkeypatch.setattr(sweep, "PATIENCE", timedelta(seconds=-5))
    assert sweep.find_unseen("m1") == 1
    with house.portal.database.transaction() as session:
        call_staff(session, order_id)
    assert house.order(order_id).attention == UNSCANNED


def test_the_pages_say_calmly_what_goes_on(open_house: OpenHouse) -> None:
    house = open_house(events=False)
    shopper = house.shopper()
    grant = shopper.upload(CSV)
    house.portal.storage.put(key_of(house.portal, grant), CSV, "application/octet-stream")
    shopper.confirm(grant)
    page = shopper.client.get(f"{grant['order_url']}?lang=en").text
    assert "We are checking that it can be opened safely" in page
    mark = page.partition("/status?v=")[2][:16]
    assert shopper.client.get(f"{grant['order_url']}/status?v={mark}").status_code == 204
    conclude(grant["order_id"], look(grant["order_id"]))
    changed = shopper.client.get(f"{grant['order_url']}/status?v={mark}")
    assert changed.status_code == 200
    assert "We are checking" not in changed.text
