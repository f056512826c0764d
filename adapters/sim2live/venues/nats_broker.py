"""NATS JetStream as the broker: one connection, one event loop, in a thread of its own.

The client library would buffer what is published while it is away, and send it later. A signal
must not go later behind the back of its sender. So a connection here is used until it ends, what
is published without one is refused at once, and the next connection is a new client.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import threading
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as WaitedTooLong
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

import nats.errors
import nats.js.errors
from nats.aio.client import Client

from sim2live.clock import to_ns
from sim2live.errors import DeliveryError, NotSentError, UnknownOutcomeError
from sim2live.venues.broker import Broker, ConflictError, Entry, GoneError, Parcel, Responder
from sim2live.venues.nats_queue import BUCKET_KEY, Layout, Pump

if TYPE_CHECKING:
    from sim2live.venues.nats_address import NatsAddress
    from sim2live.venues.relay_words import Subjects

__all__ = ["NatsBroker"]

GRACE = 0.25
"""Seconds beyond a deadline that the loop's thread gets to say what it knows."""
STEP = 5.0
"""Seconds for housekeeping: a stream, a consumer, the guarded value."""
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0
LAST_WORD, LAST_FLUSH = 0.1, 2.0
"""Seconds for the close of a connection that is lost, and of one that may still carry something."""
PING = 2
ANSWERS = 4
"""Threads that answer questions."""
HUNG_UP = (ConnectionResetError, BrokenPipeError)

T = TypeVar("T")
logger = logging.getLogger("sim2live.venues")


class NatsBroker(Broker):
    """A server of NATS with JetStream.

    Args:
        address: where it is, and how to prove who we are.
        subjects: the desk.
    """

    def __init__(self, address: NatsAddress, subjects: Subjects) -> None:
        self._address = address
        self._layout = Layout(subjects)
        self._process = os.getpid()
        self._client: Any = None
        self._ended = asyncio.Event()
        self._connecting = asyncio.Lock()
        self._closed = False
        self._complaint = ""
        self._watched: list[tuple[str, Callable[[bytes], None], bool]] = []
        self._served: list[tuple[str, Responder]] = []
        self._answering = ThreadPoolExecutor(ANSWERS, thread_name_prefix="sim2live-answer")
        self._parcels: SimpleQueue[Parcel] = SimpleQueue()
        self._pump: Pump | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="sim2live-nats", daemon=True)
        self._thread.start()

    def __repr__(self) -> str:
        return f"NatsBroker({self._address.text!r})"

    # -- the connection ------------------------------------------------------------------

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._keeping = self._loop.create_task(self._keep())
        self._loop.run_forever()
        self._loop.run_until_complete(asyncio.sleep(0))  # in this round it closes its sockets
        self._loop.close()

    async def _keep(self) -> None:
        """Connect again whenever the connection ends, so that news comes in by itself."""
        pause = FIRST_PAUSE
        while not self._closed:
            try:
                await self._connected(STEP)
            except NotSentError as error:
                logger.debug("%s", error)
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
            else:
                pause = FIRST_PAUSE
                await self._ended.wait()

    async def _connected(self, timeout: float) -> Any:
        """The client; where there is none, one attempt to connect."""
        if self._client is not None and self._client.is_connected:
            return self._client
        try:
            async with asyncio.timeout(timeout), self._connecting:
                if self._closed:
                    raise NotSentError("this line is closed")
                if self._client is None or not self._client.is_connected:
                    if self._client is not None:
                        await _let_go(self._client, LAST_WORD)
                    self._client = await self._connect(timeout)
                return self._client
        except TimeoutError:
            text = f"no connection to {self._address.text} in time"
            raise NotSentError(text, timed_out=True) from None
        except (OSError, ValueError, nats.errors.Error) as error:
            said = self._complaint or self._address.hide(str(error) or type(error).__name__)
            raise NotSentError(f"no connection to {self._address.text}: {said}") from None

    async def _connect(self, timeout: float) -> Any:
        ended = asyncio.Event()

        async def over() -> None:
            ended.set()

        async def complain(error: Exception) -> None:
            # In the end the library says only that there is no server left. Who refuses us hangs
            # up, and that may overtake the words: those of the attempt before still hold.
            said = self._address.hide(str(error) or type(error).__name__)
            if not (self._complaint and isinstance(error, HUNG_UP)):
                self._complaint = said
            logger.debug("nats at %s: %s", self._address.text, said)

        client = Client()
        try:
            await client.connect(
                **self._address.options(),
                allow_reconnect=False,
                connect_timeout=max(1, round(timeout)),  # the deadline around it is finer
                ping_interval=PING,
                reconnect_time_wait=0,
                max_reconnect_attempts=1,
                error_cb=complain,
                closed_cb=over,
                skip_subject_validation=True,  # they are made of tokens, not of what a user wrote
            )
            self._ended, self._complaint = ended, ""
            for subject, then, stored in self._watched:
                await self._subscribe(client, subject, then, stored)
            for subject, answer in self._served:
                await self._offer(client, subject, answer)
        except BaseException:
            await _let_go(client, LAST_WORD)
            raise
        return client

    def _do(self, work: Coroutine[Any, Any, T], timeout: float) -> T:
        """Run something in the loop's thread; it has its own deadline and says its own errors."""
        if self._closed or self._process != os.getpid():
            work.close()
            raise NotSentError("this line is closed, or belongs to another process")
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(timeout + GRACE)
        except UnknownOutcomeError:
            raise  # with its own words; it is a TimeoutError as well
        except WaitedTooLong:
            future.cancel()
            raise UnknownOutcomeError("the line did not answer in time", timed_out=True) from None

    async def _request(
        self, subject: str, data: bytes, headers: Mapping[str, str] | None, timeout: float
    ) -> Any:
        """One message and its reply; what was not written is told from what may have been."""
        started = self._loop.time()
        client = await self._connected(timeout)
        left = max(0.001, timeout - (self._loop.time() - started))
        ended = asyncio.ensure_future(self._ended.wait())
        reply = asyncio.ensure_future(client.request(subject, data, timeout=left, headers=headers))
        try:
            await asyncio.wait({reply, ended}, return_when=asyncio.FIRST_COMPLETED)
            if not reply.done():
                raise UnknownOutcomeError("the connection broke before the answer came")
            return reply.result()
        except nats.errors.NoRespondersError:
            raise NotSentError("nobody listens there: no relay has been at work") from None
        except nats.errors.TimeoutError:
            text = f"no answer from {self._address.text} within {timeout:g} s"
            raise UnknownOutcomeError(text, timed_out=True) from None
        except (nats.errors.ConnectionClosedError, nats.errors.MaxPayloadError) as error:
            # Raised before anything is written.
            raise NotSentError(str(error)) from None
        except (OSError, nats.errors.Error) as error:
            raise UnknownOutcomeError(str(error) or type(error).__name__) from None
        finally:
            ended.cancel()
            reply.cancel()
            with contextlib.suppress(BaseException):
                await reply

    # -- messages ------------------------------------------------------------------------

    def put(
        self, subject: str, data: bytes, *, id_: str, headers: Mapping[str, str], timeout: float
    ) -> bool:
        """Store a message; see :meth:`Broker.put`."""
        named = {**headers, **self._layout.named(id_)}
        reply = self._do(self._request(subject, data, named, timeout), timeout)
        return self._layout.acknowledged(reply.data)

    def last(self, subject: str, *, timeout: float) -> bytes | None:
        """The message stored last under a subject; see :meth:`Broker.last`."""

        async def look() -> bytes | None:
            client = await self._connected(timeout)
            found = await self._layout.last_news(client, subject, timeout)
            return None if found is None else found.data

        return self._step(look(), timeout)

    def watch(self, subject: str, then: Callable[[bytes], None], *, stored: bool) -> None:
        """Hand on each message under a subject; see :meth:`Broker.watch`."""

        async def begin() -> None:
            self._watched.append((subject, then, stored))
            client, ended = self._client, self._ended
            if client is not None and client.is_connected:
                try:
                    await self._subscribe(client, subject, then, stored)
                except BaseException:  # it would stay deaf to this; the next subscribes anew
                    await _let_go(client, LAST_WORD)
                    ended.set()
                    raise

        with contextlib.suppress(DeliveryError):
            self._step(begin(), STEP)

    async def _subscribe(
        self, client: Any, subject: str, then: Callable[[bytes], None], stored: bool
    ) -> None:
        async def heard(message: Any) -> None:
            then(message.data)

        if stored:
            with contextlib.suppress(nats.js.errors.APIError):
                # The server says no: without streams nobody has told anything yet.
                await self._layout.follow(client, subject, heard)
        else:
            await client.subscribe(subject, cb=heard)

    def ask(self, subject: str, data: bytes, *, timeout: float) -> bytes:
        """Put a question; see :meth:`Broker.ask`."""
        reply = self._do(self._request(subject, data, None, timeout), timeout)
        answer: bytes = reply.data
        return answer

    def serve(self, subject: str, answer: Responder) -> None:
        """Answer questions; see :meth:`Broker.serve`."""

        async def begin() -> None:
            self._served.append((subject, answer))
            if self._client is not None and self._client.is_connected:
                await self._offer(self._client, subject, answer)

        with contextlib.suppress(DeliveryError):
            self._step(begin(), STEP)

    async def _offer(self, client: Any, subject: str, answer: Responder) -> None:
        async def asked(message: Any) -> None:
            # Beside the loop: an answer may ask the venue, and the venue may take its time.
            work = self._loop.run_in_executor(self._answering, answer, message.data)
            self._loop.create_task(_reply(message, work))

        await client.subscribe(subject, cb=asked)

    # -- the queue -----------------------------------------------------------------------

    def begin(self) -> None:
        """Begin the queue anew; see :meth:`Broker.begin`."""

        async def begin() -> None:
            client = await self._connected(STEP)
            if self._pump is not None:
                self._pump.stop()
            await self._layout.prepare(client)
            self._parcels = SimpleQueue()
            self._pump = Pump(self._layout, client, self._parcels)
            await self._pump.start()

        self._step(begin(), STEP)

    def take(self, *, timeout: float) -> list[Parcel]:
        """Signals that have come; see :meth:`Broker.take`."""
        if self._pump is None or self._pump.ended:
            raise GoneError("the queue is not running")
        try:
            found = [self._parcels.get(timeout=timeout)]
        except Empty:
            return []
        while not self._parcels.empty():
            found.append(self._parcels.get())
        return found

    # -- the guarded value ---------------------------------------------------------------

    def read(self) -> Entry | None:
        """The guarded value; see :meth:`Broker.read`."""

        async def look() -> Entry | None:
            client = await self._connected(STEP)
            await self._layout.prepare_bucket(client)
            found = await self._layout.guarded(client, STEP)
            return None if found is None else Entry(found.data or b"", found.seq, to_ns(found.time))

        return self._step(look(), STEP)

    def write(self, value: bytes, revision: int) -> Entry:
        """Compare and swap; see :meth:`Broker.write`."""

        async def swap() -> Entry:
            client = await self._connected(STEP)
            bucket = await client.jetstream(timeout=STEP).key_value(self._layout.bucket)
            try:
                await bucket.update(BUCKET_KEY, value, last=revision)
            except nats.js.errors.KeyWrongLastSequenceError:
                raise ConflictError("somebody else has written the lease") from None
            found = await self._layout.guarded(client, STEP)
            if found is None or found.data != value:
                raise ConflictError("somebody else has written the lease")
            return Entry(value, found.seq, to_ns(found.time))

        return self._step(swap(), STEP)

    def _step(self, work: Coroutine[Any, Any, T], timeout: float) -> T:
        """Housekeeping: whatever fails is a `DeliveryError`, and is tried again later."""

        async def told() -> T:
            try:
                async with asyncio.timeout(timeout):
                    return await work
            except TimeoutError:
                raise UnknownOutcomeError("no answer in time", timed_out=True) from None
            except (OSError, nats.errors.Error) as error:
                said = self._address.hide(str(error) or type(error).__name__)
                raise DeliveryError(f"{self._address.text}: {said}") from None

        try:
            return self._do(told(), timeout)
        finally:
            work.close()

    def close(self) -> None:
        """Close the connection and end the thread."""
        if self._closed or self._process != os.getpid():
            return
        with contextlib.suppress(DeliveryError):
            self._step(self._end(), STEP)
        self._closed = True
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(STEP)
        self._answering.shutdown(wait=False, cancel_futures=True)

    async def _end(self) -> None:
        self._keeping.cancel()
        if self._pump is not None:
            self._pump.stop()
        if self._client is not None:
            await _let_go(self._client, LAST_FLUSH)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


async def _let_go(client: Any, seconds: float) -> None:
    """Close a client, and its socket in any case.

    The library closes the socket last, after a word to the server: where that fails or is cut off,
    the socket would stay open, and a client that had connected would go on answering pings.
    """
    try:
        with contextlib.suppress(Exception):
            await asyncio.wait_for(client.close(), seconds)
    finally:
        writer = getattr(client._transport, "_io_writer", None)
        if writer is not None:
            writer.transport.abort()


async def _reply(message: Any, work: Any) -> None:
    try:
        answer = await work
        if answer is not None:
            await message.respond(answer)
    except nats.errors.Error as error:
        logger.debug("an answer could not be given: %s", error)
