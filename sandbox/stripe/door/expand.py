"""`expand[]`: put whole objects where their ids stand (https://docs.stripe.com/api/expanding_objects)."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import cache
from typing import Any, ForwardRef, get_args

from stripe import StripeObject
from stripe._object_classes import get_object_class

from sandbox.stripe.door.keys import Key
from sandbox.stripe.errors import InvalidRequestError, not_implemented
from sandbox.stripe.objects import refund, session
from sandbox.stripe.store import Json, Tx, public

# `data` of a list counts as a level.
MAX_DEPTH = 4

# Fields that Stripe leaves out unless they are asked for.
_INCLUDABLE: dict[tuple[str, str], Callable[[Tx, Json], Json]] = {
    ("checkout.session", "line_items"): session.list_line_items,
    ("charge", "refunds"): refund.of_charge,
}

# What is no object of its own, and shown only when asked for: nothing here is discounted or taxed by Stripe.
_DETAILS: dict[tuple[str, str], Any] = {
    ("checkout.session", "total_details.breakdown"): {"discounts": [], "taxes": []},
    ("item", "discounts"): [],
    ("item", "taxes"): [],
}


def render(tx: Tx, body: Json, paths: Sequence[str], key: Key) -> Json:
    """Give the public form of an object or list with every path of `expand[]` filled in.

    Raises InvalidRequestError for a path that names nothing expandable, or is deeper than four levels, and
    PermissionDeniedError where the key may not read what it would expand.
    """
    shown = public(body)
    if shown.get("object") == "list":
        shown["data"] = [public(item) for item in shown["data"]]
    for path in paths:
        parts = path.split(".")
        if len(parts) > MAX_DEPTH:
            raise InvalidRequestError(
                f"You cannot expand more than {MAX_DEPTH} levels of a property. Property: {path}",
                code="property_expansion_max_depth",
            )
        if shown.get("object") == "list" and parts[0] != "data":
            hint = f" You may want to try expanding 'data.{path}' instead."
            raise InvalidRequestError(f"This property cannot be expanded ({path}).{hint}")
        _fill(tx, shown, parts, path, key)
    return shown


def _fill(tx: Tx, body: Json, parts: list[str], path: str, key: Key) -> None:
    head, rest = parts[0], parts[1:]
    if head == "data" and body.get("object") == "list" and rest:
        for item in body["data"]:
            _fill(tx, item, rest, path, key)
        return
    detail = _DETAILS.get((body["object"], ".".join(parts)))
    if detail is not None:
        for name in parts[:-1]:
            body = body[name]
        body[parts[-1]] = deepcopy(detail)
        return
    include = _INCLUDABLE.get((body["object"], head))
    if include and not body.get(head):
        body[head] = include(tx, body)
    value = body.get(head)
    if not isinstance(value, dict) and head in _expandable(body["object"]):
        if value is None:
            return
        value = body[head] = _whole(tx, value, path, key)
    if not isinstance(value, dict) or "object" not in value:
        raise InvalidRequestError(f"This property cannot be expanded ({path}).", unknown=True)
    if rest:
        _fill(tx, value, rest, path, key)


def _whole(tx: Tx, object_id: str, path: str, key: Key) -> Json:
    found = tx.get(object_id)
    if found is None:
        raise not_implemented(f"the object {object_id} ({path})", "expand")
    key.demand_object(found["object"])
    return public(found)


@cache
def _expandable(kind: str) -> frozenset[str]:
    """Give the fields that the SDK's class of this kind declares as an id or a whole object."""
    annotations = inspect.get_annotations(get_object_class("V1", kind))
    return frozenset(name for name, annotation in annotations.items() if _is_expandable(get_args(annotation)))


def _is_expandable(options: tuple[Any, ...]) -> bool:
    objects = [
        one
        for one in options
        if isinstance(one, ForwardRef) or (inspect.isclass(one) and issubclass(one, StripeObject))
    ]
    return str in options and bool(objects)
