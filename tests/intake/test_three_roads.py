"""The browser, S3's event and the sweep confirm the same upload: in any order, at once, twice, to one effect."""

import threading
from datetime import timedelta
from typing import Any

import pytest

from app.intake import sweep
from app.intake.jobs import SWEEPS
from app.intake.service import confirm_upload
from app.kit import failpoints
from app.kit.ids import new_id
from tests.helpers import wait_for
from tests.intake.conftest import OpenHouse
from tests.intake.house import House, Visitor
from tests.intake.shopper import CSV, key_of
from tests.intake.test_grants import LARGE

ONCE = ("work.uploaded", "file.looked_at", "work.started", "work.analysed")


def _arrived(house: House, shopper: Visitor) -> dict[str, Any]:
    """Let a file lie in the store that nobody has spoken of."""
    grant = shopper.upload(CSV)
    house.portal.storage.put(key_of(house.portal, grant), CSV, "application/octet-stream")
    return grant


def test_all_roads_at_once_and_twice_have_one_effect(open_house: OpenHouse) -> None:
    house = open_house()  # the event is on its way as soon as the file lies there
    shopper = house.shopper()
    with house.worker(), house.worker():
        grants = [_arrived(house, shopper) for _ in range(3)]
        answers: list[int] = []

        def confirm(grant: dict[str, Any]) -> None:
            twin = house.client()
            twin._cookies = shopper.client._cookies  # noqa: SLF001
            headers = {"Accept": "application/json", "X-CSRFToken": shopper.token}
            answers.append(
                twin.post(grant["confirm_url"], json={"sha256": grant["sha256"]}, headers=headers).status_code
            )

        threads = [threading.Thread(target=confirm, args=(grant,)) for grant in grants for _ in range(2)]
        for thread in threads:
            thread.start()
        for _ in range(2):
            house.enqueue("intake.sweep", f"2026-11-22T00:00:00+00:00#{new_id()}", f"intake.sweep:{new_id()}")
        for grant in grants:
            house.enqueue("intake.confirm", grant["order_id"], f"intake.confirm:{new_id()}")
        for thread in threads:
            thread.join()
        assert answers == [200] * 6
        for grant in grants:
            wait_for(lambda grant=grant: house.order(grant["order_id"]).state == "analysed", 90, "the analysis")  # type: ignore[misc]
        wait_for(lambda: house.queue.depths() == (0, 0), 30, "the events")
        wait_for(lambda: not [state for g in grants for state in _open(house, g)], 60, "all jobs")
    for grant in grants:
        history = house.history(grant["order_id"])
        assert {kind: history.count(kind) for kind in ONCE} == dict.fromkeys(ONCE, 1)
        assert house.mails(grant["order_id"]) == ["choose_payment"]
        assert len(house.jobs("intake.inspect", grant["order_id"])) == 1
        assert len(house.jobs("analysis.run", grant["order_id"])) == 1


def _open(house: House, grant: dict[str, Any]) -> list[str]:
    states = house.jobs("intake.confirm", grant["order_id"]) + house.jobs("intake.inspect", grant["order_id"])
    return [state for state in states if state not in {"SUCCESS", "ERROR"}]


def test_the_sweep_finds_a_file_that_nobody_told_of(open_house: OpenHouse) -> None:
    """No event, no word of the browser; an order whose file has not come is left alone."""
    house = open_house(events=False)
    shopper = house.shopper()
    grant, empty = _arrived(house, shopper), shopper.upload(CSV)
    assert [look("m1") for look in SWEEPS] == [1, 0, 0]
    with house.worker():
        wait_for(lambda: house.order(grant["order_id"]).state == "analysed", 60, "the analysis")
    assert house.order(empty["order_id"]).state == "waiting"
    assert [look("m2") for look in SWEEPS] == [0, 0, 0]


def test_the_sweep_completes_parts_whose_browser_went_silent(
    open_house: OpenHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = open_house(events=False)
    shopper = house.shopper()
    monkeypatch.setattr(sweep, "BATCH", 1)  # who goes on waiting does not hide who is behind
    half, whole = shopper.upload(LARGE), shopper.upload(LARGE)
    for grant, numbers in ((whole, (1, 2)), (half, (1,))):
        for number in numbers:
            assert shopper.send_part(grant, LARGE, number)[0] == 200
    assert sweep.find_complete("m1") == 0  # it may still be at work
    monkeypatch.setattr(sweep, "PATIENCE", timedelta(seconds=-5))
    assert sweep.find_complete("m2") == 1
    assert house.jobs("intake.confirm", whole["order_id"]) == ["ENQUEUED"]
    confirm_upload(whole["order_id"], "s3")
    assert house.order(whole["order_id"]).size == len(LARGE)
    assert house.order(half["order_id"]).state == "waiting"


def test_a_look_that_died_is_found_by_the_sweep(open_house: OpenHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    house = open_house(events=False)
    grant = _arrived(house, house.shopper())
    confirm_upload(grant["order_id"])
    house.portal.jobs.client.cancel_workflow(f"intake.inspect:{grant['order_id']}")
    assert sweep.find_unseen("m1") == 0
    monkeypatch.setattr(sweep, "PATIENCE", timedelta(seconds=-5))
    assert sweep.find_unseen("m2") == 1
    with house.worker():
        wait_for(lambda: house.order(grant["order_id"]).state == "analysed", 60, "the analysis")


def test_killed_between_the_copy_and_the_ledger_it_is_confirmed_again(open_house: OpenHouse) -> None:
    house = open_house(events=False)
    grant = _arrived(house, house.shopper())
    failpoints.arm("intake.frozen:raise")
    try:
        with pytest.raises(failpoints.FailPointError):
            confirm_upload(grant["order_id"])
    finally:
        failpoints.arm(None)
    assert house.order(grant["order_id"]).state == "waiting"
    assert sweep.find_arrived("m1") == 1
    confirm_upload(grant["order_id"], "s3")
    confirm_upload(grant["order_id"])
    assert house.history(grant["order_id"]).count("work.uploaded") == 1
