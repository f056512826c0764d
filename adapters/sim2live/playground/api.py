"""The functions and globals that a strategy of the Algo Playground finds.

They are those of the page "Python API Reference" (https://test-max.com/docs), with the two
keywords of its bracket tutorial. A namespace holds them all, because that is what the page
promises: `read_speed` changes the script's own global ``STEP_DELAY``.

What the page does not say: how `sl_ticks` and `tp_ticks` travel (here as the Gateway's bracket
objects, without a sign), and that ``MAX_BARS`` of 0 means all bars.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from sim2live.errors import ConfigError, DeliveryError
from sim2live.venues.transport import Transport

_SECONDS = 30.0
_GETS = frozenset({"Status/ping"})
_CONNECTION = -1
#: The header's defaults, as the page and its tutorials show them.
DEFAULTS = {
    "TESTMAX_API_URL": "http://localhost:8087/api/topstep-sim",
    "TESTMAX_TOKEN": "",
    "INSTRUMENT": "NQ",
    "START_DATE": "2025-01-15",
    "END_DATE": "",
    "TIMEFRAME": "1s",
    "STEP_DELAY": "0.02",
    "SPEED_FILE": "",
    "ACCOUNT_ID": "0",
    "CONTRACT_ID": "",
    "TOTAL_BARS": "5000",
    "MAX_BARS": "0",
}

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Header:
    """What stands above a strategy: the connection, the functions and the globals.

    Args:
        environment: Variables such as ``TESTMAX_API_URL``; missing ones have the page's defaults.
        namespace: Where the names are put; a new one when left out.

    Attributes:
        names: The namespace.

    Raises:
        ConfigError: A variable is no number where one is needed, or the address breaks a rule.
    """

    def __init__(
        self, environment: Mapping[str, str], namespace: dict[str, Any] | None = None
    ) -> None:
        found = {name: environment.get(name) or text for name, text in DEFAULTS.items()}
        token = found["TESTMAX_TOKEN"]
        self._transport = Transport(found["TESTMAX_API_URL"], token=token or None)
        self._speed_file = found["SPEED_FILE"]
        self.names: dict[str, Any] = {} if namespace is None else namespace
        total = _whole("TOTAL_BARS", found["TOTAL_BARS"])
        self.names.update(
            API_URL=found["TESTMAX_API_URL"],
            TOKEN=token,
            INSTRUMENT=found["INSTRUMENT"],
            START_DATE=found["START_DATE"],
            END_DATE=found["END_DATE"],
            TIMEFRAME=found["TIMEFRAME"],
            STEP_DELAY=_delay(found["STEP_DELAY"]),
            ACCOUNT_ID=_whole("ACCOUNT_ID", found["ACCOUNT_ID"]),
            CONTRACT_ID=found["CONTRACT_ID"],
            TOTAL_BARS=total,
            MAX_BARS=_whole("MAX_BARS", found["MAX_BARS"]) or total,
            api=self.api,
            place_order=self.place_order,
            get_positions=self.get_positions,
            close_all_positions=self.close_all_positions,
            get_account=self.get_account,
            read_speed=self.read_speed,
            get_next_bar=self.get_next_bar,
        )

    def api(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Call an endpoint.

        Args:
            path: Such as ``Order/place``.
            body: Fields of the request.

        Returns:
            The answer. A status of 400 and above gives ``success`` False with the status as
            ``errorCode``, no connection gives -1; both are printed to stderr too.
        """
        where = f"/{path.lstrip('/')}"
        try:
            if body is None and path in _GETS:
                answer = self._transport.get(where, timeout=_SECONDS)
            else:
                sent = _encode({} if body is None else body)
                answer = self._transport.post(where, sent, timeout=_SECONDS)
        except DeliveryError as error:
            return _failed(path, _CONNECTION, str(error))
        if answer.status >= 400:
            return _failed(path, answer.status, answer.body.decode("utf-8", "replace"))
        try:
            return _decode(answer.body)
        except msgspec.MsgspecError as error:
            return _failed(path, _CONNECTION, f"the answer is no JSON: {error}")

    def place_order(
        self,
        account_id: int,
        contract_id: str,
        side: int,
        size: int,
        order_type: int = 2,
        limit_price: float | None = None,
        stop_price: float | None = None,
        sl_ticks: int | None = None,
        tp_ticks: int | None = None,
    ) -> Any:
        """Place an order.

        Args:
            account_id: The account.
            contract_id: The contract.
            side: 0 buys, 1 sells.
            size: Contracts.
            order_type: 1 limit, 2 market, 4 stop.
            limit_price: For a limit.
            stop_price: For a stop.
            sl_ticks: Ticks from the fill to a protective stop, without a sign.
            tp_ticks: Ticks from the fill to a profit target, without a sign.

        Returns:
            The answer of Order/place.
        """
        body: dict[str, Any] = {
            "accountId": account_id,
            "contractId": contract_id,
            "type": order_type,
            "side": side,
            "size": size,
        }
        if limit_price is not None:
            body["limitPrice"] = limit_price
        if stop_price is not None:
            body["stopPrice"] = stop_price
        if sl_ticks is not None:
            body["stopLossBracket"] = {"ticks": sl_ticks, "type": 4}
        if tp_ticks is not None:
            body["takeProfitBracket"] = {"ticks": tp_ticks, "type": 1}
        return self.api("Order/place", body)

    def get_positions(self, account_id: int) -> list[dict[str, Any]]:
        """Open positions: type 1 long or 2 short, size, averagePrice, contractId."""
        found = self.api("Position/searchOpen", {"accountId": account_id})
        rows: list[dict[str, Any]] = found.get("positions") or []
        return rows

    def close_all_positions(self, account_id: int, contract_id: str) -> None:
        """Send the opposite market order for each open position.

        As the page says it, all positions of the account are closed, each in its own contract;
        `contract_id` stands in where a position names none.
        """
        for held in self.get_positions(account_id):
            side = 1 if held["type"] == 1 else 0
            self.place_order(account_id, held.get("contractId") or contract_id, side, held["size"])

    def get_account(self, account_id: int | None = None) -> dict[str, Any] | None:
        """An account with id, name and balance; the first active one without an id."""
        found = self.api("Account/search", {"onlyActiveAccounts": True})
        rows: list[dict[str, Any]] = found.get("accounts") or []
        return next((row for row in rows if account_id is None or row["id"] == account_id), None)

    def read_speed(self) -> float:
        """The seconds between bars, read from the speed file where there is one."""
        if self._speed_file:
            # Where it cannot be read the old value stands, as the page says.
            with suppress(OSError, ValueError):
                self.names["STEP_DELAY"] = _delay(Path(self._speed_file).read_text("utf-8"))
        delay: float = self.names["STEP_DELAY"]
        return delay

    def get_next_bar(self) -> dict[str, Any] | None:
        """The next bar with t, o, h, l, c and v; None at the end of the data or the dates."""
        found = self.api("Replay/step", {"accountId": self.names["ACCOUNT_ID"]})
        bar: dict[str, Any] | None = found.get("bar")
        if bar is None and found.get("bars"):
            bar = found["bars"][-1]
        last = self.names["END_DATE"][:10]
        return None if bar is None or (last and bar["t"][:10] > last) else bar

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()


def _failed(path: str, code: int, message: str) -> dict[str, Any]:
    print(f"[ERROR] {path}: {code} {message}", file=sys.stderr, flush=True)
    return {"success": False, "errorCode": code, "errorMessage": message}


def _whole(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ConfigError(f"{name}={text[:80]!r}: must be a whole number") from None


def _delay(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < 86_400:
        raise ConfigError(f"STEP_DELAY={text[:80]!r}: must be seconds, not below zero")
    return seconds
