"""Browsers tell here what the content security policy kept from running (AC-H01): counted, and logged a little.

Whoever likes can post here, so nothing is believed, little is kept, and no address of a page: it may hold a token.
"""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import structlog
from flask import Blueprint, Response, request
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from prometheus_client import Counter

from app.portal import portal
from app.web.logs import one_line
from app.web.policy import REPORTS, content_security_policy

blueprint = Blueprint("reports", __name__)

BLOCKED = Counter("portal_csp_reports_total", "Content security policy violations told by browsers", ["directive"])
MOST_AT_ONCE = 20
LOGGED = RateLimitItemPerMinute(10)  # of this process
_logged = FixedWindowRateLimiter(MemoryStorage())

log = structlog.get_logger()


@blueprint.post(REPORTS)
def collect() -> Response:
    """Take reports of both kinds: `report-uri` (application/csp-report) and `report-to` (application/reports+json)."""
    try:
        told = json.loads(request.get_data())
    except (ValueError, RecursionError):
        return Response(status=400)
    known = content_security_policy(portal.settings, "")
    for report in _reports(told):
        name = str(report.get("effectiveDirective") or report.get("effective-directive") or "")
        name = name.removesuffix("-elem").removesuffix("-attr")
        directive = name if name in known else "other"
        BLOCKED.labels(directive).inc()
        if _logged.hit(LOGGED):
            blocked = str(report.get("blockedURL") or report.get("blocked-uri") or "")
            log.warning("csp.blocked", directive=directive, blocked=_origin(blocked))
    return Response(status=204)


def _reports(told: object) -> Iterator[dict[str, Any]]:
    listed = told if isinstance(told, list) else [told]
    for one in listed[:MOST_AT_ONCE]:
        body = (one.get("body") or one.get("csp-report")) if isinstance(one, dict) else None
        if isinstance(body, dict):
            yield body


def _origin(address: str) -> str:
    """Return where something came from without path and query, or the browser's word for it (inline, eval)."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return "?"
    return one_line(f"{parts.scheme}://{parts.netloc}" if parts.netloc else address.partition(":")[0], 100)
