"""What operators do about personal data from the shell: `flask --app wsgi portal retention | affected | redacted`."""

from datetime import datetime

import click
from sqlalchemy import update

from app.kit.addresses import BadAddressError, canonical
from app.kit.clock import JST
from app.models import Finding
from app.portal import portal
from app.privacy.affected import UnknownKeyError, by_account, by_object
from app.privacy.again import forget_again
from app.privacy.retention import RETENTION, apply, would_meet
from app.recovery.report import REDACTION


@click.command("retention")
@click.option("--dry-run", is_flag=True, help="Only say what each rule would meet now.")
def retention(*, dry_run: bool) -> None:
    """Apply the table of retention now (a worker does it once a day, and deletes the files)."""
    met = would_meet() if dry_run else ((name, apply(name)) for name in RETENTION)
    for name, count in met:
        rule = RETENTION[name]
        click.echo(f"{count:>8}  {name}: {rule.then}, {rule.after.days} days after {rule.since}")
    click.echo("nothing was changed" if dry_run else "done; files go by the workers' jobs")


@click.command("affected")
@click.option("--object", "key", help="Key of an object in the bucket.")
@click.option("--account", help="E-mail address.")
@click.option(
    "--from", "since", type=click.DateTime(), required=True, help="Japan's time, such as 2026-11-01T09:00:00."
)
@click.option("--to", "until", type=click.DateTime(), required=True, help="Japan's time.")
def affected(key: str | None, account: str | None, since: datetime, until: datetime) -> None:
    """Say who was affected by a leak: orders, addresses and downloads of an object or an account in a time."""
    if (key is None) == (account is None):
        raise click.UsageError("give either --object or --account")
    times = (since.replace(tzinfo=JST), until.replace(tzinfo=JST))
    try:
        lines = by_object(key, *times) if key else by_account(canonical(account or ""), *times)
        for line in lines:
            click.echo(line)
    except UnknownKeyError:
        raise click.ClickException(f"{key!r} is no object of an order") from None
    except BadAddressError:
        raise click.BadParameter(f"{account!r} is not an e-mail address", param_hint="--account") from None


@click.command("redacted")
@click.argument("customer")
def redacted(customer: str) -> None:
    """Note that Stripe has redacted CUSTOMER (cus_...), so that staff are not asked for it any more."""
    with portal.database.transaction() as session:
        closed = session.scalars(
            update(Finding)
            .where(Finding.kind == REDACTION, Finding.subject == customer, Finding.closed_at.is_(None))
            .values(closed_at=portal.clock())
            .returning(Finding.id)
        ).all()
    if not closed:
        raise click.ClickException(f"no redaction of {customer} is open; /staff/findings shows which are")
    click.echo(f"{customer}: done")


@click.command("forget-again")
def again() -> None:
    """Forget people once more whom a restored backup of the database has brought back."""
    click.echo(f"{forget_again()} people; files go by the workers' jobs")


COMMANDS = (retention, affected, redacted, again)
