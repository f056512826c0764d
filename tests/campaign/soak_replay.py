"""A million replayed bars with an order every ten: what does the gateway keep of an order?

    python -m tests.campaign.soak_replay

No HTTP: the same session and desk, journal included, asked in this process.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from datetime import date, timedelta

from tests.campaign.sequences import folder
from tests.campaign.soak import resident

from sim2live.clock import SystemClock
from sim2live.exchange.tickets import Ticket
from sim2live.exchange.venue import Exchange
from sim2live.gateway.desk import Desk
from sim2live.gateway.inbox import Inbox
from sim2live.gateway.projectx.build import SecondDoor, SecondDoorOptions
from sim2live.gateway.projectx.requests import StartReplay, StepReplay

ORDER_EVERY = 10
MOST_BYTES = 1_024
_BARS_A_DAY = 23_400


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bars", type=int, default=1_000_000)
    arguments = parser.parse_args()
    place = folder()
    clock = SystemClock()
    desk = Desk(Exchange({}), Inbox(place / "gateway.sqlite3"), clock=clock)
    try:
        door = SecondDoor(desk, clock, SecondDoorOptions())
        weeks = -(-arguments.bars // (5 * _BARS_A_DAY))
        first = date(2024, 1, 1)
        last = first + timedelta(days=7 * weeks - 1)
        begun = door.replays.start(
            StartReplay(
                instrument_symbol="NQ",
                start_date=str(first),
                end_date=str(last),
                timeframe="1s",
            )
        )
        (account,) = desk.sessions
        listing = door.sim.contracts.find(begun.contract_id)
        assert listing is not None
        step = StepReplay(begun.account_id)
        warm, before, orders, side = arguments.bars // 10, 0, 0, "BUY"
        for number in range(arguments.bars):
            if number == warm:
                before, orders = resident(), 0
            assert door.replays.step(step).bar is not None
            if number % ORDER_EVERY == 0:
                ticket = Ticket(listing.instrument, "SELL" if side == "SELL" else "BUY", 1)
                desk.place(account, ticket, door.sim.now(account))
                orders += 1
                side = "SELL" if side == "BUY" else "BUY"
        each = (resident() - before) / orders
        print(f"{arguments.bars:,} bars; {orders:,} orders kept {each:,.0f} bytes each "
              f"(limit {MOST_BYTES:,})")  # fmt: skip
        return int(each > MOST_BYTES)
    finally:
        desk.close()
        shutil.rmtree(place, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
