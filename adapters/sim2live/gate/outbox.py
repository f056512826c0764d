"""What is owed goes from here: one thread, exits before everything.

A strategy's thread tries an exit once, within its deadline. What did not go is owed, and
everything later is the outbox's: it asks whether the venue is there again, sends what is owed
with the same id and bytes, asks about or repeats what is unknown where that is proved harmless,
and waits longer after each failure. Without a debt there is no thread.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from sim2live.clock import Clock

logger = logging.getLogger("sim2live.outbox")

FIRST_WAIT = 0.25
LONGEST_WAIT = 15.0


class Outbox:
    """Works off debts in the background.

    Args:
        work: tries everything that is owed once; True while something is left.
        clock: how to wait.
    """

    def __init__(self, work: Callable[[], bool], clock: Clock) -> None:
        self._work = work
        self._clock = clock
        self._wake = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._not_before = 0.0

    def notice(self, *, wait: float | None = None) -> None:
        """Something is owed: start working unless that is going on already.

        Args:
            wait: seconds that the venue asked us to wait (Retry-After), or None.
        """
        if wait is not None:
            self._not_before = self._clock.monotonic() + wait
        with self._lock:
            if self._closed or self._thread is not None:
                return
            # A daemon: an interpreter that ends must not hang on a venue that is away. What is
            # still owed then is in the ledger, and the next start sends it.
            self._thread = threading.Thread(target=self._run, name="sim2live-outbox", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        wait = FIRST_WAIT
        while True:
            pause = max(wait, self._not_before - self._clock.monotonic())
            if self._clock.wait(self._wake, pause):
                return
            try:
                left = self._work()
            except Exception:
                # A defect must not end the only thread that gets exits out.
                logger.exception("the outbox failed and goes on")
                left = True
            if not left:
                with self._lock:
                    self._thread = None
                return
            wait = min(2 * wait, LONGEST_WAIT)

    def close(self) -> None:
        """Stop working; what is owed stays in the ledger for the next start."""
        with self._lock:
            self._closed = True
            thread = self._thread
        self._wake.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout=5.0)
