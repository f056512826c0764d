"""Which instrument at the venue does a data feed stand for?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sim2live.errors import ConfigError, SignalError
from sim2live.signals import Instrument

Instruments = Mapping[str, "Instrument | str"] | Callable[[Any], "Instrument | str"] | None


class InstrumentMap:
    """The user's word on instruments, and one unique label for each data.

    Args:
        instruments: A dict from a data's name to an instrument (or ``CME:MESZ6``), a function
            of the data, or None: every data is its own instrument on the exchange ``SIM``.
        simulated: False when real orders may follow; None is refused then.

    Raises:
        ConfigError: None on a real venue, or an entry that is no instrument.
    """

    def __init__(self, instruments: Instruments, *, simulated: bool) -> None:
        if instruments is None and not simulated:
            raise ConfigError(
                "instruments: a real venue needs to be told what each data is, "
                "such as instruments={'MES': 'CME:MESZ6'}"
            )
        if (
            instruments is not None
            and not callable(instruments)
            and not isinstance(instruments, Mapping)
        ):
            raise ConfigError(
                f"instruments={instruments!r}: must be a dict, a function of the data, or None"
            )
        self._function = instruments if callable(instruments) else None
        self._table = (
            {name: _instrument(name, value) for name, value in instruments.items()}
            if isinstance(instruments, Mapping)
            else None
        )
        self._labels: dict[int, str] = {}
        self._known: dict[int, Instrument] = {}

    @property
    def explicit(self) -> bool:
        """True when the user named instruments."""
        return self._table is not None or self._function is not None

    def open(self, datas: list[Any]) -> None:
        """Name the datas of a run.

        Args:
            datas: ``cerebro.datas``. Their order decides the label of those without a name or
                with a name that another one bears.
        """
        names = [data._name for data in datas]
        self._known = {}
        self._labels = {
            id(data): name if name and names.index(name) == i else f"{name or 'data'}{i}"
            for i, (data, name) in enumerate(zip(datas, names, strict=True))
        }

    def label(self, data: Any) -> str:
        """The data's own name where it is unique, else with its index."""
        return self._labels.get(id(data)) or data._name or "data"

    def of(self, data: Any) -> Instrument:
        """The instrument of a data.

        Raises:
            ConfigError: The user's dict or function has none for it.
        """
        known = self._known.get(id(data))
        if known is None:
            known = self._known[id(data)] = self._find(data)
        return known

    def _find(self, data: Any) -> Instrument:
        label = self.label(data)
        if self._function is not None:
            return _instrument(label, self._function(data))
        if self._table is None:
            try:
                return Instrument("SIM", label)
            except SignalError:
                # A path or another long text is a fair name for a data, but not for a symbol.
                return Instrument("SIM", f"data{list(self._labels).index(id(data))}")
        for name in _names(data, label):
            if name in self._table:
                return self._table[name]
        have = ", ".join(map(repr, self._table)) or "no data at all"
        raise ConfigError(f"instruments: the data {label!r} is not in it; it has {have}")


def _names(data: Any, label: str) -> list[str]:
    """What a user may have called a data; a resampled copy answers to its source's names too."""
    names = [data._name, label]
    source: Any = getattr(data.p, "dataname", None)
    if isinstance(source, str):
        names.append(source)
    elif hasattr(source, "_name") and hasattr(source, "p"):
        names.extend(_names(source, source._name))
    return names


def _instrument(name: str, value: object) -> Instrument:
    if isinstance(value, Instrument):
        return value
    if isinstance(value, str):
        try:
            return Instrument.parse(value)
        except SignalError as error:
            raise ConfigError(f"instruments[{name!r}]: {error}") from None
    raise ConfigError(f"instruments[{name!r}]={value!r}: must be an Instrument or 'CME:MESZ6'")
