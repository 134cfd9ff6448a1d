"""Moments: what happens outside the shop's sight. Tests make them happen with JSON, people with a button.

`@moment("sessions/<session_id>/<action>")` serves one function at two addresses: `/_control/api/...` takes and
gives JSON; `/_control/do/...` takes a form and goes back to the page of its field `back`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from flask import Blueprint, jsonify, redirect, request
from flask.typing import ResponseReturnValue

from sandbox.stripe.errors import InvalidRequestError
from sandbox.stripe.store import Json

blueprint = Blueprint("control", __name__, url_prefix="/_control")

Act = Callable[..., Json | list[Json]]


class Fields(Mapping[str, Any]):
    """What was sent, as JSON or as a form, whose values are all text."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401  (JSON values)
        return self._values[name]

    def __iter__(self) -> Any:  # noqa: ANN401
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def text(self, name: str, default: str = "") -> str:
        """Give a text; an empty one is the default."""
        return str(self._values.get(name) or default)

    def number(self, name: str, default: float | None = None) -> float:
        """Give a number of zero or more; raises InvalidRequestError."""
        value = self._values.get(name)
        try:
            found = float(default if value in (None, "") and default is not None else value)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            raise InvalidRequestError(f"Invalid number: {name}", param=name) from None
        if not 0 <= found < 1e12:  # noqa: PLR2004  (also refuses NaN)
            raise InvalidRequestError(f"Invalid number: {name}", param=name)
        return found


def moment(path: str, method: str = "POST") -> Callable[[Act], Act]:
    """Register `function(fields, **path_ids)`; a GET has no form."""

    def register(act: Act) -> Act:
        @wraps(act)
        def answer_json(**ids: str) -> ResponseReturnValue:
            sent = request.get_json(silent=True)
            return jsonify(act(Fields(sent if isinstance(sent, dict) else request.args), **ids))

        @wraps(act)
        def answer_form(**ids: str) -> ResponseReturnValue:
            sent = {name: value for name, value in request.form.items() if name != "back"}
            act(Fields(sent), **ids)
            back = request.form.get("back", "")
            return redirect(back if back.startswith("/_control") else "/_control", 303)

        blueprint.add_url_rule(f"/api/{path}", f"api {method} {path}", answer_json, methods=[method])
        if method == "POST":
            blueprint.add_url_rule(f"/do/{path}", f"do {path}", answer_form, methods=["POST"])
        return act

    return register
