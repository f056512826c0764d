"""Buy at the open, be flat before the close, every weekday.

    python examples/scheduled.py                        # paper, in this process
    SIM2LIVE_TARGET=http://127.0.0.1:8080 SIM2LIVE_WORKFLOW=python-test python examples/scheduled.py

`schedule` says when; the gate sees to it that it happens once. A job that is run twice for the same
moment, by hand or after a restart, sends nothing the second time: what is wanted is held already.
"""

from __future__ import annotations

import time
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

import schedule

import sim2live
from sim2live.clock import to_ns

MES = sim2live.Instrument("CME", "MESZ6")
NEW_YORK = ZoneInfo("America/New_York")
PLAN = (("09:30", 1), ("15:55", 0))
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")


def hold(dispatcher: sim2live.Dispatcher, at: str, target: int) -> sim2live.Receipt:
    """Want a position from a time of day on. The time of the plan decides, not that of the call."""
    hour, minute = map(int, at.split(":"))
    today = datetime.now(NEW_YORK).replace(hour=hour, minute=minute, second=0, microsecond=0)
    receipt = dispatcher.follow(MES, target, data="plan", nth=0, decided_at=to_ns(today))
    print(f"{at} New York: {target:+d} {receipt.status} {receipt.reason}")
    return receipt


def planned(dispatcher: sim2live.Dispatcher) -> schedule.Scheduler:
    """The jobs of the week."""
    plan = schedule.Scheduler()
    for day in WEEKDAYS:
        for at, target in PLAN:
            job = getattr(plan.every(), day).at(at, "America/New_York")
            job.do(partial(hold, dispatcher, at, target))
    return plan


def main() -> None:
    with sim2live.connect(strategy="open-to-close", run="example") as dispatcher:
        plan = planned(dispatcher)
        print("Next:", plan.next_run, "(Ctrl-C stops it)")
        while True:
            plan.run_pending()
            time.sleep(1)


if __name__ == "__main__":
    main()
