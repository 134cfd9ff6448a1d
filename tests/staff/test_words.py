"""Everything that can stand on a staff page has a word for it."""

from typing import get_args

from app.analysis.program import Outcome
from app.mail.service import OrderMail
from app.orders.states import MONEY, PAYMENT, REFUND, WORK
from app.staff import words


def test_every_state_has_a_word() -> None:
    assert set(words.WORK) == set(WORK)
    assert set(words.MONEY) == set(MONEY)
    assert set(words.PAYMENT) == set(PAYMENT)
    assert set(words.REFUND) == set(REFUND)


def test_every_end_of_a_run_has_a_word() -> None:
    ends = {*get_args(Outcome.__annotations__["event"]), "interrupted"}
    assert ends == set(words.RUNS) == set(words.RUN_KINDS)


def test_every_move_has_a_word() -> None:
    tables = {"work": WORK, "money": MONEY, "payment": PAYMENT, "refund": REFUND}
    moves = {
        f"{name}.{event}"
        for name, table in tables.items()
        for answers in table.values()
        for event, outcome in answers.items()
        if isinstance(outcome, str)
    }
    assert moves <= set(words.AUDIT)


def test_every_mail_of_an_order_has_a_word() -> None:
    assert set(get_args(OrderMail)) <= set(words.MAILS)
