"""`expand[]`: put whole objects where their ids stand."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sandbox.stripe.errors import InvalidRequestError
from sandbox.stripe.objects import refund, session
from sandbox.stripe.store import Json, Tx, public

MAX_DEPTH = 4

# Fields that Stripe leaves out unless they are asked for.
_INCLUDABLE: dict[tuple[str, str], Callable[[Tx, Json], Json]] = {
    ("checkout.session", "line_items"): session.list_line_items,
    ("charge", "refunds"): refund.of_charge,
}


def render(tx: Tx, body: Json, paths: Sequence[str]) -> Json:
    """Give the public form of an object or list with every path of `expand[]` filled in.

    Raises InvalidRequestError for a path that names nothing expandable, or is deeper than four levels.
    """
    shown = public(body)
    if shown.get("object") == "list":
        shown["data"] = [public(item) for item in shown["data"]]
    for path in paths:
        parts = path.split(".")
        if len(parts) - (parts[0] == "data") > MAX_DEPTH:
            raise InvalidRequestError(
                f"You cannot expand more than {MAX_DEPTH} levels of a property ({path})", param="expand"
            )
        _fill(tx, shown, parts, path)
    return shown


def _fill(tx: Tx, body: Json, parts: list[str], path: str) -> None:
    head, rest = parts[0], parts[1:]
    if head == "data" and body.get("object") == "list" and rest:
        for item in body["data"]:
            _fill(tx, item, rest, path)
        return
    include = _INCLUDABLE.get((body["object"], head))
    if include and head not in body:
        body[head] = include(tx, body)
    value = body.get(head, "")
    if value is None:
        return
    if isinstance(value, str) and (found := tx.get(value)):
        value = body[head] = public(found)
    if not isinstance(value, dict) or "object" not in value:
        raise InvalidRequestError(f"This property cannot be expanded ({path}).", param="expand")
    if rest:
        _fill(tx, value, rest, path)
