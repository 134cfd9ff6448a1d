"""Random walks of customer, Stripe, postman, worker and clock around one order, against a plain model of it.

The model is `tests.storm.books.Truth`: what Stripe shows, and from that what the customer must be able to do.
FAULTS=whole walks farther, and on PostgreSQL too.
"""

import os
from collections import Counter
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.storm.books import Attempt, Json, Truth
from tests.walks.world import Story, World

WHOLE = os.environ.get("FAULTS") == "whole"
WALKS, STEPS = (300, 40) if WHOLE else (25, 20)
CARDS: tuple[Json, ...] = (
    {},
    {"card_number": "4000000000000002"},  # declined
    {"card_number": "4000002760003184"},  # the bank asks, the payer answers
    {"card_number": "4000002760003184", "three_d_secure": "fail"},
)
AFTER_IT = ("requires_action", "pending", "succeeded", "failed")
MOST_ATTEMPTS = 4
# Where a walk begins: chance alone would seldom get as far as money.
OPENINGS = (
    "",
    "konbini voucher",
    "card pay",
    "konbini voucher till",
    "konbini voucher card",
    "konbini voucher card pay told",
    "konbini voucher card pay till",
    "konbini voucher card till pay told",
)
REACHED = ("unpaid", "paid", "partly_refunded", "refunded", "paid twice", "disputed", "an event lost", "opened")
"""What a run of walks must have met, or it proves little."""

some = st.integers(0, 20)
Which = Callable[[Attempt], bool]
Step = TypeVar("Step", bound=Callable[..., Any])


def on(which: Which) -> Callable[[Step], Step]:
    """Let a rule apply only while Stripe shows such an attempt to pay."""
    return precondition(lambda walk: any(map(which, walk.truth.attempts)))


def form_of(method: str) -> Which:
    """Match an attempt whose form at Stripe can be sent."""
    return lambda attempt: attempt.method == method and attempt.state == "open"


def waits(attempt: Attempt) -> bool:
    """Match a voucher that waits for its money."""
    return attempt.state == "awaiting"


def has_money(attempt: Attempt) -> bool:
    """Match a payment of which something is left to refund."""
    return attempt.held and attempt.dispute in {None, "won"}


def may_be_disputed(attempt: Attempt) -> bool:
    """Match a payment by card that is left alone so far."""
    return attempt.held and attempt.method == "card" and attempt.dispute is None


def has_refund_under_way(attempt: Attempt) -> bool:
    """Match a payment with a refund whose end is open."""
    return any(refund["status"] in {"requires_action", "pending"} for refund in attempt.refunds)


def in_dispute(attempt: Attempt) -> bool:
    """Match a payment whose dispute is undecided."""
    return attempt.dispute == "needs_response"


def any_one(attempt: Attempt) -> bool:
    """Match every attempt."""
    return True


has_mail = precondition(lambda walk: walk.story.pending())


class Walk(RuleBasedStateMachine):
    """One order's walk."""

    world: ClassVar[World]
    reached: ClassVar[Counter[str]]
    story: Story
    by_hand: bool

    @initialize(opening=st.sampled_from(OPENINGS))
    def begin(self, opening: str) -> None:
        """Order something, and go some way."""
        self.story = Story.begin(self.world)
        self.by_hand = False  # whether anybody but the portal moved money back
        steps: dict[str, Callable[[], object]] = {
            "konbini": lambda: self.story.choose("konbini", voucher_known=False),
            "voucher": lambda: self._act(0, form_of("konbini"), "issue_voucher"),
            "card": lambda: self.story.choose("card", voucher_known=True),
            "pay": lambda: self._act(0, form_of("card"), "pay_card"),
            "till": lambda: self._act(0, waits, "pay_at_till"),
            "told": self.story.work_off,
        }
        for step in opening.split():
            steps[step]()

    @property
    def truth(self) -> Truth:
        """What Stripe shows now."""
        return self.story.truth()

    def _pick(self, n: int, which: Which) -> Attempt:
        fitting = [attempt for attempt in self.truth.attempts if which(attempt)]
        return fitting[n % len(fitting)]

    def _act(self, n: int, which: Which, moment: str, body: Json | None = None) -> None:
        self.story.play(f"sessions/{self._pick(n, which).id}/{moment}", body)

    # --- the customer

    @precondition(lambda walk: not walk.truth.paid and len(walk.truth.attempts) < MOST_ATTEMPTS)
    @rule(method=st.sampled_from(["card", "konbini"]), known=st.booleans())
    def choose(self, method: str, known: bool) -> None:  # noqa: FBT001  (hypothesis calls it)
        """Begin to pay, again or for the first time; with a voucher out only who knows of it gets on."""
        awaiting = any(payment.state == "awaiting" for payment in self.story.payments().values())
        out = awaiting and any(map(waits, self.truth.attempts))
        led = self.story.choose(method, voucher_known=known)
        if (awaiting and not known) or (out and method == "konbini"):
            assert led is None, "a second way to pay beside a voucher that nobody was told of"

    @on(form_of("card"))
    @rule(n=some, card=st.sampled_from(CARDS))
    def pay_by_card(self, n: int, card: Json) -> None:
        """Submit Stripe's form with a card."""
        self._act(n, form_of("card"), "pay_card", card)

    @on(form_of("konbini"))
    @rule(n=some)
    def take_voucher(self, n: int) -> None:
        """Submit Stripe's form with konbini."""
        self._act(n, form_of("konbini"), "issue_voucher", {"phone": "09012345678"})

    @on(any_one)
    @rule(n=some)
    def come_back(self, n: int) -> None:
        """Open the return page."""
        self.story.come_back(self._pick(n, any_one).id)

    # --- till, bank, dashboard

    @on(waits)
    @rule(n=some)
    def pay_at_till(self, n: int) -> None:
        """Pay in cash."""
        self._act(n, waits, "pay_at_till")

    @on(waits)
    @rule(n=some)
    def voucher_runs_out(self, n: int) -> None:
        """Let the time to pay pass."""
        self._act(n, waits, "expire_voucher")

    @on(form_of("card"))
    @rule(n=some)
    def form_runs_out(self, n: int) -> None:
        """Let Stripe close the form."""
        self._act(n, form_of("card"), "expire")

    @on(has_money)
    @rule(n=some, amount=st.sampled_from([None, 1, 700]))
    def refund(self, n: int, amount: int | None) -> None:
        """Send money back by the dashboard."""
        self.by_hand |= self.story.refund(self._pick(n, has_money).id, amount)

    @on(has_refund_under_way)
    @rule(n=some, status=st.sampled_from(AFTER_IT))
    def bank_transfer(self, n: int, status: str) -> None:
        """Let a konbini refund go on, or fail."""
        refunds = self._pick(n, has_refund_under_way).refunds
        self.story.play(f"refunds/{refunds[n % len(refunds)]['id']}/outcome", {"status": status})
        self.by_hand |= status == "failed"

    @on(may_be_disputed)
    @rule(n=some)
    def dispute(self, n: int) -> None:
        """Let the card holder dispute a charge."""
        paid = self._pick(n, may_be_disputed)
        for charge in self.story.made("charge"):
            if charge["status"] == "succeeded" and charge["metadata"].get("attempt", paid.attempt) == paid.attempt:
                self.by_hand |= self.story.play(f"charges/{charge['id']}/dispute", {"reason": "fraudulent"})

    @on(in_dispute)
    @rule(verdict=st.sampled_from(["win", "lose"]))
    def decide(self, verdict: str) -> None:
        """Let the bank decide."""
        for dispute in self.story.made("dispute"):
            self.story.play(f"disputes/{dispute['id']}/{verdict}")

    # --- post and clock

    @has_mail
    @rule(n=some, times=st.sampled_from([1, 1, 2]))
    def post(self, n: int, times: int) -> None:
        """Deliver any event that is on its way, perhaps twice."""
        event = self.story.pending()[n % len(self.story.pending())]
        for _ in range(times):
            self.story.post(event)

    @precondition(lambda walk: walk.story.delivered)
    @rule(n=some)
    def post_again(self, n: int) -> None:
        """Deliver an old event once more."""
        known = [event for event in self.story.made("event") if event["id"] in self.story.delivered]
        self.story.post(known[n % len(known)])

    @has_mail
    @rule(n=some)
    def lose(self, n: int) -> None:
        """Let an event get lost for good."""
        self.story.lost.append(self.story.pending()[n % len(self.story.pending())]["id"])

    @rule(hours=st.sampled_from([1, 25, 100, 46 * 24]))
    def wait(self, hours: int) -> None:
        """Let time pass: forms, vouchers, refunds and disputes run out by themselves."""
        before = self._failed_refunds()
        self.story.play("time/advance", {"hours": hours})
        self.by_hand |= self._failed_refunds() > before

    def _failed_refunds(self) -> int:
        return sum(refund["status"] == "failed" for refund in self.story.made("refund"))

    # --- the worker

    @on(any_one)
    @rule()
    def handle_events(self) -> None:
        """Handle events, leave the jobs that they cause."""
        self.story.handle_events()

    @precondition(lambda walk: walk.truth.paid)
    @rule()
    def run_jobs(self) -> None:
        """Open what is paid, send back what came twice."""
        self.story.run_jobs()

    @on(any_one)
    @rule()
    def do_all(self) -> None:
        """Deliver everything and work it off, as on any good day."""
        self.story.work_off()

    @on(any_one)
    @rule()
    def look_again(self) -> None:
        """Read payments anew by the clock."""
        self.story.look_again()

    # --- what must hold

    @invariant()
    def nothing_is_given_away(self) -> None:
        """No unlock that Stripe does not call paid; never two forms that can be paid."""
        truth, order = self.truth, self.story.now()
        if not truth.paid:
            assert (order.state, order.money) == ("analysed", "unpaid")
        assert sum(attempt.state == "open" for attempt in truth.attempts) <= 1, truth

    def teardown(self) -> None:
        """Settle all, then compare."""
        if not hasattr(self, "story"):
            return
        lost = bool(self.story.lost)
        self.story.settle()
        compare(self.story, by_hand=self.by_hand)
        truth, order = self.truth, self.story.now()
        self.reached[truth.money] += 1
        self.reached["paid twice"] += sum(attempt.paid for attempt in truth.attempts) > 1
        self.reached["disputed"] += any(attempt.dispute for attempt in truth.attempts)
        self.reached["an event lost"] += lost
        self.reached["opened"] += order.state == "delivered"


def compare(story: Story, *, by_hand: bool) -> None:
    """Hold customer's pages, ledger, audit and mails against what Stripe shows."""
    truth, order, kinds = story.truth(), story.now(), story.audited()
    assert (order.money, order.attention) == (truth.money, truth.concern), (truth, kinds)
    assert story.download() == (302 if truth.open else 410 if truth.money == "refunded" else 409), (truth, kinds)
    assert story.may_pay() == (not truth.paid), (truth, kinds)
    payments = story.payments()
    for attempt in truth.attempts:
        payment = payments[attempt.id]
        seen = (payment.state, payment.amount_refunded, payment.dispute)
        assert seen == (attempt.state, attempt.refunded, attempt.dispute), (truth, kinds)
    assert kinds.count("money.paid") == int(truth.paid), kinds
    assert kinds.count("work.delivered") == int(order.state == "delivered"), kinds
    assert story.mails().count("result_open") == int(order.state == "delivered")
    paid = [attempt for attempt in truth.attempts if attempt.paid]
    ours = [refund for attempt in paid for refund in attempt.refunds if refund["metadata"].get("portal")]
    assert len(ours) <= max(0, len(paid) - 1), (truth, kinds)
    assert sum(payment.anomaly == "double_payment" for payment in payments.values()) <= max(0, len(paid) - 1)
    if not by_hand:
        assert sum(attempt.held for attempt in truth.attempts) == min(1, len(paid)), (truth, kinds)


@pytest.mark.faults
@pytest.mark.parametrize("backend", ["sqlite", "postgresql"] if WHOLE else ["sqlite"], indirect=True)
@pytest.mark.timeout(7200 if WHOLE else 600)
def test_wherever_an_order_walks_it_ends_in_what_stripe_shows(world: World) -> None:
    class Here(Walk):
        pass

    Here.world, Here.reached = world, Counter()
    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=WALKS,
            stateful_step_count=STEPS,
            derandomize=not WHOLE,
            database=None,
            deadline=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink],
        ),
    )
    assert not set(REACHED) - set(+Here.reached), Here.reached
