"""Lists as Stripe gives them: newest first, filters, cursors by id."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from sandbox.stripe.errors import InvalidRequestError, NotFoundError, not_implemented
from sandbox.stripe.store import Json, Tx

MAX_LIMIT = 100
DEFAULT_LIMIT = 10

# Parameter -> the SQL condition that it stands for (each "?" is its value).
Filters: TypeAlias = Mapping[str, str]

_COMPARISONS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_PAGING = {"limit", "starting_after", "ending_before", "expand", "created"}


def field(path: str) -> str:
    """Give the condition "this field of the object equals the parameter" (exact, case-sensitive)."""
    return f"json_extract(body, '$.{path}') = ?"


def page(tx: Tx, kind: str, params: Json, url: str, filters: Filters, only: Sequence[str] = ()) -> Json:
    """Give one page as a list object, of what the conditions `only` let be seen.

    Raises InvalidRequestError for a filter that the stand-in does not keep, a limit outside 1 to 100 or
    two cursors; NotFoundError for a cursor that names no object of this kind.
    """
    conditions: list[str] = ["object = ?", *only]
    values: list[Any] = [kind]
    for name, value in params.items():
        if name in _PAGING:
            continue
        if name not in filters:
            raise not_implemented(f"the filter {name}", name)
        _add(conditions, values, filters[name], value)
    _created(conditions, values, params.get("created"))
    limit = _limit(params)
    order = _cursor(tx, kind, params, conditions, values)
    sql = f"SELECT body FROM objects WHERE {' AND '.join(conditions)} ORDER BY seq {order} LIMIT ?"  # noqa: S608
    rows = tx.run(sql, (*values, limit + 1)).fetchall()
    data = [json.loads(row["body"]) for row in rows[:limit]]
    if order == "ASC":
        data.reverse()
    return {"object": "list", "url": url, "has_more": len(rows) > limit, "data": data}


def slice_(data: Sequence[Json], params: Json, url: str) -> Json:
    """Give one page of a few objects in their own order (a session's line items)."""
    limit = _limit(params)
    places = {item["id"]: place for place, item in enumerate(data)}
    name = _cursor_name(params)
    if name and params[name] not in places:
        raise NotFoundError(f"No such item: '{params[name]}'", code="resource_missing", param=name)
    if name == "ending_before":
        rest = data[: places[params[name]]]
        return {"object": "list", "url": url, "has_more": len(rest) > limit, "data": list(rest[-limit:])}
    rest = data[places[params[name]] + 1 :] if name else data
    return {"object": "list", "url": url, "has_more": len(rest) > limit, "data": list(rest[:limit])}


def whole(data: Sequence[Json], url: str) -> Json:
    """Wrap a few objects as a complete list."""
    return {"object": "list", "url": url, "has_more": False, "data": list(data)}


def _add(conditions: list[str], values: list[Any], condition: str, value: Any) -> None:  # noqa: ANN401
    if isinstance(value, dict):
        (value,) = value.values()
    conditions.append(condition)
    values.extend([json.dumps(value) if isinstance(value, list) else value] * condition.count("?"))


def _created(conditions: list[str], values: list[Any], created: int | dict[str, int] | None) -> None:
    if created is None:
        return
    bounds = {"=": created} if isinstance(created, int) else {_COMPARISONS[k]: v for k, v in created.items()}
    for comparison, bound in bounds.items():
        conditions.append(f"created {comparison} ?")
        values.append(bound)


def _limit(params: Json) -> int:
    limit: int = params.get("limit", DEFAULT_LIMIT)
    if not 1 <= limit <= MAX_LIMIT:
        raise InvalidRequestError(
            f"This value must be between 1 and {MAX_LIMIT} (inclusive).",
            code="parameter_invalid_integer",
            param="limit",
        )
    return limit


def _cursor_name(params: Json) -> str | None:
    given = [name for name in ("starting_after", "ending_before") if name in params]
    if len(given) > 1:
        raise InvalidRequestError("You may only specify one of these: starting_after, ending_before.")
    return given[0] if given else None


def _cursor(tx: Tx, kind: str, params: Json, conditions: list[str], values: list[Any]) -> str:
    name = _cursor_name(params)
    if name is None:
        return "DESC"
    row = tx.run("SELECT seq FROM objects WHERE id = ? AND object = ?", (params[name], kind)).fetchone()
    if row is None:
        raise NotFoundError(f"No such {kind}: '{params[name]}'", code="resource_missing", param=name)
    conditions.append("seq < ?" if name == "starting_after" else "seq > ?")
    values.append(row["seq"])
    return "DESC" if name == "starting_after" else "ASC"
