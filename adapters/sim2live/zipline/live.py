"""The same algorithm on live bars: `run_live`.

Stock Zipline runs it. Only its clock is ours: it takes the calendar's own schedule and lets each
bar through when its data is there.
"""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd
from zipline.algorithm import TradingAlgorithm
from zipline.assets import Asset
from zipline.data import bundles
from zipline.errors import UnsupportedOrderParameters
from zipline.finance import metrics
from zipline.finance.trading import SimulationParameters
from zipline.gens.sim_engine import BAR, BEFORE_TRADING_START_BAR, SESSION_END, SESSION_START
from zipline.pipeline.data import EquityPricing
from zipline.pipeline.loaders import USEquityPricingLoader
from zipline.utils.calendar_utils import get_calendar

from sim2live.errors import ConfigError, shorten
from sim2live.market.bars import BarSource
from sim2live.zipline.bundle import register_bundles
from sim2live.zipline.following import Instruments
from sim2live.zipline.market_data import Market
from sim2live.zipline.mirror import MirrorBlotter
from sim2live.zipline.pace import Pace, Wall
from sim2live.zipline.tape import Arrival, Tape

if TYPE_CHECKING:
    from sim2live.gate.dispatch import Dispatcher
    from sim2live.sizing import Sizing

log = logging.getLogger("sim2live.zipline")

_MINUTE = 60_000_000_000
_NEAR_THE_END = 20


class LiveBlotter(MirrorBlotter):
    """A `MirrorBlotter` that may speak to a real venue. `run_live` makes it."""

    live = True
    open_orders: dict[Any, list[Any]]

    def settle(self) -> None:
        """Fill the orders of this bar at this bar's close, in blotter and books."""
        new = {
            asset: mine
            for asset, orders in self.open_orders.items()
            if (mine := [each for each in orders if each.created == self.current_dt])
        }
        if not new or self._bar_data is None:
            return
        every, self.open_orders = self.open_orders, new
        try:
            transactions, commissions, closed = self.get_transactions(self._bar_data)
        finally:
            self.open_orders = every
        self.prune_orders(closed)
        tracker = self._algorithm.metrics_tracker
        for txn in transactions:
            tracker.process_transaction(txn)
            tracker.process_order(self.orders[txn.order_id])
        for cost in commissions:
            tracker.process_commission(cost)

    def after_bar(self) -> None:
        """What a bar leaves to be told: the equity to the rules, the venue's news to the log."""
        try:
            if self._active:
                self.dispatcher.mark(float(self._algorithm.portfolio.portfolio_value))
            for report in self.dispatcher.reports():
                log.info(
                    "%s: %s %+d at %s %s",
                    report.instrument,
                    report.kind,
                    report.signed_qty,
                    report.price,
                    report.reason,
                )
        except Exception:  # nothing of ours may end an algorithm
            log.exception("the venue's news could not be read")


class LiveAlgorithm(TradingAlgorithm):
    """Stock Zipline on a clock that waits for data."""

    def __init__(self, *, ticks: Callable[[Any], Iterator[Any]], **parts: Any) -> None:
        self._ticks = ticks
        super().__init__(**parts)

    def _create_clock(self) -> Iterator[Any]:
        return self._ticks(super()._create_clock())

    def attach_pipeline(
        self, pipeline: Any, name: str, chunks: Any = None, eager: bool = True
    ) -> Any:
        """Compute one session at a time: the next ones have no data yet."""
        del chunks
        return super().attach_pipeline(pipeline, name, chunks=0, eager=eager)

    def _can_order_asset(self, asset: Any) -> Any:
        if type(asset).__name__ == "ContinuousFuture":
            raise UnsupportedOrderParameters(
                msg=f"{asset} is a continuous future, which nobody can trade; order its current "
                "contract: data.current(continuous, 'contract')"
            )
        return super()._can_order_asset(asset)


def run_live(
    initialize: Callable[..., None] | None = None,
    handle_data: Callable[..., None] | None = None,
    *,
    dispatcher: Dispatcher,
    feed: Mapping[str, BarSource],
    bundle: str,
    capital_base: float,
    before_trading_start: Callable[..., None] | None = None,
    analyze: Callable[..., None] | None = None,
    script: str | None = None,
    trading_calendar: Any = None,
    data_frequency: Literal["minute", "daily"] = "minute",
    start: Any = None,
    end: Any = None,
    instruments: Instruments = None,
    sizing: Sizing | str = "exact",
    fill: Literal["next_bar", "now"] = "next_bar",
    pace: Pace | None = None,
    record: str | Path | None = None,
    history: Mapping[str, Any] | None = None,
    benchmark_returns: pd.Series | None = None,
    custom_loader: Any = None,
    metrics_set: Any = "default",
    **simulation_blotter_params: Any,
) -> pd.DataFrame:
    """Run a Zipline algorithm on live bars and make a venue follow it.

    The functions are those of `run_algorithm`, unchanged. The run ends when its sessions are
    over, when the feed has ended, or at SIGINT, SIGTERM or `pace.stop`; positions at the venue
    are left as they are. A new process with the same `record` replays what the old one saw, the
    gate takes it as history, and the run goes on.

    Args:
        initialize: As for `run_algorithm`.
        handle_data: As for `run_algorithm`.
        dispatcher: The strategy's handle, from `sim2live.connect`. The caller closes it.
        feed: Symbol of the bundle -> its bars, each stamped with its end.
        bundle: Assets, and history from before the start.
        capital_base: Starting cash of the mirror's books.
        before_trading_start: As for `run_algorithm`.
        analyze: As for `run_algorithm`.
        script: The text of an algorithm, instead of functions.
        trading_calendar: A calendar or its name; the bundle's by default.
        data_frequency: ``minute`` or ``daily``.
        start: First session (date); by default that of the record, or today's.
        end: Last session; by default the calendar's last.
        instruments: As for `MirrorBlotter`.
        sizing: As for `MirrorBlotter`.
        fill: ``next_bar`` books fills as a backtest does, one bar later; ``now`` books them at the
            close of the deciding bar, which is nearer to what the venue did.
        pace: `Wall` (the default) or `Replay`.
        record: File that delivered bars are written to, and replayed from at a restart.
        history: Symbol -> bars (DataFrame, CSV path or `BarSource`) from before the start, where
            the bundle has none.
        benchmark_returns: As for `run_algorithm`.
        custom_loader: As for `run_algorithm`.
        metrics_set: As for `run_algorithm`.
        simulation_blotter_params: As for `MirrorBlotter`. Live, prefer a slippage model without a
            volume limit: the venue has the whole order at once.

    Returns:
        Performance of the completed sessions, as from `run_algorithm`.

    Raises:
        ConfigError: A setting is wrong, a symbol of the feed is not in the bundle, or the record
            is of another run.
    """
    if fill not in ("next_bar", "now"):
        raise ConfigError(f"fill={shorten(fill)}: must be next_bar or now")
    if data_frequency not in ("minute", "daily"):
        raise ConfigError(f"data_frequency={shorten(data_frequency)}: must be minute or daily")
    pace = Wall() if pace is None else pace
    register_bundles()
    data = bundles.load(bundle)
    about = {"bundle": bundle, "frequency": data_frequency, "capital": float(capital_base)}
    with Tape(record, {**about, "start": None if start is None else _day(start)}) as tape:
        calendar = _calendar(trading_calendar, data)
        first = _first_session(calendar, tape.about["start"], pace)
        last = _last_session(calendar, end, first)
        tape.begin(start=str(first.date()))
        market = Market(data, calendar, data_frequency, first, last)
        assets = {symbol: market.asset(symbol) for symbol in feed}
        for symbol, bars in (history or {}).items():
            market.remember(market.asset(symbol), bars)
        blotter = LiveBlotter(
            dispatcher, instruments=instruments, sizing=sizing, **simulation_blotter_params
        )
        ticker = _Ticker(market, assets, tape, pace, blotter, fill)
        algorithm = LiveAlgorithm(
            ticks=ticker.ticks,
            namespace={},
            data_portal=market.portal,
            get_pipeline_loader=_pipeline_loaders(market, data, custom_loader),
            trading_calendar=calendar,
            sim_params=SimulationParameters(
                start_session=first,
                end_session=last,
                trading_calendar=calendar,
                capital_base=capital_base,
                data_frequency=data_frequency,
                arena="live",
            ),
            metrics_set=metrics.load(metrics_set) if isinstance(metrics_set, str) else metrics_set,
            blotter=blotter,
            benchmark_returns=_benchmark(benchmark_returns, first, last),
            benchmark_sid=None,
            **(
                {"script": script}
                if script is not None
                else {
                    "initialize": initialize,
                    "handle_data": handle_data,
                    "before_trading_start": before_trading_start,
                    "analyze": analyze,
                }
            ),
        )
        pace.start(feed, market.slot, tape.last)
        try:
            with _stopped_by_signals(pace):
                return algorithm.run()
        finally:
            pace.close()


class _Ticker:
    """The clock of a live run: the stock schedule, each event when its time has come."""

    def __init__(
        self,
        market: Market,
        assets: Mapping[str, Asset],
        tape: Tape,
        pace: Pace,
        blotter: LiveBlotter,
        fill: str,
    ) -> None:
        self._market, self._assets, self._tape = market, assets, tape
        self._pace, self._blotter, self._fill = pace, blotter, fill

    def ticks(self, schedule: Any) -> Iterator[Any]:
        """The events of the stock schedule until the run ends."""
        session = None
        for dt, event in schedule:
            if event == SESSION_START:
                session = pd.Timestamp(dt.value)
                self._market.warn_near_the_end(session, _NEAR_THE_END)
                opens = self._market.calendar.session_first_minute(session).value - _MINUTE
                if not self._reached(opens):
                    return
            elif event == BEFORE_TRADING_START_BAR:
                if not self._reached(dt.value):
                    return
            elif event == BAR:
                arrivals = self._arrivals(dt, session)
                if arrivals is None:
                    return
                for symbol, bar in arrivals:
                    self._market.put(self._assets[symbol], bar)
            elif event == SESSION_END:
                self._market.completed(session)
            yield dt, event
            if event == BAR:
                if self._fill == "now":
                    self._blotter.settle()
                if not self._tape.replaying:
                    self._blotter.after_bar()
            elif event == SESSION_END and not self._tape.replaying and self._pace.ended:
                log.info("the feed has ended; the run ends with the session %s", session)
                return

    def _reached(self, moment: int) -> bool:
        return self._tape.replaying or self._pace.until(moment)

    def _arrivals(self, dt: pd.Timestamp, session: Any) -> list[Arrival] | None:
        moment = dt.value if self._market.minutes else session.value
        arrivals = self._tape.next(moment)
        if arrivals is None:
            arrivals = self._pace.take(moment, dt.value)
            if arrivals is not None:
                self._tape.write(moment, arrivals)
        return arrivals


def _calendar(given: Any, data: Any) -> Any:
    if given is None:
        return data.equity_daily_bar_reader.trading_calendar
    return get_calendar(given) if isinstance(given, str) else given


def _day(value: Any) -> str:
    return str(pd.Timestamp(value).date())


def _first_session(calendar: Any, start: str | None, pace: Pace) -> pd.Timestamp:
    if start is not None:
        day = pd.Timestamp(start)
        if day not in calendar.sessions:
            raise ConfigError(f"start={start}: is not a session of {calendar.name}")
        return day
    if not isinstance(pace, Wall):
        raise ConfigError("start=None: a replay needs its first session")
    now = pd.Timestamp(pace.clock.now_ns(), tz="UTC").floor("min")
    return calendar.minute_to_session(now, direction="next")


def _last_session(calendar: Any, end: Any, first: pd.Timestamp) -> pd.Timestamp:
    if end is None:
        return calendar.last_session
    day = pd.Timestamp(end).tz_localize(None).normalize()
    if day < first:
        raise ConfigError(f"end={day.date()}: must not be before start={first.date()}")
    return calendar.date_to_session(day, direction="previous")


def _benchmark(returns: pd.Series | None, first: pd.Timestamp, last: pd.Timestamp) -> pd.Series:
    if returns is None:
        return pd.Series(0.0, index=pd.date_range(first, last))
    index = pd.DatetimeIndex(returns.index)
    return returns if index.tz is None else returns.set_axis(index.tz_localize(None))


def _pipeline_loaders(market: Market, data: Any, custom: Any) -> Callable[[Any], Any]:
    prices = USEquityPricingLoader.without_fx(market.sessions, data.adjustment_reader)

    def loader(column: Any) -> Any:
        if column.unspecialize() in EquityPricing.columns:
            return prices
        try:
            return (custom or {})[column]
        except KeyError:
            raise ConfigError(f"custom_loader: has no loader for the column {column}") from None

    return loader


@contextmanager
def _stopped_by_signals(pace: Pace) -> Iterator[None]:
    """SIGINT and SIGTERM end a run in real time cleanly, at the next bar at the latest."""
    stop = getattr(pace, "stop", None)
    if stop is None or threading.current_thread() is not threading.main_thread():
        yield
        return

    def asked(number: int, frame: Any) -> None:
        del number, frame
        stop.set()

    before = {each: signal.signal(each, asked) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
