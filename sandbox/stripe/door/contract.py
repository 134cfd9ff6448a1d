"""Check a request against stripe-python's own parameter types: what the pinned version knows, no more.

`stripe.params` holds a TypedDict for every call; its annotations say which parameters exist, their
types, and which are required. What it does not say (ranges, exclusive pairs) is in objects/session_rules.py.
"""

from __future__ import annotations

import difflib
import re
from decimal import Decimal, InvalidOperation
from functools import cache
from types import UnionType
from typing import Any, Literal, NotRequired, Union, get_args, get_origin

from stripe import _request_options
from stripe._stripe_object import UntypedStripeObject
from typing_extensions import get_type_hints, is_typeddict

from sandbox.stripe.door.forms import Tree
from sandbox.stripe.errors import InvalidRequestError

# Names that the annotations mention but their modules import for type checkers only.
_NAMES = {**vars(_request_options), "StripeContext": object}
_OPTIONS = _request_options.RequestOptions.__annotations__.keys()


def check(params_type: type, tree: Tree) -> dict[str, Any]:
    """Return the parameters with their Python types. Raises InvalidRequestError (`unknown`) at the first fault."""
    try:
        return _typed_dict(params_type, tree, "")
    except InvalidRequestError as error:
        error.unknown = True
        raise


def unknown_parameter(where: str, hint: str = "") -> InvalidRequestError:
    """Make the refusal of a parameter that does not exist."""
    message = f"Received unknown parameter: {where}{hint}"
    return InvalidRequestError(message, code="parameter_unknown", param=where, unknown=True)


@cache
def _fields(params_type: type) -> dict[str, Any]:
    hints = get_type_hints(params_type, localns=_NAMES, include_extras=True)
    own = {name: hint for name, hint in hints.items() if name not in _OPTIONS}
    return {name: get_args(hint)[0] if get_origin(hint) is NotRequired else hint for name, hint in own.items()}


def _typed_dict(params_type: type, tree: Tree, path: str) -> dict[str, Any]:
    fields = _fields(params_type)
    checked: dict[str, Any] = {}
    for name, raw in tree.items():
        where = f"{path}[{name}]" if path else name
        if name not in fields:
            near = difflib.get_close_matches(name, fields, n=1)
            hint = f". Did you mean {near[0]}?" if near else ""
            raise unknown_parameter(where, hint)
        checked[name] = _value(fields[name], raw, where)
    for name in sorted(params_type.__required_keys__):  # type: ignore[attr-defined]
        if name not in checked:
            where = f"{path}[{name}]" if path else name
            raise InvalidRequestError(f"Missing required param: {where}.", code="parameter_missing", param=where)
    return checked


def _value(annotation: Any, raw: str | Tree, where: str) -> Any:  # noqa: ANN401  (annotations are data here)
    options = _options(annotation)
    if isinstance(raw, dict):
        return _nested(options, raw, where)
    literals = [value for option in options if get_origin(option) is Literal for value in get_args(option)]
    if raw == "":
        if "" in literals:
            return ""
        raise InvalidRequestError(
            f"You passed an empty string for '{where}'. We assume empty values are an attempt to unset a "
            f"parameter; however '{where}' cannot be unset.",
            code="parameter_invalid_empty",
            param=where,
        )
    choices = [value for value in literals if value != ""]
    if raw in choices:
        return raw
    for kind in (int, bool, Decimal, float):
        if kind in options:
            return _scalar(kind, raw, where)
    # stripe-python writes an enumeration as `Literal[...] | str`; Stripe itself accepts only the values.
    if choices:
        raise InvalidRequestError(f"Invalid {where}: must be one of {', '.join(choices)}", param=where)
    if str in options:
        return raw
    wanted = "array" if any(get_origin(option) is list for option in options) else "object"
    raise InvalidRequestError(f"Invalid {wanted}", param=where)


def _options(annotation: Any) -> list[Any]:  # noqa: ANN401
    if get_origin(annotation) in (Union, UnionType):
        return [flat for option in get_args(annotation) for flat in _options(option)]
    return [annotation]


def _nested(options: list[Any], tree: Tree, where: str) -> Any:  # noqa: ANN401
    for option in options:
        if is_typeddict(option):
            return _typed_dict(option, tree, where)
        if get_origin(option) is list:
            if not all(key.isdigit() for key in tree):
                raise InvalidRequestError("Invalid array", param=where)
            (item,) = get_args(option)
            return [_value(item, tree[key], f"{where}[{key}]") for key in sorted(tree, key=int)]
        if get_origin(option) in (dict, UntypedStripeObject):
            return {key: _text(value, f"{where}[{key}]") for key, value in tree.items()}
    raise InvalidRequestError("Invalid string", param=where)


def _text(raw: str | Tree, where: str) -> str:
    if isinstance(raw, dict):
        raise InvalidRequestError("Invalid string", param=where)
    return raw


def _scalar(kind: type, raw: str, where: str) -> int | bool | Decimal | float:
    if kind is bool:
        if raw in ("true", "false"):
            return raw == "true"
        raise InvalidRequestError(f"Invalid boolean: {raw}", param=where)
    if kind is int:
        if re.fullmatch(r"-?[0-9]{1,18}", raw):
            return int(raw)
        raise InvalidRequestError(f"Invalid integer: {raw}", code="parameter_invalid_integer", param=where)
    try:
        return Decimal(raw) if kind is Decimal else float(raw)
    except (InvalidOperation, ValueError):
        raise InvalidRequestError(f"Invalid decimal: {raw}", param=where) from None
