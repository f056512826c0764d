"""Every error that sim2live raises on purpose.

    Sim2LiveError
    ├── ConfigError          (ValueError)        a setting, an instrument map or a target is wrong
    │   └── SizingError                          a size cannot be turned into whole contracts
    ├── SignalError          (ValueError)        a signal breaks a rule: `.field`, `.value`, `.rule`
    ├── DataError            (ValueError)        a bar, or a row of a data file, is wrong
    ├── DeliveryError                            a signal was not delivered, or nobody knows
    │   ├── NotSentError     (ConnectionError)   nothing reached the venue
    │   └── UnknownOutcomeError (TimeoutError)   it may have been executed, or not
    ├── JournalError                             the journal cannot be read or written
    │   └── LockedError                          another process follows this venue and workflow
    └── MissingExtraError    (ImportError)       an optional package is absent

Each leaf is also the builtin that a plain script would catch, so `except ConnectionError`
and `except ValueError` work without importing anything from here.
"""

from __future__ import annotations

_SHOWN = 80


class Sim2LiveError(Exception):
    """Root of all errors that sim2live raises on purpose."""


class ConfigError(Sim2LiveError, ValueError):
    """A setting, an instrument map or a target is wrong; nothing has been sent."""


class SizingError(ConfigError):
    """A size cannot be turned into whole contracts."""


class SignalError(Sim2LiveError, ValueError):
    """A signal breaks a rule of the wire; no byte of it has left.

    Args:
        field: Dotted path of the field, such as ``bracket.stop_loss.trigger_price``;
            ``body`` when the message as a whole is wrong.
        value: What was found there.
        rule: What would have been right, as the end of a sentence.
        message: The whole sentence, where it is not ``field=value: rule``.

    Attributes:
        field: As given.
        value: As given.
        rule: As given.
    """

    def __init__(self, field: str, value: object, rule: str, *, message: str | None = None) -> None:
        super().__init__(message or f"{field}={shorten(value)}: {rule}")
        self.field = field
        self.value = value
        self.rule = rule
        self._message = message

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions are rebuilt from their text unless told otherwise; this one has named parts.
        return _signal_error, (self.field, self.value, self.rule, self._message)


class DataError(Sim2LiveError, ValueError):
    """A bar, or a row of a data file, is wrong."""


class DeliveryError(Sim2LiveError):
    """A signal was not delivered, or nobody knows whether it was.

    Args:
        message: What happened.
        timed_out: True when the deadline ended the exchange.
    """

    def __init__(self, message: str, *, timed_out: bool = False) -> None:
        super().__init__(message)
        self.timed_out = timed_out


class NotSentError(DeliveryError, ConnectionError):
    """Nothing reached the venue; sending the same signal again is safe."""


class UnknownOutcomeError(DeliveryError, TimeoutError):
    """The venue may or may not have the signal; sending it again is not safe."""


class JournalError(Sim2LiveError):
    """The journal cannot be read or written."""


class LockedError(JournalError):
    """Another process already follows this venue and workflow."""


class MissingExtraError(Sim2LiveError, ImportError):
    """An optional package is absent.

    Args:
        package: The package that could not be imported.
        extra: The extra of sim2live that brings it.
    """

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"{package} is not installed; run: pip install 'sim2live[{extra}]'", name=package
        )
        self.package = package
        self.extra = extra

    def __reduce__(self) -> tuple[object, ...]:
        return MissingExtraError, (self.package, self.extra)


def shorten(value: object, limit: int = _SHOWN) -> str:
    """A value as it stands in an error: its repr, cut to `limit` characters.

    Args:
        value: Anything, hostile input included.
        limit: Longest text to return.

    Returns:
        The repr, with an ellipsis where something was cut.
    """
    if isinstance(value, (str, bytes)) and len(value) > limit:
        value = value[:limit]
        text = repr(value) + "…"
    else:
        try:
            text = repr(value)
        except ValueError:  # an int with more digits than Python agrees to print
            text = f"<{type(value).__name__} too large to print>"
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _signal_error(field: str, value: object, rule: str, message: str | None) -> SignalError:
    return SignalError(field, value, rule, message=message)
