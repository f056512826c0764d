"""The script's view of one contract of a real account, in the words of the simulator.

The script never talks to the venue. Each order is written down first, goes out once under a name
of its own, and only for this contract; what the account holds of others is not shown, so that
`close_all_positions` cannot touch it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from sim2live.clock import Clock, iso
from sim2live.errors import DeliveryError, NotSentError, Sim2LiveError
from sim2live.gateway.projectx import requests, shapes
from sim2live.gateway.projectx.dialect import TestMax
from sim2live.gateway.projectx.door import Endpoint
from sim2live.gateway.projectx.envelope import Answer, Failure
from sim2live.market.bars import Bar
from sim2live.playground.journal import Journal
from sim2live.venues.projectx import GRACE, ProjectX
from sim2live.venues.projectx_accounts import Account
from sim2live.venues.projectx_session import Deadline, RefusedError

_LOG = logging.getLogger("sim2live.playground")
_SECONDS = 5.0
_ATTEMPTS = 5
_FILLED = 2
#: States of an order that can still fill: open, pending, suspended.
_ALIVE = frozenset({1, 6, 8})


class LiveDesk:
    """One account and one contract at a ProjectX server.

    Args:
        venue: The server, in the ProjectX dialect.
        account: The account.
        contract: Id of the contract.
        bars: Bars of the contract as they close.
        length: Length of a bar, nanoseconds.
        journal: Where orders are written down.
        run: Name of the run; orders are named after it.
        clock: Wall time.
    """

    def __init__(
        self,
        venue: ProjectX,
        account: Account,
        contract: str,
        bars: Iterator[Bar],
        length: int,
        journal: Journal,
        run: str,
        clock: Clock,
    ) -> None:
        self._venue, self._account, self._contract = venue, account, contract
        self._bars, self._length = bars, length
        self._journal, self._run, self._clock = journal, run, clock
        self._signs = TestMax()
        self._since = clock.now_ns()
        self._count = self._delivered = 0
        self._doubt = False

    def endpoints(self) -> dict[str, Endpoint]:
        """What the script may ask, by path."""
        account, orders = requests.OfAccount, shapes.SimOrdersAnswer
        table: dict[str, tuple[type[Any], type[Answer], Callable[[Any], Answer]]] = {
            "Account/search": (
                requests.SearchAccountsLoosely, shapes.SimAccountsAnswer, self.accounts
            ),
            "Position/searchOpen": (account, shapes.SimPositionsAnswer, self.positions),
            "Position/closeContract": (requests.OfContract, Answer, self.close),
            "Order/place": (requests.PlaceLooseOrder, shapes.SimPlacedAnswer, self.place),
            "Order/cancel": (requests.OneNamedOrder, Answer, self.cancel),
            "Order/searchOpen": (account, orders, self.open_orders),
            "Replay/step": (requests.StepReplay, shapes.StepAnswer, self.step),
            "Replay/end": (account, shapes.ReplayResult, self.end),
        }  # fmt: skip
        return {path: Endpoint(*row) for path, row in table.items()}

    # -- what there is -----------------------------------------------------------------------
    def accounts(self, _: requests.SearchAccountsLoosely) -> Answer:
        """This account alone."""
        row = shapes.SimAccount(self._account.id, self._account.name, self._balance(), True)
        return shapes.SimAccountsAnswer(accounts=[row])

    def positions(self, _: requests.OfAccount) -> Answer:
        """What the account holds of this contract."""
        rows = [
            shapes.SimPosition(
                self._account.id, self._contract, row["type"], row["size"], row["averagePrice"]
            )
            for row in self._held()
        ]
        return shapes.SimPositionsAnswer(positions=rows)

    def open_orders(self, _: requests.OfAccount) -> Answer:
        """Orders of this contract that can still fill."""
        rows = [
            shapes.SimOrder(
                id=f"ord_{row['id']}",
                account_id=self._account.id,
                contract_id=self._contract,
                creation_timestamp=row["creationTimestamp"],
                status=6,
                type=row["type"],
                side=row["side"],
                size=row["size"],
                limit_price=row.get("limitPrice"),
                stop_price=row.get("stopPrice"),
                fill_volume=row.get("fillVolume") or 0,
                filled_price=row.get("filledPrice"),
            )
            for row in self._resting()
        ]
        return shapes.SimOrdersAnswer(orders=rows)

    # -- orders ------------------------------------------------------------------------------
    def place(self, request: requests.PlaceLooseOrder) -> Answer:
        """Send an order of this contract, once."""
        self._own(request.account_id, request.contract_id)
        side = "BUY" if request.side == 0 else "SELL"
        body: dict[str, Any] = {
            "accountId": self._account.id,
            "contractId": self._contract,
            "type": request.type,
            "side": request.side,
            "size": request.size,
        }
        if request.limit_price is not None:
            body["limitPrice"] = request.limit_price
        if request.stop_price is not None:
            body["stopPrice"] = request.stop_price
        stop, target = request.stop_loss_bracket, request.take_profit_bracket
        if stop is not None:
            ticks = self._signs.stop_offset(stop.ticks, side)
            body["stopLossBracket"] = {"ticks": ticks, "type": 4}
        if target is not None:
            ticks = self._signs.target_offset(target.ticks, side)
            body["takeProfitBracket"] = {"ticks": ticks, "type": 1}
        number = self._send("Order/place", body, tagged=True).get("orderId")
        return shapes.SimPlacedAnswer(order_id=f"ord_{number}", order_status=6)

    def cancel(self, request: requests.OneNamedOrder) -> Answer:
        """Take an order of this contract off the market."""
        number = self._signs.order_number(request.order_id)
        if number not in {row["id"] for row in self._resting()}:
            raise Failure(2, f"No working order {request.order_id[:64]} here", 404)
        self._send("Order/cancel", {"accountId": self._account.id, "orderId": number})
        return Answer()

    def close(self, request: requests.OfContract) -> Answer:
        """Close what the account holds of this contract."""
        self._own(request.account_id, request.contract_id)
        body = {"accountId": self._account.id, "contractId": self._contract}
        self._send("Position/closeContract", body)
        return Answer()

    # -- bars --------------------------------------------------------------------------------
    def step(self, _: requests.StepReplay) -> Answer:
        """The next bar, once it has closed; none when the run is being ended."""
        bar = next(self._bars, None)
        rows = []
        if bar is not None:
            self._delivered += 1
            start = iso(bar.time - self._length)
            volume = round(bar.volume)
            rows = [shapes.BarRow(start, bar.open, bar.high, bar.low, bar.close, volume)]
        return shapes.StepAnswer(
            bar=rows[-1] if rows else None,
            bars=rows,
            current_bar=self._delivered,
            total_bars=self._delivered,
            is_complete=not rows,
        )

    def end(self, _: requests.OfAccount) -> Answer:
        """What the run's fills of the contract earned, as the venue tells it.

        Nothing ends at the venue; the guard flattens afterwards.
        """
        since = {"accountId": self._account.id, "startTimestamp": iso(self._since)}
        rows = self._read("Trade/search", since)["trades"]
        fills = [r for r in rows if r["contractId"] == self._contract and not r.get("voided")]
        earned, count, win_rate = earnings(fills)
        return shapes.ReplayResult(
            account_id=self._account.id,
            final_balance=self._balance(),
            total_pnl=earned,
            total_trades=count,
            win_rate=win_rate,
        )

    # -- the guard ---------------------------------------------------------------------------
    def is_flat(self) -> bool:
        """Whether the account holds nothing and has no order of this contract.

        Raises:
            Sim2LiveError: The venue cannot tell; that is not flat.
        """
        # In this order: an order that fills between the two looks shows as a position.
        return not self._resting() and not self._held()

    def flatten(self) -> bool:
        """Cancel and close everything of this contract, and look whether it is so.

        Returns:
            True when the venue says that it is flat.
        """
        for _ in range(_ATTEMPTS):
            try:
                for row in self._resting():
                    body = {"accountId": self._account.id, "orderId": row["id"]}
                    self._try("Order/cancel", body)
                if self._held():
                    body = {"accountId": self._account.id, "contractId": self._contract}
                    self._try("Position/closeContract", body)
                if self.is_flat():
                    if not self._doubt:
                        return True
                    # An order that nobody answered for may still be on its way.
                    self._doubt = False
                    self._clock.sleep(GRACE)
                    continue
            except (Sim2LiveError, Failure) as error:
                _LOG.warning("%s could not be flattened yet: %s", self._contract, error)
            self._clock.sleep(1.0)
        return False

    # -- inside ------------------------------------------------------------------------------
    def _own(self, account: int, contract: str) -> None:
        if account != self._account.id:
            raise Failure(1, f"No account {account} here", 404)
        if contract != self._contract:
            raise Failure(8, f"This run trades {self._contract} only", 403)

    def _read(self, call: str, body: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return self._venue.reads.read(call, body)
        except DeliveryError as error:
            raise Failure(7, str(error), 503) from None

    def _balance(self) -> float:
        rows = self._read("Account/search", {"onlyActiveAccounts": True})["accounts"]
        return next((float(r["balance"]) for r in rows if r["id"] == self._account.id), 0.0)

    def _held(self) -> list[dict[str, Any]]:
        rows = self._read("Position/searchOpen", {"accountId": self._account.id})["positions"]
        return [row for row in rows if row["contractId"] == self._contract and row["size"]]

    def _resting(self) -> list[dict[str, Any]]:
        since = {"accountId": self._account.id, "startTimestamp": iso(self._since)}
        rows = self._read("Order/searchOpen", {"accountId": self._account.id})["orders"]
        # The open ones leave out legs that wait for their entry.
        rows += self._read("Order/search", since)["orders"]
        alive = {row["id"]: row for row in rows if row["status"] in _ALIVE}
        return [row for row in alive.values() if row["contractId"] == self._contract]

    def _try(self, call: str, body: dict[str, Any]) -> None:
        try:
            self._send(call, body)
        except Failure as failure:
            _LOG.info("%s: %s", call, failure.message)

    def _send(self, call: str, body: dict[str, Any], *, tagged: bool = False) -> dict[str, Any]:
        """Write a request down, send it once, and write down what came of it."""
        self._count += 1
        tag = f"{self._run}-{self._count}"
        if tagged:
            body["customTag"] = tag
        self._journal.intend(tag, self._clock.now_ns(), call, msgspec.json.encode(body))
        self._venue.reads.order_went()
        deadline = Deadline(self._clock, _SECONDS)
        try:
            answer = self._venue.session.ask(call, body, deadline)
        except RefusedError as error:
            self._journal.settle(tag, f"refused: {error}")
            raise Failure(error.code or 2, str(error)) from None
        except NotSentError as error:
            self._journal.settle(tag, f"not sent: {error}")
            raise Failure(7, f"not sent: {error}", 503) from None
        except DeliveryError as error:
            self._doubt = True
            # No outcome in the journal: nobody knows. The guard looks at the account itself.
            raise Failure(7, f"the outcome is unknown: {error}", 504) from None
        self._journal.settle(tag, "accepted")
        return answer


def earnings(fills: list[dict[str, Any]]) -> tuple[float, int, float]:
    """What fills came to, from flat.

    Args:
        fills: Rows of Trade/search, of one contract, in any order.

    Returns:
        Profit less fees in account currency; how many trades, where a fill that turns the
        position counts as two; and the share of winners among the closing fills, in percent.
    """
    earned, held, count, closing, winners = 0.0, 0, 0, 0, 0
    for row in sorted(fills, key=lambda row: (row["creationTimestamp"], row["id"])):
        profit = row.get("profitAndLoss")
        earned += (profit or 0.0) - (row.get("fees") or 0.0)
        after = held + (row["size"] if row["side"] == 0 else -row["size"])
        count += 2 if held * after < 0 else 1
        held = after
        if profit is not None:
            closing += 1
            winners += profit > 0
    return round(earned, 10), count, round(100 * winners / closing, 4) if closing else 0.0
