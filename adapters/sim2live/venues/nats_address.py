"""Where a NATS server is, and how this process proves who it is."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import unquote, urlsplit

from sim2live.errors import ConfigError

__all__ = ["DEFAULT_DESK", "NatsAddress"]

DEFAULT_DESK: Final = "desk"
PORT: Final = 4222


class NatsAddress:
    """A target such as ``nats://host:4222``, with the secrets that go with it.

    Args:
        target: ``nats://host[:port][/desk]``, or ``tls://`` for TLS. The desk names one relay and
            its strategies on a server that others share.
        token: of a server that asks for one.
        nkey: seed of an nkey user (``SU...``).
        ca: a file of certificates to trust instead of the system's.

    Attributes:
        text: the address without anything secret.
        desk: the desk.

    Raises:
        ConfigError: the target is written in another way, or holds a secret.
    """

    def __init__(
        self,
        target: str,
        *,
        token: str | None = None,
        nkey: str | None = None,
        ca: str | None = None,
    ) -> None:
        try:
            parts = urlsplit(target)
            port = parts.port
        except ValueError:
            raise ConfigError("target: the port of the nats server is no number") from None
        if "@" in parts.netloc:
            raise ConfigError(
                "target: a secret does not belong in an address; put it into the environment as "
                "SIM2LIVE_NATS_TOKEN"
            )
        if parts.scheme not in ("nats", "tls") or not parts.hostname or parts.query:
            raise ConfigError(f"target={target!r}: must be like nats://host:4222 or tls://host")
        for name, secret in (("token", token), ("nkey", nkey)):
            if secret is not None and not (secret.isascii() and secret.isprintable()):
                raise ConfigError(f"{name}: must be printable ASCII")
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        self._url = f"{parts.scheme}://{host}:{port or PORT}"
        self._token, self._nkey, self._ca = token, nkey, ca
        self._tls = parts.scheme == "tls" or ca is not None
        self.desk = unquote(parts.path.strip("/")) or DEFAULT_DESK
        self.text = self._url if self.desk == DEFAULT_DESK else f"{self._url}/{self.desk}"

    def __repr__(self) -> str:
        return f"NatsAddress({self.text!r})"

    def options(self) -> dict[str, Any]:
        """What the client library is told; holds secrets."""
        made: dict[str, Any] = {"servers": [self._url]}
        if self._token is not None:
            made["token"] = self._token
        if self._nkey is not None:
            made["nkeys_seed_str"] = self._nkey
        if self._tls:
            import ssl

            made["tls"] = ssl.create_default_context(cafile=self._ca)
        return made

    def hide(self, text: str) -> str:
        """A text without our secrets, which a server may echo."""
        for secret in (self._token, self._nkey):
            if secret:
                text = text.replace(secret, "***")
        return text
