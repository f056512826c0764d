"""Is the installed Zipline one that works, and if not, what mends it?"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from sim2live.errors import ConfigError, MissingExtraError

OLDEST = (3, 2, 1)
_MEND = "run: pip install 'zipline-reloaded>=3.2.1' 'pandas>=2.2,<3'"


def check() -> None:
    """Refuse a Zipline that cannot work, with the line that mends it.

    Where pandas 3 is installed, a solver falls back to zipline-reloaded 3.0.4 without a word, and
    that release cannot even be imported with numpy 2.

    Raises:
        MissingExtraError: Zipline is not installed.
        ConfigError: It is too old, or cannot be imported.
    """
    try:
        found = version("zipline-reloaded")
    except PackageNotFoundError:
        raise MissingExtraError("zipline-reloaded", "zipline") from None
    complain(found)
    try:
        import zipline  # noqa: F401
    except Exception as wrong:
        raise ConfigError(
            f"zipline-reloaded {found} cannot be imported ({wrong}); {_MEND}"
        ) from wrong


def complain(found: str) -> None:
    """Raise for a release that is too old.

    Raises:
        ConfigError: It is older than 3.2.1.
    """
    parts = []
    for part in found.split(".")[:3]:
        digits = "".join(character for character in part if character.isdigit())
        parts.append(int(digits or 0))
    if tuple(parts) < OLDEST:
        raise ConfigError(f"zipline-reloaded {found} is too old (3.2.1 is needed); {_MEND}")
