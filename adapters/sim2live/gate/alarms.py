"""What a human must know of: said once, loudly, and never in the way of trading."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable

from msgspec import Struct

from sim2live.clock import NS

logger = logging.getLogger("sim2live.alarms")
KEPT = 1_000
REPEAT = 60
"""Seconds after which an alarm whose cause still stands is told again."""


class Alarm(Struct, frozen=True):
    """One alarm.

    Attributes:
        time: ns UTC.
        subject: what it is about, such as ``"python-test CME:MESZ6"``.
        text: what happened and what to do next.
    """

    time: int
    subject: str
    text: str


class Alarms:
    """Collects alarms and hands each to the logger and to a callback.

    Args:
        tell: called with each alarm on the thread that raised it; it must be quick, and what
            it raises is logged and goes no further. Its ``close``, if it has one, is called
            when the alarms are closed.
    """

    def __init__(self, tell: Callable[[Alarm], None] | None = None) -> None:
        self._tell = tell
        self._lock = threading.Lock()
        self._raised: deque[Alarm] = deque(maxlen=KEPT)
        self._told: dict[tuple[str, str], int] = {}
        self._seen: set[tuple[str, str]] = set()

    @property
    def raised(self) -> list[Alarm]:
        """The latest alarms, oldest first."""
        with self._lock:
            return list(self._raised)

    def sound(self, time: int, subject: str, text: str) -> None:
        """Raise an alarm; the same one is told again only after `REPEAT` seconds."""
        alarm = Alarm(time, subject, text)
        with self._lock:
            if (subject, text) in self._seen:
                return
            told = self._told.get((subject, text))
            if told is not None and 0 <= time - told < REPEAT * NS:
                return
            if len(self._told) >= KEPT:
                self._told.clear()
            self._told[subject, text] = time
            self._raised.append(alarm)
        logger.error("%s: %s", subject, text)
        if self._tell is None:
            return
        try:
            self._tell(alarm)
        except Exception:
            logger.exception("the alarm callback failed")

    def acknowledge(self, about: str = "") -> int:
        """Somebody knows: what was raised about a subject is not told again in these words.

        Args:
            about: beginning of the subject; empty for all.

        Returns:
            How many alarms that were still repeated are quiet now.
        """
        with self._lock:
            known = {key for key in self._told if key[0].startswith(about)} - self._seen
            self._seen |= known
            if len(self._seen) > KEPT:
                self._seen = known
            return len(known)

    def close(self) -> None:
        """Let the callback end."""
        end = getattr(self._tell, "close", None)
        if end is not None:
            end()
