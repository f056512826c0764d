"""What is answered: one shape for each answer of the second door.

The models of the ProjectX dialect come first, then those of TestMax where they differ.
"""

from __future__ import annotations

from msgspec import Struct

from sim2live.gateway.projectx.envelope import Answer


class TokenAnswer(Answer):
    """A new token."""

    token: str | None = None


class NewTokenAnswer(Answer):
    """A token in the place of the one that was shown."""

    new_token: str | None = None


class Account(Struct, rename="camel"):
    """An account; balance is start plus what closed contracts earned."""

    id: int
    name: str
    balance: float
    can_trade: bool
    is_visible: bool
    simulated: bool


class AccountsAnswer(Answer):
    """Accounts."""

    accounts: list[Account]


class Contract(Struct, rename="camel"):
    """A contract; a tick's value is in US dollars."""

    id: str
    name: str
    description: str
    tick_size: float
    tick_value: float
    active_contract: bool
    symbol_id: str


class ContractsAnswer(Answer):
    """Contracts."""

    contracts: list[Contract]


class ContractAnswer(Answer):
    """One contract."""

    contract: Contract | None = None


class Order(Struct, rename="camel"):
    """An order as it stands."""

    id: int
    account_id: int
    contract_id: str
    symbol_id: str
    creation_timestamp: str
    update_timestamp: str | None
    status: int
    type: int
    side: int
    size: int
    limit_price: float | None
    stop_price: float | None
    trail_price: float | None
    fill_volume: int
    filled_price: float | None
    custom_tag: str | None
    parent_order_id: int | None


class OrdersAnswer(Answer):
    """Orders."""

    orders: list[Order]


class OrderAnswer(Answer):
    """One order."""

    order: Order | None = None


class PlacedAnswer(Answer):
    """The id of a new order."""

    order_id: int | None = None


class Position(Struct, rename="camel"):
    """What an account holds of a contract; size is never negative."""

    id: int
    account_id: int
    contract_id: str
    creation_timestamp: str
    type: int
    size: int
    average_price: float


class PositionsAnswer(Answer):
    """Positions."""

    positions: list[Position]


class Trade(Struct, rename="camel"):
    """A fill; what it earned is null for one that only opened."""

    id: int
    account_id: int
    contract_id: str
    creation_timestamp: str
    price: float
    profit_and_loss: float | None
    fees: float
    side: int
    size: int
    voided: bool
    order_id: int


class TradesAnswer(Answer):
    """Fills."""

    trades: list[Trade]


class BarRow(Struct):
    """A bar; `t` is when it starts."""

    t: str
    o: float
    h: float
    l: float  # noqa: E741 - the word of the wire
    c: float
    v: int


class BarsAnswer(Answer):
    """Bars."""

    bars: list[BarRow]


# -- TestMax ------------------------------------------------------------------------------------
class SimAccount(Struct, rename="camel"):
    """An account in the TestMax dialect."""

    id: int
    name: str
    balance: float
    can_trade: bool


class SimAccountsAnswer(Answer):
    """Accounts in the TestMax dialect."""

    accounts: list[SimAccount]


class SimContract(Struct, rename="camel"):
    """A contract in the TestMax dialect."""

    id: str
    name: str
    description: str
    tick_size: float
    tick_value: float
    contract_size: int


class SimContractsAnswer(Answer):
    """Contracts in the TestMax dialect."""

    contracts: list[SimContract]


class SimContractAnswer(Answer):
    """One contract in the TestMax dialect."""

    contract: SimContract | None = None


class SimOrder(Struct, rename="camel"):
    """An order in the TestMax dialect."""

    id: str
    account_id: int
    contract_id: str
    creation_timestamp: str
    status: int
    type: int
    side: int
    size: int
    limit_price: float | None
    stop_price: float | None
    fill_volume: int
    filled_price: float | None


class SimOrdersAnswer(Answer):
    """Orders in the TestMax dialect."""

    orders: list[SimOrder]


class SimPlacedAnswer(Answer):
    """The id of a new order, and where it stands."""

    order_id: str
    order_status: int


class SimPosition(Struct, rename="camel"):
    """What an account holds, in the TestMax dialect."""

    account_id: int
    contract_id: str
    type: int
    size: int
    average_price: float


class SimPositionsAnswer(Answer):
    """Positions in the TestMax dialect."""

    positions: list[SimPosition]


class SimTrade(Struct, rename="camel"):
    """A fill in the TestMax dialect."""

    id: str
    order_id: str
    account_id: int
    contract_id: str
    side: int
    size: int
    price: float
    timestamp: str


class SimTradesAnswer(Answer):
    """Fills in the TestMax dialect."""

    trades: list[SimTrade]


class ReplayAnswer(Answer):
    """A session that has begun."""

    account_id: int
    contract_id: str
    total_bars: int
    start_time: str
    end_time: str


class ReplayState(Answer):
    """Where a session stands; `currentBar` counts the bars that were delivered."""

    account_id: int
    current_bar: int
    total_bars: int
    current_time: str | None
    is_complete: bool
    is_playing: bool
    speed: float | None


class StepAnswer(Answer):
    """The bars that were delivered; `bar` is the last of them, null at the end of the data."""

    bar: BarRow | None
    bars: list[BarRow]
    current_bar: int
    total_bars: int
    is_complete: bool


class ReplayResult(Answer):
    """What a session ended with; money in account currency, win rate in percent."""

    account_id: int
    final_balance: float
    total_pnl: float
    total_trades: int
    win_rate: float
