"""The same sweeps on a real Ray node of this machine."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.sweep import strategies, worked

from sim2live import sweep
from sim2live.errors import ConfigError

pytestmark = [
    pytest.mark.slow,
    # Ray's own; sockets and pipes of processes that it ended itself among them.
    pytest.mark.filterwarnings("ignore::FutureWarning:ray.*", "ignore::ResourceWarning"),
]


@pytest.fixture(scope="module")
def node() -> Iterator[Any]:
    """Ray on this machine with two workers, as a user's script would have started it."""
    import ray

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        ray.init(
            num_cpus=2, include_dashboard=False, object_store_memory=100 * 2**20,
            log_to_driver=False, _node_ip_address="127.0.0.1",
        )  # fmt: skip
        yield ray
        ray.shutdown()


def swept(make: Any, grid: Any, **options: Any) -> sweep.GridSweep:
    return sweep.grid(make, grid, worked.bars(), "ray", workers=2, progress=False, **options)


def test_rows_are_those_of_this_machine(node: Any) -> None:
    grid = {"fast": [3, 5, 8], "slow": [8, 13]}
    there = swept(worked.portfolio, grid)
    row = there.frame.iloc[3]
    assert row["total_return"] == worked.portfolio(worked.bars(), 5, 13).total_return()
    assert len(there.frame) == 5
    assert there.failures["error"][0].startswith("ValueError: fast=8 is not below slow=8")
    assert swept(worked.portfolios, grid, call="chunk").frame.equals(there.frame)


def test_a_point_that_kills_its_worker_is_found(node: Any) -> None:
    found = swept(worked.deadly, {"n": range(8)}, measure=worked.number)
    assert found.failures["n"].tolist() == [5]
    assert found.frame["square"].tolist() == [n**2 for n in range(8) if n != 5]


def test_a_strategy_of_backtrader_runs_there(node: Any) -> None:
    there = sweep.cerebro(
        strategies.Above, {"period": [5, 60]}, strategies.cerebro, "ray", progress=False
    )
    cerebro = strategies.cerebro()
    cerebro.addstrategy(strategies.Above, period=5)
    assert there.frame["value"].tolist() == [cerebro.run()[0].broker.getvalue()]
    assert there.failures["period"].tolist() == [60]


def test_ray_that_was_there_before_stays(node: Any) -> None:
    swept(worked.deadly, {"n": [1]}, measure=worked.number)
    assert node.is_initialized()


def test_functions_of_a_script_travel_with_their_code(node: Any) -> None:
    """On a cluster a worker's ``__main__`` is another one."""
    names: dict[str, Any] = {"__name__": "__main__"}
    exec("def twice(data, n):\n    return 2 * n\n", names)
    found = swept(names["twice"], {"n": [1, 2]}, measure=worked.number)
    assert found.frame["square"].tolist() == [4.0, 16.0]


def test_a_function_that_workers_cannot_import_is_told(
    node: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "only_here.py").write_text("def twice(data, n):\n    return 2 * n\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigError, match=r"cannot load the work.*only_here.*runtime_env"):
        swept(importlib.import_module("only_here").twice, {"n": [1, 2]}, measure=worked.number)


def test_a_cluster_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(**_: Any) -> None:
        raise ConnectionError("ray client connection timeout")  # after half a minute

    monkeypatch.setattr("ray.init", nobody)
    monkeypatch.setattr("ray.is_initialized", lambda: False)
    with pytest.raises(ConfigError, match=r"on='ray://127.0.0.1:9': no Ray cluster.*timeout"):
        sweep.grid(worked.portfolio, {"n": [1]}, worked.bars(), "ray://127.0.0.1:9")


def test_the_extra_brings_what_a_cluster_address_needs() -> None:
    """``ray://`` is spoken by a part of Ray that is installed by name."""
    assert importlib.util.find_spec("grpc")
