"""All actions on orders, in the order in which the page shows them."""

from app.staff.actions.action import Action
from app.staff.actions.mails import RESEND

ACTIONS: tuple[Action, ...] = (RESEND,)
BY_KEY = {action.key: action for action in ACTIONS}
