"""Kill a live Zipline run at a random point, start it again, and look at the venue.

Each seed runs one process that is killed with SIGKILL (in the algorithm, just before the venue
takes a signal, or just after), a second one that goes on, and compares the venue's position with
that of a run nobody killed. Zero tolerance: one difference fails the campaign.

    python tests/campaign_zipline.py --seeds 50
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import signal as signals
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from sim2live.market.bars import Bar
from sim2live.signals import Instrument, Signal
from sim2live.venues.base import Venue
from sim2live.venues.outcome import Kind, Outcome, Profile

FIRST, LAST = "2022-11-22", "2022-11-23"
PHASES = ("algorithm", "before the venue", "after the venue")


class FileVenue(Venue):
    """A venue that survives its client: every signal it took is a line of a file."""

    name = "file"
    simulated = True
    profile = Profile(dedupe="yes")

    def __init__(self, path: Path, kill: tuple[str, int] | None = None) -> None:
        self.path, self.fingerprint = path, f"file:{path}"
        self._kill, self._count = kill, 0
        path.touch()

    def taken(self) -> dict[str, tuple[str, int]]:
        """Signal id -> instrument and signed quantity."""
        rows = [msgspec.json.decode(line) for line in self.path.read_bytes().splitlines()]
        return {row[0]: (row[1], row[2]) for row in rows}

    def send(self, signal: Signal, *, timeout: float) -> Outcome:
        self._count += 1
        if self._kill == ("before the venue", self._count):
            os.kill(os.getpid(), signals.SIGKILL)
        if signal.signal_id not in self.taken():
            line = msgspec.json.encode([signal.signal_id, str(signal.instrument), signal.signed])
            with self.path.open("ab") as file:
                file.write(line + b"\n")
        if self._kill == ("after the venue", self._count):
            os.kill(os.getpid(), signals.SIGKILL)
        return Outcome(Kind.ACCEPTED)

    def lookup(self, signal: Signal) -> Outcome:
        return Outcome(Kind.ACCEPTED if signal.signal_id in self.taken() else Kind.NOT_SENT)

    def positions(self, workflow: str) -> dict[Instrument, int]:
        held: dict[Instrument, int] = {}
        for name, signed in self.taken().values():
            held[Instrument.parse(name)] = held.get(Instrument.parse(name), 0) + signed
        return {instrument: size for instrument, size in held.items() if size}


class Bars:
    """A frame as a source of bars."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame

    def __iter__(self) -> Iterator[Bar]:
        for moment, row in zip(self._frame.index, self._frame.itertuples(index=False), strict=True):
            yield Bar(int(moment.value), *map(float, row))

    def close(self) -> None:
        return None


def prices(first: str = "2022-11-21", last: str = LAST) -> pd.DataFrame:
    """Made-up minutes of two sessions and the one before."""
    from zipline.utils.calendar_utils import get_calendar

    calendar = get_calendar("XNYS")
    index = calendar.minutes_in_range(
        calendar.session_first_minute(first), calendar.session_close(last)
    )
    draws = np.random.default_rng(7)
    closes = 4000 + np.cumsum(draws.integers(-4, 5, len(index))) * 0.25
    opens = np.concatenate([closes[:1], closes[:-1]])
    frame = pd.DataFrame({"open": opens, "high": np.maximum(opens, closes)}, index=index)
    frame["low"], frame["close"] = np.minimum(opens, closes), closes
    frame["volume"] = 1_000_000.0
    return frame


def run(folder: Path, frame: pd.DataFrame, kill: tuple[str, int] | None = None) -> None:
    """One process's life: the live run, with a journal and a record in `folder`."""
    from zipline.api import cancel_order, get_open_orders, order, order_target, symbol

    import sim2live
    from sim2live.zipline import Replay, run_live

    def initialize(context: Any) -> None:
        context.bars = 0

    def handle_data(context: Any, data: Any) -> None:
        context.bars += 1
        if kill == ("algorithm", context.bars):
            os.kill(os.getpid(), signals.SIGKILL)
        asset, n = symbol("ES"), context.bars
        if n % 7 == 0:
            window = data.history(asset, "price", 10, "1m")
            order_target(asset, 2 if window.iloc[-1] > window.mean() else -1)
        if n % 31 == 0:
            order(asset, 1, limit_price=data.current(asset, "price") - 0.5)
        if n % 31 == 20:
            for each in get_open_orders(asset):
                cancel_order(each)

    dispatcher = sim2live.connect(
        FileVenue(folder / "venue", kill),
        workflow="pool",
        strategy="campaign",
        run="one",
        journal=folder / "journal.sqlite3",
    )
    with dispatcher:
        run_live(
            initialize,
            handle_data,
            dispatcher=dispatcher,
            feed={"ES": Bars(frame)},
            bundle="campaign",
            capital_base=1e6,
            start=FIRST,
            end=LAST,
            pace=Replay(),
            record=folder / "bars.jsonl",
            instruments={"ES": "SIM:ES"},
        )


def life(folder: Path, frame: pd.DataFrame, kill: tuple[str, int] | None = None) -> int:
    """Run in a process of its own; its exit code, negative for a signal."""
    process = multiprocessing.get_context("fork").Process(target=run, args=(folder, frame, kill))
    process.start()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def campaign(folder: Path, seeds: int) -> list[str]:
    """All seeds; one sentence for each fault."""
    from sim2live.zipline import ingest

    os.environ["ZIPLINE_ROOT"] = str(folder / "zipline")
    frame = prices()
    # The bundle holds the session before the start; what comes later is the feed's.
    ingest("campaign", {"ES": frame.loc[:"2022-11-21"]}, frequency="minute")
    whole = folder / "whole"
    whole.mkdir()
    if life(whole, frame) != 0:
        return ["the uninterrupted run failed"]
    venue = FileVenue(whole / "venue")
    wanted, sent = venue.positions("pool"), len(venue.taken())
    faults = []
    for seed in range(seeds):
        draw = random.Random(seed)
        phase = PHASES[seed % len(PHASES)]
        kill = (phase, draw.randrange(1, 600 if phase == "algorithm" else sent))
        here = folder / f"seed-{seed}"
        here.mkdir()
        code = life(here, frame, kill)
        if code != -signals.SIGKILL:
            faults.append(f"seed {seed}: killed {kill}, but the exit code was {code}")
            continue
        if (code := life(here, frame)) != 0:
            faults.append(f"seed {seed}: killed {kill}; the second process ended with {code}")
        venue = FileVenue(here / "venue")
        if venue.positions("pool") != wanted:
            faults.append(
                f"seed {seed}: killed {kill}; the venue ended with {venue.positions('pool')}, "
                f"not {wanted}"
            )
        if len(venue.taken()) > sent:
            # Fewer is fine: what a restart settles at once needs no detour.
            faults.append(f"seed {seed}: killed {kill}; {len(venue.taken())} signals, not {sent}")
    return faults


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=50)
    seeds = parser.parse_args().seeds
    with tempfile.TemporaryDirectory() as folder:
        faults = campaign(Path(folder), seeds)
    for fault in faults:
        print(fault)
    print(f"zipline: {seeds} kills, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
