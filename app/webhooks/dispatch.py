"""Events are handled here: a thread of the worker takes what is due, and a few others try it, each event by itself."""

import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from threading import Event

import structlog
from flask import Flask

from app.portal import Portal
from app.webhooks.queue import Taken, give_back, let_go, take_due
from app.webhooks.service import handle

AT_ONCE = 8  # events in work at one time in one worker; nearly all of it is waiting for Stripe
HELD = 2 * AT_ONCE  # a worker takes this many, so that taking costs one transaction for several
POLL_S = 0.2
TIDY_S = 5.0
LAST_TRIES_S = 10.0  # what is in work when the worker stops may take so long; the rest is let go

log = structlog.get_logger()


class Dispatcher:
    """Takes due events for one worker and has them tried, until told to stop."""

    def __init__(self, app: Flask, here: Portal, worker: str) -> None:
        """Take the application whose context the tries run in, and the worker's name."""
        self._app = app
        self._here = here
        self._worker = worker
        self._held: dict[str, Future[None]] = {}
        self._tidied = float("-inf")
        self._hands = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="event")

    def run(self, stop: Event) -> None:
        """Work until `stop` is set; a database that is away is waited for."""
        while not stop.is_set():
            try:
                self._round(stop)
            except Exception:
                log.exception("events.round_failed")
                stop.wait(1)
        for future in self._held.values():
            future.cancel()
        wait(self._held.values(), timeout=LAST_TRIES_S)
        self._forget_done()
        with self._here.database.transaction() as session:
            let_go(session, self._worker, self._here.clock(), self._held)

    def _round(self, stop: Event) -> None:
        self._forget_done()
        self._tidy()
        room = HELD - len(self._held)
        taken = self._take(room) if room >= AT_ONCE else []
        for event in taken:
            self._held[event.id] = self._hands.submit(self._try, event)
        if taken and len(taken) == room:
            return
        if self._held:
            wait(self._held.values(), timeout=POLL_S, return_when=FIRST_COMPLETED)
        else:
            stop.wait(POLL_S)

    def _forget_done(self) -> None:
        self._held = {event_id: future for event_id, future in self._held.items() if not future.done()}

    def _take(self, most: int) -> list[Taken]:
        with self._here.database.transaction() as session:
            return take_due(session, self._worker, most, self._here.clock())

    def _tidy(self) -> None:
        """Let go what this worker's name took and nobody holds: of a life before, or where the database went away."""
        now = time.monotonic()
        if now - self._tidied >= TIDY_S:
            with self._here.database.transaction() as session:
                let_go(session, self._worker, self._here.clock(), self._held)
            self._tidied = now

    def _try(self, taken: Taken) -> None:
        bound = structlog.contextvars.bound_contextvars(event_id=taken.id, attempt=taken.attempts)
        with self._app.app_context(), bound:
            try:
                handle(taken.id)
            except Exception as error:
                log.warning("webhook.try_failed", exc_info=True)
                self._give_back(taken, error)

    def _give_back(self, taken: Taken, error: Exception) -> None:
        try:
            with self._here.database.transaction() as session:
                if give_back(session, taken, error, self._here.clock()):
                    log.error("webhook.dead")
        except Exception:
            # The database is away: `_tidy` makes the event due again when it is back.
            log.exception("events.give_back_failed")
