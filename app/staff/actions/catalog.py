"""All actions on orders, in the order in which the page shows them."""

from app.staff.actions.action import Action
from app.staff.actions.address import EMAIL
from app.staff.actions.erase import ERASE
from app.staff.actions.mails import PAY_LINK, RESEND
from app.staff.actions.money import REFUND, TRANSFER
from app.staff.actions.result import CLOSE, EXTEND, OPEN
from app.staff.actions.work import AGAIN, CANCEL, REBUILD

ACTIONS: tuple[Action, ...] = (
    RESEND, PAY_LINK, EMAIL, AGAIN, REBUILD, CANCEL, EXTEND, CLOSE, OPEN, REFUND, TRANSFER, ERASE,
)  # fmt: skip
BY_KEY = {action.key: action for action in ACTIONS}
