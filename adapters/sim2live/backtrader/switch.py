"""Simulation, paper or live? One line of a script, one word of the environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from sim2live import settings
from sim2live.backtrader.contract_broker import ContractBroker
from sim2live.backtrader.instruments import Instruments
from sim2live.backtrader.mirror import MirrorBroker
from sim2live.errors import ConfigError

if TYPE_CHECKING:
    from sim2live.gate.dispatch import Dispatcher
    from sim2live.sizing import Sizing


def broker(
    *,
    instruments: Instruments = None,
    sizing: str | Sizing = "exact",
    resting: Literal["auto", "emulated", "native"] = "auto",
    bracket: Literal["native", "emulated"] = "native",
    mode: settings.Mode | None = None,
    dispatcher: Dispatcher | None = None,
    **back_broker_params: Any,
) -> Any:
    """The broker that ``SIM2LIVE_MODE`` asks for.

    ``cerebro.setbroker(sim2live.backtrader.broker(instruments={"MES": "CME:MESZ6"}))``

    ============  ================================================================
    ``sim``       Backtrader's own broker; mapped datas have their contract's point
                  value, as the mirror gives them, so that both count the same money
    ``paper``     `MirrorBroker` on the paper venue in this process
    ``live``      `MirrorBroker` on the configured target
    ============  ================================================================

    Args:
        instruments: As in `MirrorBroker`.
        sizing: As in `MirrorBroker`; without effect in ``sim``.
        resting: As in `MirrorBroker`; without effect in ``sim``.
        bracket: As in `MirrorBroker`; without effect in ``sim``.
        mode: Instead of the settings' word.
        dispatcher: Instead of the one that `sim2live.connect` makes; not for ``sim``.
        back_broker_params: Parameters of ``BackBroker``, such as ``cash``.

    Returns:
        The broker, for ``cerebro.setbroker``.

    Raises:
        ConfigError: An unknown mode, ``live`` without a target, or as `MirrorBroker`.
    """
    chosen = settings.mode() if mode is None else mode
    if chosen not in ("sim", "paper", "live"):
        raise ConfigError(f"mode={chosen!r}: must be sim, paper or live")
    if chosen == "sim":
        return ContractBroker(instruments=instruments, **back_broker_params)
    if dispatcher is None:
        given = settings.load()
        if chosen == "live" and not given.target:
            raise ConfigError(
                "mode='live': set target in sim2live.toml or SIM2LIVE_TARGET to the venue"
            )
        dispatcher = settings.connect("paper" if chosen == "paper" else given.target)
    return MirrorBroker(
        dispatcher,
        instruments=instruments,
        sizing=sizing,
        resting=resting,
        bracket=bracket,
        **back_broker_params,
    )
