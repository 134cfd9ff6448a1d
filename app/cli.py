"""`flask --app wsgi portal ...`: what operators do from the shell."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import click
from flask import Flask
from flask.cli import AppGroup

from app.analysis.commands import analysis
from app.checkout.check import findings
from app.errors import StorageDownError, StripeDownError, StripeRefusedError
from app.gateways.queue import QueueDownError
from app.portal import portal
from app.privacy.commands import COMMANDS
from app.recovery.compare import compare
from app.recovery.pace import Pace
from app.recovery.payments import reread
from app.recovery.rebuild import NotEmptyError, rebuild
from app.recovery.report import Report, open_findings
from app.staff.events import events_page
from app.staff.people.commands import staff
from app.webhooks.missed import catch_up
from app.webhooks.queue import REPLAYED, replay

group = AppGroup("portal", help="Operate the portal.")


@group.command("check")
def check() -> None:
    """Say whether this configuration is fit to sell with; exit 1 where it is not."""
    found = []
    for line in findings():
        click.echo(f"{line.level:<5} {line.text}")
        found.append(line.level)
    click.echo(f"{found.count('ok')} ok, {found.count('warn')} to look at, {found.count('fail')} failed")
    if "fail" in found:
        raise SystemExit(1)


@group.group("storage")
def storage() -> None:
    """Look after the object store."""


@storage.command("setup")
@click.option("--wait", default=0, help="Seconds to wait for an object store that is still starting.")
def storage_setup(wait: int) -> None:
    """Make the bucket and its rules where they are missing."""
    end = time.monotonic() + wait
    while True:
        try:
            portal.storage.set_up()
            if portal.queue is not None:
                portal.storage.send_events_to(portal.queue.set_up(portal.storage.bucket))
            break
        except (StorageDownError, QueueDownError) as error:
            if time.monotonic() > end:
                what = "the object store" if isinstance(error, StorageDownError) else "the queue of events"
                raise click.ClickException(f"{what} does not answer: {error.__cause__ or error}") from error
            time.sleep(0.3)
    click.echo(f"bucket {portal.storage.bucket}: ready")
    if portal.queue is not None:
        click.echo(f"queue {portal.queue.name}: ready, and hears of what comes into the bucket")
    for rule, state in portal.storage.look_at_rules():
        if state != "right":
            click.echo(f"not kept by this store: {rule.operation} ({rule.purpose}); portal check says what to do")


def _since(_context: click.Context, _option: click.Parameter, value: str | None) -> datetime | None:
    """Read `30d` as the moment thirty days ago."""
    if value is None:
        return None
    if not value.endswith("d") or not value[:-1].isdecimal():
        raise click.BadParameter(f"{value!r} is not a number of days such as 30d")
    return portal.clock() - timedelta(days=int(value[:-1]))


@group.group("events")
def events() -> None:
    """Look at the events that Stripe sent."""


@events.command("list")
@click.option("--dead", is_flag=True, help="Only those that were given up.")
def events_list(*, dead: bool) -> None:
    """Show the newest 50 events: when it came (UTC), its state, tries, type, id, and what there is to say."""
    with portal.database.transaction() as session:
        lines = events_page(session, "dead" if dead else "").lines
    for event in (line.event for line in lines):
        told = f"{event.received_at:%Y-%m-%d %H:%M}  {event.state:<8}  {event.attempts:>2}  {event.type}  {event.id}"
        click.echo(f"{told}  {event.note}" if event.note else told)
    if not lines:
        click.echo("no event was given up" if dead else "no event has come yet")


@events.command("replay")
@click.argument("event_id", metavar="EVT")
def events_replay(event_id: str) -> None:
    """Have the worker handle EVT anew, with all its tries; exit 1 where there is nothing to do anew."""
    with portal.database.transaction() as session:
        state = replay(session, event_id)
    if state is None:
        raise click.ClickException(f"no event {event_id} here; portal events list shows what came")
    if state not in REPLAYED:
        raise click.ClickException(f"event {event_id} is {state}: there is nothing to do anew")
    click.echo(f"event {event_id} was {state}; a worker takes it now")


@group.command("reconcile")
@click.option("--since", callback=_since, help="Compare only Stripe's sessions of the last days, such as 30d.")
def reconcile(since: datetime | None) -> None:
    """Compare Stripe, ledger and object store, mend what is clear, print the rest; exit 1 where something is left."""
    report, pace = Report(), Pace()
    with _spoken_errors():
        reread(report, pace)
        report.mended["event"] += catch_up()
        compare(report, pace, since)
    with portal.database.transaction() as session:
        left = open_findings(session)
    for heading, counts in (("looked at", report.looked), ("mended", report.mended)):
        told = [f"{count} x {name}" for name, count in counts.items() if count]
        click.echo(f"{heading}: {', '.join(told) or 'nothing'}")
    for finding in left:
        click.echo(f"found   {finding.kind}  {finding.subject}  since {finding.first_seen_at:%Y-%m-%d %H:%M} UTC")
    click.echo(f"{pace.calls} calls to Stripe and more for events; {len(left)} findings")
    if left:
        raise SystemExit(1)


@group.command("rebuild")
def rebuild_command() -> None:
    """Fill an empty database with orders, payments and results from Stripe and S3; goes on where it was cut off.

    The web server and the workers are stopped meanwhile; start them when this is done.
    """
    report, pace = Report(), Pace()
    begun = time.monotonic()
    with _spoken_errors():
        try:
            rebuild(report, pace, click.echo)
        except NotEmptyError as error:
            raise click.ClickException("the database has orders already; to mend it: portal reconcile") from error
    seconds = time.monotonic() - begun
    looked = report.looked
    click.echo(f"{looked['order']} orders, {looked['session']} sessions, {pace.calls} calls to Stripe, {seconds:.0f} s")
    click.echo("next: portal reconcile, for what happened meanwhile; then start the workers and the web server")


@contextmanager
def _spoken_errors() -> Iterator[None]:
    try:
        yield
    except (StripeDownError, StripeRefusedError, StorageDownError) as error:
        raise click.ClickException(f"{error.code}: {error.__cause__ or error}; run this again") from error


def init_cli(app: Flask) -> None:
    """Give the application its commands."""
    for command in (staff, analysis, *COMMANDS):
        group.add_command(command)
    app.cli.add_command(group)
