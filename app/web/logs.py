"""Logs: one line of JSON an event (text in the demo), with the request's id, and never a secret."""

import logging
import re
import sys

import structlog
from flask import Flask, g, request
from structlog.typing import EventDict

from app.kit.addresses import mask_all
from app.settings import Settings
from app.web.outermost import REQUEST_ID

_JSON = structlog.processors.JSONRenderer(ensure_ascii=False)
# Plain: the richer kind prints the variables of every frame, and with them secrets.
_TEXT = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)


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
        [_text_line] if settings.portal_env == "demo" else [structlog.processors.format_exc_info, _json_line]
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
        g.request_id = request.environ.get(REQUEST_ID, "")
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=g.request_id)


# Control characters of ASCII and Latin-1 (terminals obey some), and Unicode's own ends of line.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def one_line(text: str, limit: int = 200) -> str:
    """Return text from outside as one harmless line for a log (AC-H15)."""
    return _CONTROL.sub("?", text)[:limit]


def _json_line(logger: object, method: str, event: EventDict) -> str:
    """Write an event as one line, escaping also what JSON may leave as it is: a terminal would act on it."""
    line = mask_all(str(_JSON(logger, method, event)))  # the whole line: no field or traceback is forgotten (AC-P04)
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", line)


def _text_line(logger: object, method: str, event: EventDict) -> str:
    """Write an event for people; only a traceback may have several lines."""
    flat = {name: one_line(value, len(value)) if isinstance(value, str) else value for name, value in event.items()}
    return mask_all(str(_TEXT(logger, method, flat)))
