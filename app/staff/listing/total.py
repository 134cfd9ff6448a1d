"""About how many orders are in a list, without looking at them all."""

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Executable, Select, func, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import ClauseElement

from app.models import Order

COUNTED = 1000
"""So many are counted; beyond, the number is a guess."""


@dataclass(frozen=True)
class Total:
    """A number of orders: `exactly`, `about`, or `over` it."""

    count: int
    kind: str = "exactly"


class explain(Executable, ClauseElement):  # noqa: N801  (used like a function of SQL)
    """EXPLAIN of a statement, as JSON."""

    inherit_cache = False

    def __init__(self, statement: Select[Any]) -> None:
        self.statement = statement


@compiles(explain, "postgresql")
def _explain(element: explain, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401  (SQLAlchemy's)
    return f"EXPLAIN (FORMAT JSON) {compiler.process(element.statement, **options)}"


def total_of(session: Session, conditions: list[ColumnElement[bool]]) -> Total:
    """Count up to COUNTED; beyond, say what PostgreSQL's planner expects, and on SQLite only that there are more."""
    query = select(Order.id).where(*conditions)
    postgresql = session.get_bind().dialect.name == "postgresql"
    guess = _guess(session, query) if postgresql else 0
    if guess <= 2 * COUNTED:
        total = counted(session, query.limit(COUNTED + 1))
        if total.kind == "exactly":
            return total
    return Total(_rounded(max(guess, COUNTED)), "about") if postgresql else Total(COUNTED, "over")


def counted(session: Session, some: Select[Any]) -> Total:
    """Count what a query selects, which is COUNTED and one more at most."""
    count = session.scalar(select(func.count()).select_from(some.subquery())) or 0
    return Total(count) if count <= COUNTED else Total(COUNTED, "over")


def _guess(session: Session, query: Select[Any]) -> int:
    plan = session.scalar(explain(query))
    plans = json.loads(plan) if isinstance(plan, str) else plan
    return int(plans[0]["Plan"]["Plan Rows"])


def _rounded(count: int) -> int:
    """Keep two digits: more of them would look like knowledge."""
    return int(float(f"{count:.2g}"))
