"""How a request is written and when an answer is complete: HTTP/1.1 without a socket.

Both transports share this. Nothing here waits or reads a clock, so the rules can be
tried byte by byte.
"""

from __future__ import annotations

import ipaddress
from typing import Final
from urllib.parse import urlsplit

import httptools

from sim2live.errors import ConfigError

__all__ = ["Answer", "AnswerReader", "BadAnswerError", "Endpoint"]

_MAX_HEAD: Final = 64 * 1024
_MAX_ANSWER: Final = 1024 * 1024
_MAX_CACHED_HEADS: Final = 256
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class BadAnswerError(Exception):
    """What came back is not one whole HTTP answer; it proves nothing."""


class Answer:
    """One whole HTTP answer.

    Attributes:
        status: The HTTP status, never 1xx.
        body: The body, chunks joined.
    """

    __slots__ = ("_fields", "body", "status")

    def __init__(self, status: int, fields: list[tuple[bytes, bytes]], body: bytes) -> None:
        self.status = status
        self.body = body
        self._fields = fields

    @property
    def headers(self) -> dict[str, str]:
        """Header names in lower case; values of a repeated name joined with ", "."""
        # Made on demand: an accepted signal never looks at them.
        headers: dict[str, str] = {}
        for raw_name, raw_value in self._fields:
            name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
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
        self._heads: dict[str, bytes] = {}

    def __repr__(self) -> str:
        return f"Endpoint({self.url!r})"

    def post(self, path: str, body: bytes) -> bytes:
        """One POST of JSON as the bytes that go on the wire, head and body together."""
        head = self._heads.get(path)
        if head is None:
            head = self._head("POST", path) + b"Content-Type: application/json\r\nContent-Length: "
            if len(self._heads) >= _MAX_CACHED_HEADS:
                self._heads.clear()
            self._heads[path] = head
        return b"%b%d\r\n\r\n%b" % (head, len(body), body)

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
    """Reads the answers of one connection, one at a time.

    The caller says :meth:`begin` before each request and feeds what the socket gives until
    :meth:`feed` returns True. The methods named ``on_...`` are called by the parser.

    Attributes:
        reusable: After a whole answer: the connection may carry another request.
    """

    __slots__ = (
        "_body",
        "_complete",
        "_fields",
        "_keep",
        "_parser",
        "_seen",
        "_status",
        "reusable",
    )

    def __init__(self) -> None:
        # The parser lives as long as the connection: it and this object hold each other, and
        # a new pair for each answer would be work for the garbage collector.
        self._parser = httptools.HttpResponseParser(self)
        self.begin()

    def begin(self) -> None:
        """Expect a new answer."""
        self._fields: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._status = 0
        self._seen = 0
        self._keep = False
        self._complete = False
        self.reusable = False

    def feed(self, data: bytes) -> bool:
        """Take the next bytes; empty means that the server has ended the stream.

        Returns:
            True when the answer is whole.

        Raises:
            BadAnswerError: It is malformed, cut short, too large, or switches protocols.
        """
        if not data:
            return self._end_of_stream()
        self._seen += len(data)
        self.reusable = True  # unless something below speaks against it
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            # Behind a whole answer this is surplus: the answer stands, the connection does not.
            self.reusable = False
            if not self._complete or self._status == 101:
                raise BadAnswerError(f"not an HTTP answer: {error}") from error
        if self._complete:
            self.reusable = self.reusable and self._keep
            return True
        if self._seen > (_MAX_ANSWER if self._status else _MAX_HEAD):
            raise BadAnswerError(f"the answer is too large ({self._seen} bytes and more)")
        return False

    def answer(self) -> Answer:
        """The answer, once it is whole."""
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        return Answer(self._status, self._fields, body)

    def _end_of_stream(self) -> bool:
        self.reusable = False
        if not self._status:
            raise BadAnswerError(
                f"the stream ended before the answer's head did ({self._seen} bytes)"
            )
        headers = self.answer().headers
        if "content-length" in headers or "transfer-encoding" in headers:
            raise BadAnswerError(f"the stream ended inside the answer's body ({self._seen} bytes)")
        self._complete = True  # a body without a stated end lasts until the stream ends
        return True

    def on_message_begin(self) -> None:
        """An answer starts; behind a whole one that is surplus."""
        if self._complete:
            self.reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header line."""
        if not self._status:  # later ones are trailers, or belong to surplus
            self._fields.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is whole."""
        if self._complete:
            return
        self._status = self._parser.get_status_code()
        self._keep = self._parser.should_keep_alive()

    def on_body(self, data: bytes) -> None:
        """A piece of the body, without its framing."""
        if not self._complete:
            self._body.append(data)

    def on_message_complete(self) -> None:
        """The answer is whole, or it was an interim one (1xx)."""
        if 100 <= self._status <= 199 and self._status != 101:
            self._status = 0  # an interim answer; the final one follows
            self._fields = []
        else:
            self._complete = True


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
