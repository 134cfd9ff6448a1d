"""The storm: events three times over, in no order, while workers die; every order ends in what Stripe shows.

Every order's result is in the object store and is really put together and opened, and every mail really goes out. The
short form is part of every run; the whole one comes with FAULTS=whole. STORM_SEED repeats one.
"""

import os
import random
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.faults import database
from tests.faults.house import JOB_WORKERS, House, house_on
from tests.faults.invariants import invariants
from tests.helpers import Sandbox
from tests.storm.books import Books
from tests.storm.harvest import Harvest, harvest, wrong
from tests.storm.lives import make
from tests.storm.weather import CALM_S, Kill, Post, calm, kill_at_random


class Size(NamedTuple):
    """How big a storm is."""

    orders: int
    kills: int


SHORT, WHOLE = Size(100, 3), Size(2000, 20)
ROOM_BYTES = 1024**3
SIZES = [SHORT, WHOLE] if os.environ.get("FAULTS") == "whole" else [SHORT]


@pytest.fixture
def house(backend: str, folder: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """Start a house of its own: its ledger holds the storm's orders and no others."""
    place = folder / f"storm-{backend}-{os.urandom(3).hex()}"
    place.mkdir(mode=0o755)
    # A house's tables lie on a disk that is made to be filled; the whole storm needs more of it.
    monkeypatch.setattr(database, "DISK_BYTES", ROOM_BYTES)
    with house_on(backend, place, sandbox) as one:
        # Stripe's limits would make 9,000 readings last six minutes at least; what the portal does about a limit is P1.
        one.sandbox.control("settings", {"rate_limits": False})
        one.begin_row(set())
        with one.flask.app_context():
            yield one


def without_proxies(house: House) -> None:
    """Let the processes reach everything directly: the proxies, which are threads of this process, would be slow."""
    house.extra = {
        "DATABASE_URL": house.portal.settings.database_url.get_secret_value(),
        "STRIPE_API_BASE": house.sandbox.stripe,
        "S3_ENDPOINT_URL": house.sandbox.s3,
        "SMTP_URL": house.sandbox.smtp,
    }
    house.restart("web", *JOB_WORKERS)


@pytest.mark.faults
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size.orders} orders, {size.kills} kills")
def test_every_order_ends_in_what_stripe_shows(
    house: House, sandbox: Sandbox, size: Size, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = int(os.environ.get("STORM_SEED") or random.randrange(10**6))  # noqa: S311  (no secret)
    say(capsys, f"\nstorm on {house.backend}: {size.orders} orders, seed {seed} (STORM_SEED)")
    chance = random.Random(seed)  # noqa: S311
    books = Books(Path(house.sandbox.environment["SANDBOX_DIR"]))
    if size is WHOLE:
        without_proxies(house)
    house.sandbox.control("settings", {"webhooks_paused": True})
    events = make(house, books, size.orders)
    house.sandbox.control("settings", {"webhooks_paused": False})

    post = Post.of(house, events, chance)
    begun = time.monotonic()
    post.start()
    killed = kill_at_random(house, post, size.kills, len(events), chance)
    house.until(lambda: post.delivered() and calm(house, books), CALM_S, "the calm after the storm")
    seconds = time.monotonic() - begun

    found = harvest(house, books, Path(sandbox.environment["SANDBOX_DIR"]))
    report(capsys, post, killed, found, seconds)
    problems = list(wrong(found, events, [kill.at for kill in killed]))
    assert not problems, f"{len(problems)} problems (seed {seed}):\n" + "\n".join(problems[:20])
    assert len(killed) == size.kills
    assert len(found.orders) == len(found.truths)
    # The fault matrix knows one kill an order; here the same mail may have been hit by two.
    house.mailed_twice |= {mail.order_id for mail in found.exceptions if mail.order_id}
    house.old |= {m.order_id for m in found.exceptions if m.order_id and len(found.arrived[m.id]) > 2}
    if size is SHORT:
        invariants(house)


def report(capsys: pytest.CaptureFixture[str], post: Post, killed: list[Kill], found: Harvest, seconds: float) -> None:
    """Print what was done, how fast, and the honest exceptions."""
    sent = sum(post.answers.values())
    quantiles = statistics.quantiles(post.took, n=100)
    attempts = sum(event.attempts > 1 for event in found.events.values())
    say(
        capsys,
        f"  {len(found.truths)} orders, {len(found.events)} events, {sent} deliveries in {post.seconds:.0f} s "
        f"({sent / post.seconds:.0f}/s; half within {1000 * quantiles[49]:.0f} ms, 99 % within "
        f"{1000 * quantiles[98]:.0f} ms); answers {post.answers}",
        f"  all done after {seconds:.0f} s: {len(found.events) / seconds:.0f} events/s",
        f"  {len(killed)} kills at {[kill.done for kill in killed]} events done; the dead held "
        f"{[kill.held for kill in killed]}; {attempts} events were tried more than once",
        f"  {sum(order.state == 'delivered' for order in found.orders.values())} orders opened, "
        f"{sum(len(found.arrived[mail.id]) for mails in found.mails.values() for mail in mails)} mails arrived",
        f"  honest exceptions (K9, each with a kill between), mails that went out more than once: "
        f"{[f'{mail.kind} x{len(found.arrived[mail.id])}' for mail in found.exceptions]}",
    )


def say(capsys: pytest.CaptureFixture[str], *lines: str) -> None:
    """Print past pytest's capture: the figures are wanted when all is well, too."""
    with capsys.disabled():
        sys.stdout.write("".join(f"{line}\n" for line in lines))
        sys.stdout.flush()
