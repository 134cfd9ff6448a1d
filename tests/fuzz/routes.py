"""Every route, with the right or any other thing in its address."""

import re
from collections.abc import Mapping

from flask import Flask
from werkzeug.routing import Rule

from app.kit.ids import new_id

_VARIABLE = re.compile(r"<(?:[a-z]+:)?(\w+)>")


def rules(app: Flask, method: str) -> list[Rule]:
    """List the routes that answer a method, in a fixed order."""
    return sorted((r for r in app.url_map.iter_rules() if method in (r.methods or set())), key=lambda r: r.rule)


def address(rule: Rule, values: Mapping[str, str], other: str = "") -> str:
    """Fill in a rule's variables; what `values` does not name becomes `other`, or an id of nothing."""
    return _VARIABLE.sub(lambda found: values.get(found[1]) or other or new_id(), rule.rule)
