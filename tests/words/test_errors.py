"""Errors: one tree, each leaf a builtin too, and no value that floods a log."""

from __future__ import annotations

import pickle

import pytest

from sim2live import errors
from sim2live.errors import MissingExtraError, SignalError, shorten


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        ("ConfigError", ValueError),
        ("SizingError", ValueError),
        ("SignalError", ValueError),
        ("DataError", ValueError),
        ("NotSentError", ConnectionError),
        ("UnknownOutcomeError", TimeoutError),
        ("MissingExtraError", ImportError),
        ("LockedError", errors.JournalError),
    ],
)
def test_a_plain_script_catches_it_as_a_builtin(error: str, builtin: type) -> None:
    kind = getattr(errors, error)
    assert issubclass(kind, builtin)
    assert issubclass(kind, errors.Sim2LiveError)


def test_sent_or_not_can_be_told_apart() -> None:
    assert not issubclass(errors.NotSentError, errors.UnknownOutcomeError)
    assert not issubclass(errors.UnknownOutcomeError, errors.NotSentError)


def test_errors_survive_a_process_border() -> None:
    for error in (
        SignalError("qty", -1, "must be more"),
        SignalError("qty", None, "is required", message="Missing required field: qty"),
        MissingExtraError("polars", "vectorbt"),
    ):
        again = pickle.loads(pickle.dumps(error))
        assert (str(again), vars(again)) == (str(error), vars(error))


def test_a_missing_extra_says_what_to_type() -> None:
    error = MissingExtraError("polars", "vectorbt")
    assert str(error) == "polars is not installed; run: pip install 'sim2live[vectorbt]'"
    assert error.name == "polars"


@pytest.mark.parametrize(
    "value",
    ["x" * 10**6, b"x" * 10**6, 10**300, 10**5000, [0] * 10**4, "short", None],
    ids=["text", "bytes", "number", "unprintable number", "list", "short", "nothing"],
)
def test_a_value_is_shown_in_80_characters_at_most(value: object) -> None:
    assert len(shorten(value)) <= 80
    assert len(str(SignalError("qty", value, "must be less"))) <= 80 + len("qty=: must be less")


def test_a_short_value_is_shown_whole() -> None:
    assert shorten("a'b") == '"a\'b"'
    assert shorten("x" * 78) == repr("x" * 78)
    assert shorten("x" * 79).endswith("…")
