"""Settings for tests at venues that claim to be real: as if a human had confirmed the strategy."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from sim2live.settings import Rules, Settings


def agreed(**changes: Any) -> Settings:
    """Settings with these changes, whose entries need no `sim2live doctor --preflight`."""
    rules = replace(changes.pop("rules", Rules()), preflight=False)
    return Settings(rules=rules, **changes)
