"""How a socket gets connected before a deadline, and watched while idle."""

from __future__ import annotations

import queue
import select
import socket
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sim2live.venues.http1 import Endpoint

if TYPE_CHECKING:
    import ssl

__all__ = ["dial", "watch"]

_Address = tuple[int, Any]


def dial(
    endpoint: Endpoint, context: ssl.SSLContext | None, left: Callable[[], float]
) -> socket.socket:
    """Connect to a server, trying its addresses in order, and shake hands where it is TLS.

    Args:
        endpoint: Where to.
        context: For https; None for plain http.
        left: Seconds left; raises TimeoutError when there are none.

    Returns:
        A connected socket that never blocks, without Nagle's delay.

    Raises:
        TimeoutError: The deadline came first.
        OSError: No address could be reached, or TLS failed.
    """
    failure = OSError(f"the name {endpoint.host} has no address")
    for family, address in _addresses(endpoint, left):
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.settimeout(left())
            sock.connect(address)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if context is not None:
                sock.settimeout(left())
                # A ragged end is an error here: else a cut-off body could pass for a whole one.
                sock = context.wrap_socket(
                    sock, server_hostname=endpoint.host, suppress_ragged_eofs=False
                )
            sock.setblocking(False)
            return sock
        except BaseException as error:
            sock.close()
            if not isinstance(error, OSError):
                raise
            failure = error
    raise failure


def watch(sock: socket.socket) -> Callable[[float], object]:
    """A question to ask again and again: is there input, an end of stream or an error?

    Args:
        sock: A connected socket.

    Returns:
        A function of the milliseconds to wait; what it returns is true if there is something.
    """
    if not hasattr(select, "poll"):  # Windows
        return lambda wait: select.select([sock], [], [], wait / 1000)[0]
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return poll.poll


def _addresses(endpoint: Endpoint, left: Callable[[], float]) -> list[_Address]:
    host, port = endpoint.host, endpoint.port
    if endpoint.numeric:
        return _lookup(host, port)
    # Resolving a name knows no time limit, so a thread does it and may be left behind.
    found: queue.SimpleQueue[list[_Address] | OSError] = queue.SimpleQueue()

    def resolve() -> None:
        try:
            found.put(_lookup(host, port))
        except OSError as error:
            found.put(error)

    threading.Thread(target=resolve, name="sim2live-resolve", daemon=True).start()
    try:
        result = found.get(timeout=left())
    except queue.Empty:
        raise TimeoutError(f"the name {host} was not resolved in time") from None
    if isinstance(result, OSError):
        raise result
    return result


def _lookup(host: str, port: int) -> list[_Address]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # a label longer than 63 characters
        raise OSError(f"the name {host} cannot be resolved: {error}") from error
    return [(family, address) for family, _, _, _, address in found]
