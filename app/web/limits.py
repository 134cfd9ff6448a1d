"""Limits on how often one address of the network may ask; counted in RATE_LIMIT_STORE."""

from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

limiter = Limiter(get_remote_address, headers_enabled=False, strategy="moving-window")

ORDER_LIMIT = "30/hour;6/minute"
GRANT_LIMIT = "2000/hour"
CHECKOUT_LIMIT = "30/hour;8/minute"  # card testing (AC-H18)
STAFF_LIMIT = "600/minute"
