"""Where analysis programs run: engines behind one interface."""

from pathlib import Path

from sqlalchemy import make_url

from app.gateways.compute.engine import CANNOT_ANALYSE, LOG_BYTES, LOG_LINES, Engine, Finished, Work, progress_of
from app.gateways.compute.fargate import Fargate
from app.gateways.compute.local import Local
from app.gateways.storage import Storage
from app.settings import Settings

__all__ = ["CANNOT_ANALYSE", "LOG_BYTES", "LOG_LINES", "Engine", "Finished", "Work", "engine_for", "progress_of"]


def engine_for(settings: Settings, storage: Storage) -> Engine:
    """Return the engine that COMPUTE names."""
    return Fargate(settings, storage) if settings.compute == "fargate" else Local(storage, _private(settings))


def _private(settings: Settings) -> list[Path]:
    url = make_url(settings.database_url.get_secret_value())
    return [Path(url.database)] if url.get_backend_name() == "sqlite" and url.database else []
