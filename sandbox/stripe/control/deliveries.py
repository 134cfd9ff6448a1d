"""Deliveries: what shall go wrong with the next ones, and sending them in any order."""

from __future__ import annotations

from sandbox.stripe import plans
from sandbox.stripe.control.moments import Fields, moment
from sandbox.stripe.errors import InvalidRequestError
from sandbox.stripe.objects import shapes_by_version
from sandbox.stripe.running import store
from sandbox.stripe.store import Json
from sandbox.stripe.webhooks import by_hand


def words(fields: Fields, name: str, default: str = "") -> list[str]:
    """Give a list of texts, which a form sends as one text with commas."""
    value = fields.get(name)
    parts = value if isinstance(value, list) else fields.text(name, default).split(",")
    return [text for part in parts if (text := str(part).strip())]


@moment("deliveries/plan", "GET")
def list_plans(_fields: Fields) -> list[Json]:
    """Give the plans that are not used up."""
    with store().read() as tx:
        return plans.all_of(tx)


@moment("deliveries/plan")
def plan(fields: Fields) -> Json:
    """Plan what happens to the next `times` (1) events of `types` ("*", names with commas, "charge.*").

    `do` is one of plans.KINDS; `seconds` belongs to delay, `for_good` to drop, `api_version` to old_version.
    """
    do = fields.text("do")
    if do not in plans.KINDS:
        raise InvalidRequestError(f"Unknown plan: {do}. Known: {', '.join(plans.KINDS)}.", param="do")
    version = fields.text("api_version", shapes_by_version.OLDEST)
    if not shapes_by_version.known(version):
        raise InvalidRequestError(f"Unknown API version: {version}", param="api_version")
    times = int(fields.number("times", 1))
    if times < 1:
        raise InvalidRequestError("A plan happens once at least.", param="times")
    planned = {
        "do": do,
        "types": words(fields, "types", "*"),
        "times": times,
        "seconds": fields.number("seconds", 0),
        "for_good": fields.text("for_good", "false").lower() == "true",
        "api_version": version,
    }
    with store().write() as tx:
        return plans.add(tx, planned)


@moment("deliveries/plan/clear")
def clear_plans(_fields: Fields) -> list[Json]:
    """Forget all plans."""
    with store().write() as tx:
        plans.clear(tx)
    return []


@moment("deliveries/send")
def send(fields: Fields) -> list[Json]:
    """Send `{"events": ["evt_...", ...]}` now, one after another, and give `[{event, endpoint, answer}]`."""
    return by_hand.send(store(), words(fields, "events"))


@moment("deliveries/release")
def release(fields: Fields) -> list[Json]:
    """While deliveries are paused, send all that wait in `{"order": "created" | "reverse"}`."""
    order = fields.text("order", "created")
    if order not in by_hand.ORDERS:
        raise InvalidRequestError(f"Unknown order: {order}. Known: {', '.join(by_hand.ORDERS)}.", param="order")
    return by_hand.release(store(), order)
