"""The catalog: fees that eat a price are seen on the first day; a wrong file stops the start with its line."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog import BadCatalogError, Method, load_catalog, offer
from tests.helpers import ROOT

TEXT = (ROOT / "catalog.toml").read_text(encoding="utf-8")
CATALOG = load_catalog(ROOT / "catalog.toml")


def method(key: str) -> Method:
    return next(m for m in CATALOG.methods if m.key == key)


def test_konbini_is_refused_where_its_fee_is_more_than_half_the_price() -> None:
    quick = CATALOG.product("quick-look")
    assert quick is not None
    konbini = offer(method("konbini"), quick.price)
    assert (konbini.fee, konbini.share, konbini.available) == (120, Decimal("0.6"), False)
    assert konbini.available_from == 400
    assert offer(method("konbini"), 400).available
    assert not offer(method("konbini"), 399).available


def test_the_handling_fee_is_passed_on_for_konbini_and_absorbed_for_cards() -> None:
    konbini, card = offer(method("konbini"), 1500), offer(method("card"), 1500)
    assert (konbini.total, konbini.handling, konbini.verdict) == (1620, 120, "warn")
    assert (card.total, card.handling, card.fee, card.verdict) == (1500, 0, 54, "ok")


@given(price=st.integers(min_value=1, max_value=290_000))
def test_a_passed_on_fee_leaves_the_seller_the_whole_price(price: int) -> None:
    made = offer(method("konbini"), price)
    assert made.total - made.fee >= price
    assert made.total - 1 - method("konbini").fee_on(made.total - 1) < price or made.handling == 120


@given(price=st.integers(min_value=1, max_value=400_000))
def test_an_amount_outside_stripes_limits_is_never_offered(price: int) -> None:
    made = offer(method("konbini"), price)
    if made.available:
        assert 120 <= made.total <= 300_000
        assert made.share <= Decimal("0.3")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("price = 1500", 'price = "1500"', "price"),
        ("price = 1500", "price = 0", "price"),
        ("price = 1500", "prise = 1500", "prise"),
        ("refund_double = true", "refund_dubble = true", "refund_dubble"),
        ("two_people_above = 10_000", "two_people_above = -1", "two_people_above"),
        ('charge = "after_analysis"          #', 'charge = "never" #', "charge"),
        ('key = "quick-look"', 'key = "csv-profile"', "used twice"),
        ("expires_after_days = 3", "expires_after_days = 61", "expires_after_days"),
        ("expires_after_days = 3", "", "expires_after_days"),
        ('fee = "pass_on"', 'fee = "maybe"', "fee"),
        ('invoice_number = ""', 'invoice_number = "T123"', "invoice_number"),
        ("[portal]", "[portal", "line 4"),
    ],
)
def test_a_wrong_catalog_stops_the_start(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in TEXT
    path = tmp_path / "catalog.toml"
    path.write_text(TEXT.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(BadCatalogError) as caught:
        load_catalog(path)
    assert str(path) in str(caught.value)
    assert says in str(caught.value)
    assert "line" in str(caught.value)


def test_the_line_named_is_the_line_at_fault(tmp_path: Path) -> None:
    path = tmp_path / "catalog.toml"
    path.write_text(TEXT.replace("price = 200", "price = -200"), encoding="utf-8")
    line = TEXT.splitlines().index("price = 200") + 1
    with pytest.raises(BadCatalogError, match=f"line {line}:"):
        load_catalog(path)


def test_a_missing_catalog_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadCatalogError, match="can't be read"):
        load_catalog(tmp_path / "none.toml")
