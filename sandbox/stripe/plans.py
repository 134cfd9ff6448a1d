"""Plans: what shall go wrong with the next events, or with the next tries to deliver them.

A plan is `{"id", "do", "types", "times", "seconds", "for_good", "api_version"}`; `times` counts down.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

from sandbox.stripe.store import Json, Tx

# What befalls an event when it comes into being:
#   ungenerated  Stripe forgets it (https://docs.stripe.com/webhooks/handle-irrecoverable-events)
#   twin         a second event with another id tells the same fact
#   delay        its first delivery comes `seconds` later
#   duplicate    it is delivered twice to each endpoint
#   old_version  its data comes in the shape of `api_version`, whatever the endpoint asked for
# What befalls one try of one delivery:
#   drop         the network loses it: a failed try, or with `for_good` the last one
#   wrong_secret it is signed with a secret that is not the endpoint's
KINDS = ("drop", "delay", "duplicate", "twin", "wrong_secret", "old_version", "ungenerated")

_KEY = "delivery_plans"


def all_of(tx: Tx) -> list[Json]:
    """Give the plans that are not used up, oldest first."""
    found: list[Json] = tx.setting(_KEY, [])
    return found


def add(tx: Tx, plan: Json) -> Json:
    """Keep a plan and give it with its id."""
    plans = all_of(tx)
    plan = {"id": f"plan_{max((int(one['id'][5:]) for one in plans), default=0) + 1}", **plan}
    tx.set(_KEY, [*plans, plan])
    return plan


def clear(tx: Tx) -> None:
    """Forget all plans."""
    tx.set(_KEY, [])


def take(tx: Tx, do: str, event_type: str) -> Json | None:
    """Use the oldest matching plan once and give it; None when nothing is planned."""
    plans = all_of(tx)
    for plan in plans:
        if plan["do"] == do and any(fnmatchcase(event_type, pattern) for pattern in plan["types"]):
            plan["times"] -= 1
            tx.set(_KEY, [one for one in plans if one["times"]])
            return plan
    return None
