"""AC-U15: every route times every visitor, held against the URL map, so that a new route can't be forgotten."""

from collections.abc import Mapping

import pytest
from flask import Flask

from app.kit.ids import new_id
from app.portal import Portal
from tests.access.table import OURS_ONCE, SHUT, TABLE, VISITORS, Row
from tests.access.world import Visit, shape, visit

ORDER_ROWS = [row for row in TABLE if "<order_id>" in row.rule]


def routes(app: Flask) -> set[tuple[str, str]]:
    """Return (method, rule) of all that the application answers; HEAD and OPTIONS follow from the others."""
    return {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def test_ac_u15_every_route_is_in_the_table(app: Flask) -> None:
    """Every method of every rule of the URL map has its row in tests/access/table.py, and no row is left over."""
    listed = [(row.method, row.rule) for row in TABLE]
    missing = sorted(routes(app) - set(listed))
    assert not missing, f"new routes; say in tests/access/table.py who may use them: {missing}"
    gone = sorted(set(listed) - routes(app))
    assert not gone, f"rows of tests/access/table.py whose route is gone: {gone}"
    assert len(listed) == len(set(listed)), "a route has two rows"


def test_ac_u15_every_row_names_every_visitor() -> None:
    """No row forgets a visitor or invents one."""
    for row in TABLE:
        assert set(row.answers) == set(VISITORS), row


@pytest.mark.parametrize("row", TABLE, ids=str)
def test_ac_u15_s02_every_visitor_gets_the_answer_of_the_table(row: Row, portal: Portal, app: Flask) -> None:
    """Every route answers every visitor as the table says, and who is kept out changes nothing."""
    wrong = []
    places = {"{stripe}": str(portal.settings.stripe_api_base), "{store}": portal.settings.object_store_origin}
    for visitor in VISITORS:
        come = visit(portal, app, visitor, row.order)
        before = come.holdings()
        answer = come.ask(row, come.order.id)
        expected = _filled(row.answers[visitor], places)
        got = f"{answer.status_code} {answer.headers.get('Location', '')}".strip()
        if not got.startswith(expected):
            wrong.append(f"{visitor}: expected {expected}, got {got}")
        if row.answers[visitor] in (*SHUT, OURS_ONCE) and come.holdings() != before:
            wrong.append(f"{visitor}: was kept out and changed something")
    assert not wrong, f"{row}\n" + "\n".join(wrong)


def _filled(answer: str, places: Mapping[str, str]) -> str:
    for name, address in places.items():
        answer = answer.replace(name, address)
    return answer


@pytest.mark.parametrize("row", ORDER_ROWS, ids=str)
def test_ac_u15_another_persons_order_looks_like_an_unknown_one(row: Row, portal: Portal, app: Flask) -> None:
    """Whoever is kept out gets, byte for byte, what they get for an order that does not exist."""
    for visitor in VISITORS:
        if row.answers[visitor] not in SHUT:
            continue
        come = visit(portal, app, visitor, row.order)
        come.ask(row, new_id())  # the first answer also sets the cookie of the forms
        assert _shape(come, row, come.order.id) == _shape(come, row, new_id()), visitor


def _shape(come: Visit, row: Row, order_id: str) -> tuple[int, str, dict[str, str]]:
    return shape(come.ask(row, order_id), order_id)


@pytest.mark.parametrize("row", ORDER_ROWS, ids=str)
def test_ac_u15_a_pay_link_opens_one_order_only(row: Row, portal: Portal, app: Flask) -> None:
    """The pay link of one order opens no page of another one."""
    come = visit(portal, app, "payer", row.order)
    other = visit(portal, app, "anonymous", row.order).order
    assert come.ask(row, other.id).status_code == 404  # and now the cookie of the forms is set
    assert _shape(come, row, other.id) == _shape(come, row, new_id())


@pytest.mark.parametrize("row", ORDER_ROWS, ids=str)
def test_ac_u15_an_order_has_one_spelling(row: Row, portal: Portal, app: Flask) -> None:
    """An order's id written another way is an unknown order, for its owner and for staff too."""
    for visitor in ("owner", "admin"):
        come = visit(portal, app, visitor, row.order)
        plain = come.order.id
        for spelling in (plain.upper(), plain.replace("-", ""), f"{{{plain}}}", f"{plain} ", f"urn:uuid:{plain}"):
            assert come.ask(row, spelling).status_code == 404, (visitor, spelling)
