"""A line that is slow and breaks: what customers have on a train."""

import threading
import time


class BrokenLineError(Exception):
    """The connection that was just in use is torn."""


class Line:
    """One for all connections. `rate`: bytes a second; `breaks`: torn each time so many bytes have passed; 0: never."""

    def __init__(self) -> None:
        """Be a good line."""
        self.rate = 0.0
        self.breaks = 0
        self.broken = 0
        self.carried = 0
        self._free_at = 0.0
        self._lock = threading.Lock()

    def carry(self, size: int) -> None:
        """Let so many bytes pass, as fast as the line is; raises BrokenLineError where it breaks under them."""
        with self._lock:
            before, self.carried = self.carried, self.carried + size
            breaks = self.breaks > 0 and before // self.breaks < self.carried // self.breaks
            self.broken += breaks
            now = time.monotonic()
            self._free_at = max(now, self._free_at) + (size / self.rate if self.rate else 0.0)
            wait = self._free_at - now
        if breaks:
            raise BrokenLineError
        if wait > 0:
            time.sleep(wait)
