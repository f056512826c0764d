"""What is one point worth, when the user has not said so?

The stock broker takes a point of any data for one unit of money. A data that is mapped to a
futures contract gets the contract's point value instead, unless the user set a commission scheme
for it, or for all datas: an explicit scheme always wins.
"""

from __future__ import annotations

from typing import Any, Final

import backtrader as bt

from sim2live.backtrader.instruments import InstrumentMap, Instruments
from sim2live.errors import ConfigError
from sim2live.market.contracts import SIM, contract
from sim2live.signals import Instrument

_STOCK_TERMS: Final = bt.brokers.BackBroker.params.commission


class ContractBroker(bt.brokers.BackBroker):
    """Backtrader's own broker, with point values from `sim2live.market.contracts`.

    A mapped futures contract is settled in cash at every bar, with no commission. Nobody but the
    user's own broker knows its margin, so the cash check asks for one unit of money per contract
    only; ``setcommission(margin=..., mult=..., name=...)`` says it better, and wins.

    Args:
        instruments: As in `MirrorBroker`. None leaves everything as in stock Backtrader.
        kwargs: Parameters of ``BackBroker``.
    """

    def __init__(self, *, instruments: Instruments = None) -> None:
        if not hasattr(self, "_map"):
            self._map = InstrumentMap(instruments, simulated=True)
        self._mapped = self._map.explicit
        self._terms: dict[int, Any] = {}
        super().__init__()

    def start(self) -> None:
        """Begin a run: forget the last one."""
        self._map.open(self.cerebro.datas)
        self._terms = {}
        super().start()

    def getcommissioninfo(self, data: Any) -> Any:
        """The user's scheme for the data, else the user's default, else the contract's."""
        # Stock asks this several times a bar for each position, so it has to be short.
        schemes = self.comminfo
        explicit = schemes.get(data._name)
        if explicit is not None:
            return explicit
        default = schemes[None]
        if not self._mapped or default is not _STOCK_TERMS:
            return default
        key = id(data)
        if key not in self._terms:
            self._terms[key] = self._contract_terms(data)
        return self._terms[key] or default

    def instrument(self, data: Any) -> Instrument | None:
        """What a data stands for at the venue; None where the user has not said so."""
        try:
            return self._map.of(data)
        except ConfigError:
            return None  # a data that is only looked at; trading it is refused where it is tried

    def label(self, data: Any) -> str:
        """The data's name, unique in this run: what signals and records call it."""
        return self._map.label(data)

    def _contract_terms(self, data: Any) -> Any | None:
        instrument = self.instrument(data)
        known = None if instrument is None else contract(instrument)
        # A simulated name without a point value of its own stands for a share.
        if known is None or (known.exchange == SIM and known.point_value == 1.0):
            return None
        return bt.CommInfoBase(
            mult=known.point_value, stocklike=False, commtype=bt.CommInfoBase.COMM_FIXED
        )

    def orderstatus(self, order: Any) -> int:
        """The status of an order. Stock takes the order's place in a list for the order."""
        for known in self.orders:
            if known.ref == order.ref:
                status: int = known.status
                return status
        own: int = order.status
        return own
