"""What a data stands for at the venue is said once and checked at once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from sim2live.backtrader.instruments import InstrumentMap
from sim2live.errors import ConfigError
from sim2live.signals import Instrument


def data(name: str = "", source: Any = None) -> Any:
    return SimpleNamespace(_name=name, p=SimpleNamespace(dataname=source))


def opened(instruments: Any, *datas: Any) -> InstrumentMap:
    known = InstrumentMap(instruments, simulated=True)
    known.open(list(datas))
    return known


def test_without_a_map_every_data_is_its_own_simulated_instrument() -> None:
    datas = [data("SPY"), data(), data("SPY"), data("x" * 65)]
    known = opened(None, *datas)
    assert [str(known.of(d)) for d in datas] == ["SIM:SPY", "SIM:data1", "SIM:SPY2", "SIM:data3"]
    assert not known.explicit


def test_a_dict_is_asked_by_name_by_label_and_by_the_source_of_a_copy() -> None:
    minute = data("MES")
    datas = [minute, data(), data("", source=minute), data("", source="es.csv")]
    known = opened(
        {"MES": "CME:MESZ6", "data1": Instrument("CME", "ESZ6"), "es.csv": "SIM:X"}, *datas
    )
    assert [known.of(d).symbol for d in datas] == ["MESZ6", "ESZ6", "MESZ6", "X"]
    assert known.explicit


def test_a_function_is_asked_for_each_data_once() -> None:
    asked = []
    one = data("ES")
    known = opened(lambda d: asked.append(d) or f"CME:{d._name}Z6", one)
    assert str(known.of(one)) == str(known.of(one)) == "CME:ESZ6"
    assert asked == [one]


@pytest.mark.parametrize(
    ("instruments", "words"),
    [
        ({"MES": "MESZ6"}, r"instruments\['MES'\].*EXCHANGE:SYMBOL"),
        ({"MES": 7}, r"instruments\['MES'\]=7: must be an Instrument"),
        ("CME:MESZ6", "must be a dict, a function"),
    ],
)
def test_a_wrong_map_is_refused_before_anything_runs(instruments: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        InstrumentMap(instruments, simulated=True)


def test_a_real_venue_wants_to_be_told() -> None:
    with pytest.raises(ConfigError, match="a real venue"):
        InstrumentMap(None, simulated=False)


def test_a_data_that_is_not_in_the_map_is_named_with_what_is() -> None:
    other = data("VIX")
    with pytest.raises(ConfigError, match="'VIX' is not in it; it has 'MES'"):
        opened({"MES": "CME:MESZ6"}, other).of(other)
