"""How a request is written and when an answer is complete: HTTP/1.1 without a socket.

Both transports share this. Nothing here waits or reads a clock, so the rules can be
tried byte by byte.
"""

from __future__ import annotations

import ipaddress
from typing import Final
from urllib.parse import urlsplit

import httptools
from msgspec import Struct

from sim2live.errors import ConfigError

__all__ = ["Answer", "AnswerReader", "BadAnswerError", "Endpoint"]

_MAX_HEAD: Final = 64 * 1024
_MAX_ANSWER: Final = 1024 * 1024
_MAX_CACHED_HEADS: Final = 256
#: With one of these the end of the stream is not the end of the body.
_FRAMED: Final = frozenset({"content-length", "transfer-encoding"})
#: Stands among the header lines, where no real one can have an empty name.
_MARK: Final = b""
_END: Final = b"\r\n\r\n"
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class BadAnswerError(Exception):
    """What came back is not one whole HTTP answer; it proves nothing."""


class Answer(Struct, frozen=True, eq=False):
    """One whole HTTP answer.

    Attributes:
        status: The HTTP status, never 1xx.
        head: The header lines as they came; of a repeated name the first.
        body: The body, chunks joined.
    """

    status: int
    head: dict[bytes, bytes]
    body: bytes

    @property
    def headers(self) -> dict[str, str]:
        """The headers, names in lower case; of a repeated name the first."""
        # Made on demand: an accepted signal never looks at them.
        headers: dict[str, str] = {}
        for name, value in self.head.items():
            headers.setdefault(name.decode("latin-1").lower(), value.decode("latin-1"))
        return headers

    def __repr__(self) -> str:
        return f"Answer(status={self.status}, body={len(self.body)} bytes)"


class Endpoint:
    """A base URL that has been checked, and the heads of the requests that go to it.

    Args:
        base_url: ``http://`` or ``https://``, a host, an optional port and path prefix.
        token: Bearer token, or None. It is never shown.

    Attributes:
        url: The base URL in one spelling: lower case, no default port, no slash at the end.
        host: Host name or address, without brackets.
        port: The port.
        tls: True for https.
        numeric: True when the host is an address, so that no name has to be resolved.

    Raises:
        ConfigError: The URL or the token breaks a rule. The message holds no secret.
    """

    __slots__ = ("_after", "_before", "_heads", "_token", "host", "numeric", "port", "tls", "url")

    def __init__(self, base_url: str, *, token: str | None = None) -> None:
        scheme, self.host, self.port, prefix = _split(base_url)
        self.tls = scheme == "https"
        self.numeric = _is_address(self.host)
        name = f"[{self.host}]" if ":" in self.host else self.host
        authority = name if self.port == _DEFAULT_PORTS[scheme] else f"{name}:{self.port}"
        self.url = f"{scheme}://{authority}{prefix}"
        self._token = _checked_token(token)
        secret = f"Authorization: Bearer {token}\r\n" if token is not None else ""
        self._before = prefix
        self._after = (
            f" HTTP/1.1\r\nHost: {authority}\r\n{secret}User-Agent: sim2live\r\n"
            "Accept: application/json\r\n"
        )
        self._heads: dict[tuple[str, int], bytes] = {}

    def __repr__(self) -> str:
        return f"Endpoint({self.url!r})"

    def post(self, path: str, body: bytes) -> bytes:
        """One POST of JSON as the bytes that go on the wire, head and body together."""
        # Orders of one pool have a few lengths only, so their whole heads are kept.
        key = (path, len(body))
        head = self._heads.get(key)
        if head is None:
            length = b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
            head = self._head("POST", path) + length
            if len(self._heads) >= _MAX_CACHED_HEADS:
                self._heads.clear()
            self._heads[key] = head
        return head + body

    def get(self, path: str) -> bytes:
        """One GET as the bytes that go on the wire."""
        return self._head("GET", path) + b"\r\n"

    def hide(self, text: str) -> str:
        """The same text without the token, should a server have echoed it."""
        return text if self._token is None else text.replace(self._token, "***")

    def _head(self, method: str, path: str) -> bytes:
        if not path.startswith("/") or not _visible(path) or "#" in path:
            rule = "must start with / and hold visible ASCII only, percent-encoded, without #"
            raise ConfigError(f"path={path[:80]!r}: {rule}")
        return f"{method} {self._before}{path}{self._after}".encode("ascii")


class AnswerReader:
    """Reads the answers of one connection, one after the other.

    The names that start with ``on_`` are called by the parser. Where a method of a list or a
    dict does the work, it stands there itself: that saves a Python frame for each header line.

    Attributes:
        reusable: After a whole answer: the connection may carry another request.
    """

    __slots__ = (
        "_body",
        "_complete",
        "_familiar",
        "_familiar_size",
        "_head",
        "_keep",
        "_lines",
        "_parser",
        "_pieces",
        "_seen",
        "_status",
        "on_body",
        "on_header",
        "on_message_begin",
        "reusable",
    )

    def __init__(self) -> None:
        self._lines: dict[bytes, bytes] = {}
        self._pieces: list[bytes] = []
        self._head: dict[bytes, bytes] | None = None
        self._complete = False
        self._seen = 0
        self.reusable = False
        self._familiar: tuple[bytes, dict[bytes, bytes]] = (b"", {})
        self._familiar_size = -1  # no answer has this size
        self.on_message_begin = self._lines.clear
        self.on_header = self._lines.setdefault
        self.on_body = self._pieces.append
        # The parser lives as long as the connection: it and this object hold each other, and
        # a new pair for each answer would be work for the garbage collector.
        self._parser = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> Answer | None:
        """Take the next bytes; empty means that the server has ended the stream.

        Returns:
            The answer once it is whole, else None. After that the next one is expected.

        Raises:
            BadAnswerError: It is malformed, cut short, too large, or switches protocols.
        """
        if len(data) == self._familiar_size and not self._seen:
            start, head = self._familiar
            if data.startswith(start):
                # The same head and the same length as last time: it reads as it did then.
                return Answer(self._status, head, data[len(start) :])
        if not data:
            return self._end_of_stream()
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._keep = False
            if not self._complete:
                raise BadAnswerError(f"not an HTTP answer: {error}") from error
            # Behind a whole answer it is surplus: the answer stands, the connection does not.
        if self._complete:
            # Whatever comes behind a whole answer begins a message, which clears the mark.
            self.reusable = self._keep and _MARK in self._lines
            return self._remember(data, self._take())
        self._seen += len(data)
        if self._seen > (_MAX_HEAD if self._head is None else _MAX_ANSWER):
            raise BadAnswerError(f"the answer is too large ({self._seen} bytes and more)")
        return None

    def on_headers_complete(self) -> None:
        """The head is whole; header lines that come later are trailers."""
        if not self._complete:
            self._status = self._parser.get_status_code()
            self._keep = self._parser.should_keep_alive()
            self._head = self._lines.copy()

    def on_message_complete(self) -> None:
        """The answer is whole, or it was an interim one (1xx)."""
        if self._complete:
            self._keep = False
        elif self._status >= 200:
            self._complete = True
            self._body = b"".join(self._pieces)
            self._lines[_MARK] = b""
        elif self._status != 101:  # after that one the connection speaks something else
            self._head = None

    def _end_of_stream(self) -> Answer:
        self.reusable = False
        if self._head is None:
            raise BadAnswerError(f"the stream ended before the answer's head ({self._seen} bytes)")
        self._body = b"".join(self._pieces)
        answer = self._take()
        if answer.status < 200 or not answer.headers.keys().isdisjoint(_FRAMED):
            raise BadAnswerError(f"the stream ended inside the answer ({self._seen} bytes)")
        return answer  # a body without a stated end lasts until the stream ends

    def _remember(self, data: bytes, answer: Answer) -> Answer:
        """Keep the head for the next answer, if this one came alone, whole and in one piece.

        Behind the first empty line then stands the body as it is: no interim answer before it,
        no chunks, no part of it in an earlier piece. Most servers answer each signal with the
        same head.
        """
        start = data[: len(data) - len(answer.body)]
        if self.reusable and data.startswith(b"HTTP/") and data.find(_END) + 4 == len(start):
            self._familiar = (start, answer.head)
            self._familiar_size = len(data)
        else:
            self._familiar_size = -1
        return answer

    def _take(self) -> Answer:
        head = self._head
        assert head is not None
        self._head = None
        self._complete = False
        self._seen = 0
        self._pieces.clear()
        return Answer(self._status, head, self._body)


def _split(base_url: object) -> tuple[str, str, int, str]:
    if not isinstance(base_url, str) or not _visible(base_url) or "\\" in base_url:
        # The value is not shown: it may hold a password.
        raise ConfigError("base_url: must be visible ASCII text without spaces or backslashes")
    try:
        parts = urlsplit(base_url)
        port = parts.port
        host = parts.hostname or ""
    except ValueError as error:
        raise ConfigError(f"base_url: {error}") from None
    if "@" in parts.netloc:
        raise ConfigError("base_url: must not carry a user name or password; use token=")
    shown = repr(base_url[:80])
    scheme = parts.scheme
    if scheme not in _DEFAULT_PORTS:
        raise ConfigError(f"base_url={shown}: must start with http:// or https://")
    if not host or "%" in host or any(char in host for char in "/?#[]<>\"'"):
        raise ConfigError(f"base_url={shown}: must name a host")
    if port == 0 or parts.netloc.endswith(":"):
        raise ConfigError(f"base_url={shown}: the port must be from 1 to 65535")
    if "?" in base_url or "#" in base_url:
        raise ConfigError(f"base_url={shown}: must not carry a query or fragment")
    prefix = parts.path.rstrip("/")
    if any(part in {".", "..", ""} for part in prefix.split("/")[1:]):
        raise ConfigError(f"base_url={shown}: the path must not hold empty or dot segments")
    return scheme, host, port or _DEFAULT_PORTS[scheme], prefix


def _checked_token(token: object) -> str | None:
    if token is None:
        return None
    if not isinstance(token, str) or not _visible(token):
        raise ConfigError("token: must be visible ASCII text without spaces (it is not shown here)")
    return token


def _visible(text: str) -> bool:
    return bool(text) and all("!" <= char <= "~" for char in text)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
