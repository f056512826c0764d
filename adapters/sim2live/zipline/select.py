"""Simulation, mirror on paper, or live? The one-line switch of `run_algorithm`."""

from __future__ import annotations

from typing import Any

from zipline.finance.blotter import SimulationBlotter

from sim2live import settings
from sim2live.errors import ConfigError
from sim2live.zipline.following import Instruments
from sim2live.zipline.futures import FuturesCommission
from sim2live.zipline.mirror import MirrorBlotter


def blotter(
    target: Any = None,
    *,
    instruments: Instruments = None,
    sizing: Any = "exact",
    workflow: str | None = None,
    strategy: str | None = None,
    run: str | None = None,
    journal: Any = None,
    **simulation_blotter_params: Any,
) -> SimulationBlotter:
    """The blotter that ``SIM2LIVE_MODE`` asks for, ready for `run_algorithm(blotter=...)`.

    ``sim`` is Zipline's own simulation, ``paper`` (the default) a `MirrorBlotter` on the paper
    venue or on `target`. ``live`` is refused here: `run_algorithm` replays history, and
    `run_live` is what runs live.

    Args:
        target: As for `sim2live.connect`, a simulated venue; what settings say by default.
        instruments: As for `MirrorBlotter`.
        sizing: As for `MirrorBlotter`.
        workflow: As for `sim2live.connect`.
        strategy: As for `sim2live.connect`.
        run: As for `sim2live.connect`.
        journal: As for `sim2live.connect`.
        simulation_blotter_params: As for `SimulationBlotter`.

    Raises:
        ConfigError: The mode is ``live``, or the target is no simulated venue.
    """
    mode = settings.mode()
    if mode == "sim":
        fees = simulation_blotter_params.pop("future_commission", None) or FuturesCommission()
        return SimulationBlotter(future_commission=fees, **simulation_blotter_params)
    if mode == "live":
        raise ConfigError(
            "SIM2LIVE_MODE=live: run_algorithm replays history and never dispatches to a real "
            "venue; run the same functions with sim2live.zipline.run_live"
        )
    dispatcher = settings.connect(
        target, workflow=workflow, strategy=strategy, run=run, journal=journal
    )
    return MirrorBlotter(
        dispatcher, instruments=instruments, sizing=sizing, **simulation_blotter_params
    )
