"""Sweeps start processes, and each loads its framework anew: they may take longer."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/sweep" in item.path.as_posix():
            for noise in (
                "ignore::FutureWarning:vectorbt.*",
                "ignore::DeprecationWarning:vectorbt.*",
            ):
                item.add_marker(pytest.mark.filterwarnings(noise))
