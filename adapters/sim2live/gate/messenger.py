"""How does an alarm reach a phone? Through apprise, in a thread that trading never waits for."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Mapping
from functools import partial
from queue import Empty, Full, Queue
from typing import Protocol

from sim2live.clock import Clock, iso
from sim2live.errors import ConfigError, MissingExtraError
from sim2live.gate.alarms import Alarm

logger = logging.getLogger("sim2live.alarms")
WAITING = 100
"""Alarms that may wait for a slow channel; what comes on top is in the log only."""
LAST_WORDS = 2.0
"""Seconds that closing gives the alarms that still wait."""


class Channel(Protocol):
    """Somewhere that a message can be sent to; an apprise object is one."""

    def notify(self, *, title: str, body: str) -> object:
        """Send it; what is returned is false when that failed."""
        ...


class Messenger:
    """Takes alarms without waiting and tells each to every channel.

    Args:
        addresses: name -> address, secrets included; only names are ever logged.
        clock: how to wait.

    Attributes:
        dropped: how many alarms found no room while a channel was slow.

    Raises:
        MissingExtraError: apprise is not installed.
        ConfigError: apprise does not understand an address; it is named, not shown.
    """

    def __init__(self, addresses: Mapping[str, str], clock: Clock) -> None:
        self._begin({name: channel(name, address) for name, address in addresses.items()}, clock)

    @classmethod
    def of(cls, channels: Mapping[str, Channel], clock: Clock) -> Messenger:
        """A messenger on channels of one's own."""
        made = cls.__new__(cls)
        made._begin(channels, clock)
        return made

    def _begin(self, channels: Mapping[str, Channel], clock: Clock) -> None:
        self.dropped = 0
        self._channels = dict(channels)
        self._clock = clock
        self._waiting: Queue[Alarm | None] = Queue(WAITING)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sim2live-alarms", daemon=True)
        self._thread.start()

    def __call__(self, alarm: Alarm) -> None:
        """Take an alarm; returns at once."""
        try:
            self._waiting.put_nowait(alarm)
        except Full:
            self.dropped += 1
            logger.warning("%d alarms found no room on their way out", self.dropped)

    def close(self) -> None:
        """Give what waits a moment, then stop."""
        try:
            self._waiting.put_nowait(None)
        except Full:
            while True:  # a channel hangs: nothing that waits would go anyway
                try:
                    self._waiting.get_nowait()
                except Empty:
                    break
            self._waiting.put_nowait(None)
        self._clock.wait(self._done, LAST_WORDS)

    def _run(self) -> None:
        while (alarm := self._waiting.get()) is not None:
            body = f"{alarm.text}\n{iso(alarm.time)}"
            for name, channel in self._channels.items():
                try:
                    told = channel.notify(title=f"sim2live: {alarm.subject}", body=body)
                except Exception as error:  # noqa: BLE001 - a channel may fail in any way
                    # Its text may hold the address, and with it a secret.
                    logger.warning("alert channel %s failed: %s", name, type(error).__name__)
                    continue
                if not told:
                    logger.warning("alert channel %s did not take an alarm", name)
        self._done.set()


def channel(name: str, address: str) -> Channel:
    """Where an address leads.

    Raises:
        MissingExtraError: apprise is not installed.
        ConfigError: apprise does not understand the address; its name is told, not itself.
    """
    try:
        import apprise
    except ModuleNotFoundError as error:
        raise MissingExtraError("apprise", "alerts") from error
    made = apprise.Apprise()
    if not made.add(address):
        raise ConfigError(f"alerts.{name}: apprise does not understand this address")
    found: Channel = made
    return found


def with_secrets(alerts: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """The addresses with their secrets; the file holds the names of these only.

    Args:
        alerts: name -> address, in which ``{NAME}`` stands for a variable.
        environment: the variables.

    Raises:
        ConfigError: a variable is empty or absent.
    """

    def of(name: str, found: re.Match[str]) -> str:
        value = environment.get(found[1])
        if not value:
            raise ConfigError(f"alerts.{name}: the variable {found[1]} is empty or absent")
        return value

    return {
        name: re.sub(r"\{(\w+)\}", partial(of, name), address) for name, address in alerts.items()
    }
