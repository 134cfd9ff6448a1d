"""What operators do about analyses from the shell: `flask --app wsgi portal analysis cancel | again`."""

import click

from app.analysis.again import CantRunError, CantStopError, cancel, run_again
from app.models import Order
from app.portal import portal

ACTOR = "shell"


@click.group("analysis")
def analysis() -> None:
    """Look after analyses."""


def _known(_context: click.Context, _argument: click.Parameter, order_id: str) -> str:
    with portal.database.transaction() as session:
        if session.get(Order, order_id) is None:
            raise click.ClickException(f"no order {order_id} here")
    return order_id


@analysis.command("cancel")
@click.argument("order_id", metavar="ORDER", callback=_known)
def cancel_command(order_id: str) -> None:
    """Stop the analysis of ORDER, or take it out of the line; exit 1 where there is none."""
    try:
        with portal.database.transaction() as session:
            state = cancel(session, order_id, ACTOR)
    except CantStopError as error:
        raise click.ClickException(f"order {order_id} is neither in the line nor being analysed") from error
    told = "is cancelled" if state == "cancelled" else "is being stopped: its engine ends the program in a moment"
    click.echo(f"order {order_id} {told}")


@analysis.command("again")
@click.argument("order_id", metavar="ORDER", callback=_known)
def again_command(order_id: str) -> None:
    """Analyse ORDER once more from its frozen file: one that failed, was cancelled or was refused; else exit 1."""
    try:
        with portal.database.transaction() as session:
            run_again(session, order_id, ACTOR)
    except CantRunError as error:
        raise click.ClickException(f"order {order_id} can't be analysed again: {error}") from error
    click.echo(f"order {order_id} is in the line again")
