"""docs/stripe-stand-in.md names every switch and every moment of the code, and none that is not there."""

from __future__ import annotations

import json
import re

from flask import Flask

from sandbox.stripe.control.pages import blueprint
from sandbox.stripe.control.sessions import ACTIONS
from sandbox.stripe.door import faults
from sandbox.stripe.plans import KINDS
from sandbox.stripe.switches import SWITCHES
from tests.helpers import ROOT

PAGE = (ROOT / "docs" / "stripe-stand-in.md").read_text(encoding="utf-8")


def rows(heading: str) -> dict[str, list[str]]:
    """Give the table of a chapter: first cell without its backticks -> the others."""
    chapter = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line.strip("| ").split(" | ") for line in chapter.splitlines() if line.startswith("| `")]
    return {first.strip("`"): rest for first, *rest in lines}


def test_every_switch_with_its_default() -> None:
    told = rows("What it does not know")
    assert set(told) == set(SWITCHES)
    for name, switch in SWITCHES.items():
        if isinstance(switch.default, bool | int):
            assert told[name][0].split()[0] == json.dumps(switch.default), name
        elif isinstance(switch.default, str):
            assert told[name][0] == (switch.default or "none"), name


def test_every_moment() -> None:
    app = Flask("moments")
    app.register_blueprint(blueprint)
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/_control/api/")]
    known = {f"{next(iter(rule.methods & {'GET', 'POST'}))} {rule.rule[14:]}" for rule in rules if rule.methods}
    told = rows("Its moments")
    assert set(told) == known
    for names, moment in (
        (ACTIONS, "POST sessions/<session_id>/<action>"),
        (KINDS, "POST deliveries/plan"),
        (faults.KINDS, "POST faults"),
    ):
        for name in names:
            assert re.search(rf"\b{name}\b", told[moment][0]), (moment, name)


def test_the_readme_leads_here() -> None:
    assert "docs/stripe-stand-in.md" in (ROOT / "README.md").read_text(encoding="utf-8")
