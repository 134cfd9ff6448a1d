"""The staff log: written by whoever changes something (`write`), looked at and checked here."""

from app.staff.log.chain import write, write_for

__all__ = ["write", "write_for"]
