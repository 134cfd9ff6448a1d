"""Decode the bracketed form encoding that Stripe's libraries send.

`line_items[0][price_data][currency]=jpy` becomes
`{"line_items": {"0": {"price_data": {"currency": "jpy"}}}}`.
Lists stay index maps here; contract.py, which knows what a parameter should be, makes them lists.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TypeAlias, Union

from sandbox.stripe.errors import InvalidRequestError

Tree: TypeAlias = dict[str, Union[str, "Tree"]]

_KEY = re.compile(r"^([^\[\]]+)((?:\[[^\[\]]*\])*)$")


def decode(pairs: Iterable[tuple[str, str]]) -> Tree:
    """Turn (name, value) pairs into a tree. Raises InvalidRequestError on a malformed or clashing name."""
    tree: Tree = {}
    for name, value in pairs:
        match = _KEY.match(name)
        if not match:
            raise InvalidRequestError(f"Invalid parameter name: {name}", param=name, unknown=True)
        path = [match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])]
        node = tree
        for part in path[:-1]:
            child = node.setdefault(part or str(len(node)), {})
            if not isinstance(child, dict):
                raise InvalidRequestError(f"Invalid object: {name}", param=name, unknown=True)
            node = child
        key = path[-1] or str(len(node))
        if key in node:
            raise InvalidRequestError(f"Parameter given twice: {name}", param=name, unknown=True)
        node[key] = value
    return tree
