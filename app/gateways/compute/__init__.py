"""Where analysis programs run: engines behind one interface."""

from app.gateways.compute.engine import CANNOT_ANALYSE, LOG_BYTES, LOG_LINES, Engine, Finished, Work, progress_of
from app.gateways.compute.fargate import Fargate
from app.gateways.compute.local import Local
from app.gateways.storage import Storage
from app.settings import Settings

__all__ = ["CANNOT_ANALYSE", "LOG_BYTES", "LOG_LINES", "Engine", "Finished", "Work", "engine_for", "progress_of"]


def engine_for(settings: Settings, storage: Storage) -> Engine:
    """Return the engine that COMPUTE names."""
    return Fargate(settings, storage) if settings.compute == "fargate" else Local(storage)
