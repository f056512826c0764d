"""How a desk is laid out on a NATS server: two streams, one consumer, one guarded value.

Signals stand in a work queue: what is acknowledged is gone from it, so a new consumer begins with
exactly what is not done. News is kept by subject, the last of each: a receipt outlives a relay, and
a strategy host that comes back finds it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from queue import SimpleQueue
from typing import Any

import nats.errors
import nats.js.errors
from nats.js import api

from sim2live.errors import NotSentError
from sim2live.venues.broker import Parcel
from sim2live.venues.relay_words import Subjects

BUCKET_KEY = "lease"
CONSUMER = "relay"
BATCH = 64
EXPIRES = 2.0
"""Seconds that one request for signals lasts at the server."""
ACK_WAIT = 30.0
IN_FLIGHT = 1_024
KEPT = 7 * 86_400.0
"""Seconds that receipts and reports are kept."""
DUPLICATES = 120.0
"""Seconds that the server itself remembers ids. The relay's journal remembers them for good."""


class Layout:
    """Names and settings of a desk's streams.

    Args:
        subjects: the desk.
    """

    def __init__(self, subjects: Subjects) -> None:
        self._subjects = subjects
        # Streams bear narrower names than subjects do.
        desk = "".join(c if c.isalnum() and c.isascii() else f"_{ord(c):x}" for c in subjects.desk)
        self.signals = f"S2L_{desk}_SIGNALS"
        self.news = f"S2L_{desk}_NEWS"
        self.bucket = f"S2L_{desk}"

    @staticmethod
    def named(id_: str) -> dict[str, str]:
        """The header by which the server knows a message again."""
        # Printable ids may hold any script; a header is plain text.
        return {api.Header.MSG_ID.value: id_ if id_.isascii() else id_.encode().hex()}

    @staticmethod
    def acknowledged(data: bytes) -> bool:
        """Read the server's answer to a stored message.

        Returns:
            False when the server knew the id already.

        Raises:
            NotSentError: the server says that it stored nothing.
        """
        answer = json.loads(data)
        if "error" in answer:
            raise NotSentError(f"the server stored nothing: {answer['error'].get('description')}")
        return not answer.get("duplicate", False)

    async def prepare(self, client: Any) -> None:
        """Make the streams, and the consumer anew."""
        manager = client.jetstream()
        await _add(
            manager,
            api.StreamConfig(
                name=self.signals,
                subjects=[self._subjects.signals],
                retention=api.RetentionPolicy.WORK_QUEUE,
                storage=api.StorageType.FILE,
                duplicate_window=DUPLICATES,
            ),
        )
        await _add(
            manager,
            api.StreamConfig(
                name=self.news,
                subjects=[self._subjects.news],
                storage=api.StorageType.FILE,
                max_msgs_per_subject=1,
                max_age=KEPT,
                duplicate_window=DUPLICATES,
            ),
        )
        with contextlib.suppress(nats.js.errors.NotFoundError):
            await manager.delete_consumer(self.signals, CONSUMER)
        await manager.add_consumer(
            self.signals,
            api.ConsumerConfig(
                durable_name=CONSUMER,
                ack_policy=api.AckPolicy.EXPLICIT,
                deliver_policy=api.DeliverPolicy.ALL,
                ack_wait=ACK_WAIT,
                max_ack_pending=IN_FLIGHT,
            ),
        )

    async def prepare_bucket(self, client: Any) -> None:
        """Make the place of the guarded value."""
        manager = client.jetstream()
        try:
            await manager.key_value(self.bucket)
        except nats.js.errors.NotFoundError:
            await manager.create_key_value(
                bucket=self.bucket, history=1, storage=api.StorageType.FILE
            )

    async def guarded(self, client: Any, timeout: float) -> Any:
        """The guarded value as the server holds it, with its time; None where there is none."""
        subject = f"$KV.{self.bucket}.{BUCKET_KEY}"
        return await _last(client, f"KV_{self.bucket}", subject, timeout)

    async def last_news(self, client: Any, subject: str, timeout: float) -> Any:
        """The last news under a subject, or None."""
        return await _last(client, self.news, subject, timeout)

    async def follow(self, client: Any, subject: str, heard: Any) -> None:
        """News under a subject: what is stored, then what comes."""
        await client.jetstream().subscribe(
            subject,
            cb=heard,
            stream=self.news,
            ordered_consumer=True,
            config=api.ConsumerConfig(deliver_policy=api.DeliverPolicy.ALL),
        )

    @property
    def next(self) -> str:
        """Where the consumer is asked for signals."""
        return f"$JS.API.CONSUMER.MSG.NEXT.{self.signals}.{CONSUMER}"


async def _add(manager: Any, config: api.StreamConfig) -> None:
    try:
        await manager.add_stream(config)
    except nats.js.errors.BadRequestError as error:
        if error.err_code != 10058:  # it exists, with settings that somebody has chosen
            raise


async def _last(client: Any, stream: str, subject: str, timeout: float) -> Any:
    try:
        return await client.jetstream(timeout=timeout).get_last_msg(stream, subject)
    except nats.js.errors.NotFoundError:
        return None


class Pump:
    """Keeps one request for signals open at the server, and puts what comes into a queue.

    Args:
        layout: the desk.
        client: a connection; the pump ends with it.
        into: where parcels go.
    """

    def __init__(self, layout: Layout, client: Any, into: SimpleQueue[Parcel]) -> None:
        self._layout = layout
        self._client = client
        self._into = into
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to ask."""
        inbox = self._client.new_inbox()
        mine = await self._client.subscribe(inbox)
        self._task = self._loop.create_task(self._run(inbox, mine))

    @property
    def ended(self) -> bool:
        """Whether it has to be begun anew."""
        return self._task is None or self._task.done()

    def stop(self) -> None:
        """End it."""
        if self._task is not None:
            self._task.cancel()

    async def _run(self, inbox: str, mine: Any) -> None:
        request = json.dumps({"batch": BATCH, "expires": round(EXPIRES * 1e9)}).encode()
        due = 0
        while self._client.is_connected:
            if not due:
                due = BATCH
                await self._client.publish(self._layout.next, request, reply=inbox)
            try:
                message = await mine.next_msg(timeout=EXPIRES + 1.0)
            except nats.errors.TimeoutError:
                due = 0
                continue
            except nats.errors.Error:
                return
            status = (message.headers or {}).get("Status")
            if status is None:
                due -= 1
                self._into.put(self._parcel(message))
            elif status in ("404", "408"):  # nothing there, or the request has expired
                due = 0
            elif status != "100":
                return  # the consumer is gone

    def _parcel(self, message: Any) -> Parcel:
        # $JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<time>.<pending>;
        # servers with domains put names before the stream's, so it is counted from the end.
        parts = message.reply.split(".")
        stored_at = int(parts[7] if len(parts) == 9 else parts[9])

        def done() -> None:
            asyncio.run_coroutine_threadsafe(self._ack(message.reply), self._loop)

        return Parcel(message.data, dict(message.headers or {}), stored_at, done)

    async def _ack(self, reply: str) -> None:
        try:
            await self._client.publish(reply, b"+ACK")
        except nats.errors.Error:
            return  # it comes again, and is known then
