"""Which pools of simulated accounts does a file describe?

The same shape in TOML and JSON::

    [pools.scalping-mes]
    accounts = [
        { name = "alice", balance = 50000, multiplier = 1 },
        { name = "bob", multiplier = 2 },
    ]
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from sim2live.errors import ConfigError
from sim2live.exchange.accounts import Pool


class _File(msgspec.Struct, forbid_unknown_fields=True):
    pools: dict[str, Pool]


def load_pools(path: str | Path) -> dict[str, Pool]:
    """Read pools from a TOML or JSON file.

    Args:
        path: The file; its ending says which of the two it is.

    Returns:
        Pools by name.

    Raises:
        ConfigError: The file cannot be read, or does not say what it should.
    """
    path = Path(path)
    ending = path.suffix.lower()
    if ending not in (".toml", ".json"):
        raise ConfigError(f"pools={str(path)!r}: must be a .toml or .json file")
    try:
        text = path.read_bytes()
        if ending == ".toml":
            found = msgspec.toml.decode(text, type=_File)
        else:
            found = msgspec.json.decode(text, type=_File)
    except OSError as error:
        raise ConfigError(f"pools={str(path)!r}: {error.strerror or error}") from None
    except (msgspec.MsgspecError, ValueError) as error:
        raise ConfigError(f"pools={str(path)!r}: {error}") from None
    if not found.pools:
        raise ConfigError(f"pools={str(path)!r}: names no pool")
    return found.pools
