"""How long things are kept, where more than one room must know it; all of it: `app.privacy.retention`."""

from datetime import timedelta

LEDGER = timedelta(days=7 * 366 + 14 * 31)
"""Orders and payments: seven years from the day the tax return of their year was due (Corporation Tax Act, enforcement
rules, art. 59), which is up to fourteen months after the sale. A company that carries losses forward needs ten years;
its tax adviser must confirm the figure."""

UNPAID = timedelta(days=30)
"""The files of an order that is not paid, since the order was made; until then it can be paid."""

UNPAID_AFTER_VOUCHER = timedelta(days=7)
"""The same where there was a konbini voucher, since the order's last deadline."""

BACKUPS = timedelta(days=35)
"""How long a backup of database or bucket may live: what a person has deleted is in it for so long."""
