"""What may be asked: one shape for each request of the second door.

Fields that no shape names are ignored, as the real services do. Where the two dialects differ
there are two shapes.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct, field

Int32 = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
Int64 = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Text = Annotated[str, Meta(max_length=128)]
Moment = Annotated[str, Meta(max_length=40, description="ISO 8601; UTC where it names no zone")]


class Nothing(Struct):
    """A request without fields."""


class Login(Struct, rename="camel"):
    """Name and key, for a token."""

    user_name: Annotated[str, Meta(min_length=1, max_length=256)]
    api_key: Annotated[str, Meta(min_length=1, max_length=512)]


class SearchAccounts(Struct, rename="camel"):
    """Which accounts there are."""

    only_active_accounts: bool


class SearchAccountsLoosely(Struct, rename="camel"):
    """The same in the TestMax dialect, where the one field may be left out."""

    only_active_accounts: bool = False


class SearchContracts(Struct, rename="camel"):
    """Which contracts have a text in their id, name or description."""

    search_text: Text
    live: bool


class SearchContractsLoosely(Struct, rename="camel"):
    """The same in the TestMax dialect; null finds all."""

    search_text: Text | None = None


class AvailableContracts(Struct):
    """All front contracts."""

    live: bool


class ContractId(Struct, rename="camel"):
    """One contract."""

    contract_id: Text


class Leg(Struct):
    """A leg of a bracket: signed ticks from the fill, and an order type."""

    ticks: Int32
    type: Int32


class PlaceOrder(Struct, rename="camel", kw_only=True):
    """A new order. In the TestMax dialect ticks have no sign and `type` of a leg may be left."""

    account_id: Int32
    contract_id: Text
    type: Int32
    side: Int32
    size: Int32
    limit_price: float | None = None
    stop_price: float | None = None
    trail_price: float | None = None
    custom_tag: Text | None = None
    linked_order_id: Int64 | None = None
    stop_loss_bracket: Leg | None = None
    take_profit_bracket: Leg | None = None


class LooseLeg(Struct):
    """A leg of a bracket in the TestMax dialect: ticks from the fill."""

    ticks: Int32
    type: Int32 | None = None


class PlaceLooseOrder(Struct, rename="camel", kw_only=True):
    """A new order in the TestMax dialect."""

    account_id: Int32
    contract_id: Text
    type: Int32
    side: Int32
    size: Int32
    limit_price: float | None = None
    stop_price: float | None = None
    stop_loss_bracket: LooseLeg | None = None
    take_profit_bracket: LooseLeg | None = None
    sl_ticks: Int32 | None = field(default=None, name="sl_ticks")
    tp_ticks: Int32 | None = field(default=None, name="tp_ticks")


class ModifyOrder(Struct, rename="camel", kw_only=True):
    """Another size or other prices; what is left out or null stays."""

    account_id: Int32
    order_id: Int64
    size: Int32 | None = None
    limit_price: float | None = None
    stop_price: float | None = None
    trail_price: float | None = None


class ModifyNamedOrder(Struct, rename="camel", kw_only=True):
    """The same in the TestMax dialect."""

    account_id: Int32
    order_id: Text
    size: Int32 | None = None
    limit_price: float | None = None
    stop_price: float | None = None


class OneOrder(Struct, rename="camel"):
    """An order of an account."""

    account_id: Int32
    order_id: Int64


class OneNamedOrder(Struct, rename="camel"):
    """An order of an account in the TestMax dialect."""

    account_id: Int32
    order_id: Text


class OfAccount(Struct, rename="camel"):
    """All of an account."""

    account_id: Int32


class SearchOrders(Struct, rename="camel", kw_only=True):
    """Orders of an account that were made in a time."""

    account_id: Int32
    start_timestamp: Moment
    end_timestamp: Moment | None = None


class SearchTrades(Struct, rename="camel", kw_only=True):
    """Fills of an account; the dates are optional, `startDate` is the simulator's word."""

    account_id: Int32
    start_timestamp: Moment | None = None
    end_timestamp: Moment | None = None
    start_date: Moment | None = None


class OfContract(Struct, rename="camel"):
    """What an account holds of a contract."""

    account_id: Int32
    contract_id: Text


class PartOfContract(Struct, rename="camel"):
    """A part of what an account holds of a contract."""

    account_id: Int32
    contract_id: Text
    size: Int32


class RetrieveBars(Struct, rename="camel", kw_only=True):
    """Bars of a contract in a time."""

    contract_id: Text
    live: bool
    start_time: Moment
    end_time: Moment
    unit: Int32
    unit_number: Int32
    limit: Int32
    include_partial_bar: bool


class RetrieveBarsLoosely(Struct, rename="camel", kw_only=True):
    """The same in the TestMax dialect: a count back from the end, or a start."""

    contract_id: Text
    unit: Int32
    unit_number: Int32
    bars_back: Int32 | None = None
    start_time: Moment | None = None
    end_time: Moment | None = None


class StartReplay(Struct, rename="camel", kw_only=True):
    """A session over past bars."""

    instrument_symbol: Text
    start_date: Moment
    timeframe: Text
    end_date: Moment | None = None


class StepReplay(Struct, rename="camel"):
    """The next bars."""

    account_id: Int32
    count: Annotated[int, Meta(ge=1, le=10_000)] = 1


class PlayReplay(Struct, rename="camel"):
    """Let the session run by itself; `speed` in bars a second."""

    account_id: Int32
    speed: Annotated[float, Meta(gt=0, le=100_000)] = 1.0


class JumpReplay(Struct, rename="camel"):
    """Run on to a moment at once."""

    account_id: Int32
    timestamp: Moment
