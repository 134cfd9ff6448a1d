"""Logs: one line of JSON an event (text in the demo), with the request's id, and never a secret."""

import logging
import re
import secrets
import sys

import structlog
from flask import Flask, Response, g

from app.settings import Settings


def init_logs(app: Flask, settings: Settings) -> None:
    """Configure structlog and the standard library's loggers alike, and give each request an id."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    render: list[structlog.typing.Processor] = (
        [structlog.dev.ConsoleRenderer(colors=False)]
        if settings.portal_env == "demo"
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    # These write whole addresses and every poll at INFO.
    for noisy in ("botocore", "boto3", "stripe", "urllib3", "alembic", "dbos"):
        logging.getLogger(noisy).setLevel(logging.WARNING)

    @app.before_request
    def name_request() -> None:
        g.request_id = secrets.token_hex(8)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=g.request_id)

    @app.after_request
    def show_id(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.get("request_id", "")
        return response


_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def one_line(text: str, limit: int = 200) -> str:
    """Return text from outside as one harmless line for a log (AC-H15)."""
    return _CONTROL.sub("?", text)[:limit]
