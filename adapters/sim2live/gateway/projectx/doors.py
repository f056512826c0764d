"""Which endpoints does each of the two dialects have?"""

from __future__ import annotations

from sim2live.gateway.projectx import requests, shapes
from sim2live.gateway.projectx.accounts import Directory
from sim2live.gateway.projectx.dialect import ProjectX, TestMax
from sim2live.gateway.projectx.door import Endpoint
from sim2live.gateway.projectx.entrance import Bearer, Entrance
from sim2live.gateway.projectx.envelope import Answer
from sim2live.gateway.projectx.history import History, Past
from sim2live.gateway.projectx.orders import Orders
from sim2live.gateway.projectx.positions import Positions
from sim2live.gateway.projectx.replay import Replays
from sim2live.gateway.projectx.sim import Sim
from sim2live.gateway.projectx.tokens import Tokens

Endpoints = dict[str, Endpoint]


def projectx(sim: Sim, tokens: Tokens, past: Past) -> Endpoints:
    """The endpoints of the ProjectX Gateway, by path below ``/api/``.

    Args:
        sim: The venue.
        tokens: Who may come in.
        past: Bars of an instrument up to its present.
    """
    dialect = ProjectX()
    directory, orders = Directory(sim, dialect), Orders(sim, dialect)
    positions, history = Positions(sim, dialect), History(sim, past)
    return {
        **_entrance(tokens),
        "Account/search": Endpoint(
            requests.SearchAccounts, shapes.AccountsAnswer, directory.search_accounts
        ),
        "Contract/search": Endpoint(
            requests.SearchContracts, shapes.ContractsAnswer, directory.search_contracts
        ),
        "Contract/searchById": Endpoint(
            requests.ContractId, shapes.ContractAnswer, directory.contract_by_id
        ),
        "Contract/available": Endpoint(
            requests.AvailableContracts, shapes.ContractsAnswer, directory.available
        ),
        "Order/place": Endpoint(requests.PlaceOrder, shapes.PlacedAnswer, orders.place),
        "Order/modify": Endpoint(requests.ModifyOrder, Answer, orders.modify),
        "Order/cancel": Endpoint(requests.OneOrder, Answer, orders.cancel),
        "Order/search": Endpoint(requests.SearchOrders, shapes.OrdersAnswer, orders.search),
        "Order/searchOpen": Endpoint(requests.OfAccount, shapes.OrdersAnswer, orders.search_open),
        "Order/searchById": Endpoint(requests.OneOrder, shapes.OrderAnswer, orders.by_id),
        "Position/searchOpen": Endpoint(
            requests.OfAccount, shapes.PositionsAnswer, positions.search_open
        ),
        **_closing(positions),
        "Trade/search": Endpoint(requests.SearchTrades, shapes.TradesAnswer, positions.trades),
        "History/retrieveBars": Endpoint(
            requests.RetrieveBars, shapes.BarsAnswer, history.retrieve
        ),
    }


def testmax(sim: Sim, tokens: Tokens, past: Past, replays: Replays) -> Endpoints:
    """The endpoints of TestMax's simulator, by path below ``/api/topstep-sim/``.

    Args:
        sim: The venue.
        tokens: Who may come in.
        past: Bars of an instrument up to its present.
        replays: Sessions over past bars.
    """
    dialect = TestMax()
    directory, orders = Directory(sim, dialect), Orders(sim, dialect)
    positions, history = Positions(sim, dialect), History(sim, past)
    return {
        **_entrance(tokens),
        "Account/search": Endpoint(
            requests.SearchAccountsLoosely, shapes.SimAccountsAnswer, directory.search_accounts
        ),
        "Contract/search": Endpoint(
            requests.SearchContractsLoosely, shapes.SimContractsAnswer, directory.search_contracts
        ),
        "Contract/searchById": Endpoint(
            requests.ContractId, shapes.SimContractAnswer, directory.contract_by_id
        ),
        "Order/place": Endpoint(requests.PlaceLooseOrder, shapes.SimPlacedAnswer, orders.place),
        "Order/modify": Endpoint(requests.ModifyNamedOrder, Answer, orders.modify),
        "Order/cancel": Endpoint(requests.OneNamedOrder, Answer, orders.cancel),
        "Order/search": Endpoint(requests.OfAccount, shapes.SimOrdersAnswer, orders.search_all),
        "Order/searchOpen": Endpoint(
            requests.OfAccount, shapes.SimOrdersAnswer, orders.search_open
        ),
        "Position/searchOpen": Endpoint(
            requests.OfAccount, shapes.SimPositionsAnswer, positions.search_open
        ),
        **_closing(positions),
        "Trade/search": Endpoint(requests.SearchTrades, shapes.SimTradesAnswer, positions.trades),
        "History/retrieveBars": Endpoint(
            requests.RetrieveBarsLoosely, shapes.BarsAnswer, history.retrieve_loosely
        ),
        "Replay/start": Endpoint(requests.StartReplay, shapes.ReplayAnswer, replays.start),
        "Replay/step": Endpoint(requests.StepReplay, shapes.StepAnswer, replays.step),
        "Replay/play": Endpoint(requests.PlayReplay, shapes.ReplayState, replays.play),
        "Replay/pause": Endpoint(requests.OfAccount, shapes.ReplayState, replays.pause),
        "Replay/jumpTo": Endpoint(requests.JumpReplay, shapes.ReplayState, replays.jump),
        "Replay/end": Endpoint(requests.OfAccount, shapes.ReplayResult, replays.end),
    }


def _entrance(tokens: Tokens) -> Endpoints:
    entrance = Entrance(tokens)
    return {
        "Auth/loginKey": Endpoint(
            requests.Login, shapes.TokenAnswer, entrance.login, open_to_all=True
        ),
        "Auth/validate": Endpoint(Bearer, shapes.NewTokenAnswer, entrance.validate),
        "Auth/logout": Endpoint(Bearer, Answer, entrance.logout),
        "Status/ping": Endpoint(
            requests.Nothing, Answer, entrance.ping, method="GET", open_to_all=True
        ),
    }


def _closing(positions: Positions) -> Endpoints:
    return {
        "Position/closeContract": Endpoint(requests.OfContract, Answer, positions.close),
        "Position/partialCloseContract": Endpoint(
            requests.PartOfContract, Answer, positions.close_part
        ),
    }
