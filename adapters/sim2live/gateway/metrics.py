"""What does the gateway tell a monitoring system? Figures in Prometheus's text format.

Worth an alert: ``sim2live_gateway_refused_total`` rising, the 0.99 quantile of
``sim2live_gateway_signal_seconds`` beyond what the strategy's timeout allows, and
``sim2live_gateway_halted`` at 1 when nobody halted on purpose.
"""

from __future__ import annotations

from itertools import accumulate

from sim2live import __version__
from sim2live.gate.exposition import CONTENT_TYPE, histogram, metric
from sim2live.gateway.chronicle import BOUNDS, Chronicle
from sim2live.gateway.observer import Observer

__all__ = ["CONTENT_TYPE", "exposition"]


def exposition(chronicle: Chronicle, observer: Observer, watchers: int) -> str:
    """All figures as text.

    Args:
        chronicle: What was asked of the signal door.
        observer: How the accounts stand.
        watchers: How many Activity pages are open.
    """
    observer.follow()
    money = observer.money()
    name = "sim2live_gateway"
    pools = [({"pool": pool.pool}, pool) for pool in money.pools]
    parts = [
        metric(f"{name}_info", "gauge", "Always 1.", [({"version": __version__}, 1)]),
        metric(
            f"{name}_accepted_total",
            "counter",
            "Signals accepted, earlier starts included.",
            [({}, chronicle.accepted)],
        ),
        metric(
            f"{name}_refused_total",
            "counter",
            "Signals refused at the door.",
            [({}, chronicle.refused)],
        ),
        metric(
            f"{name}_answers_total",
            "counter",
            "Answers of the signal door, by HTTP status.",
            [({"status": str(s)}, n) for s, n in sorted(chronicle.statuses.items())],
        ),
        histogram(
            f"{name}_signal_seconds",
            "From a signal's arrival to the end of its answer.",
            list(accumulate(chronicle.histogram)),
            BOUNDS,
            chronicle.seconds,
        ),
        metric(
            f"{name}_order_events_total",
            "counter",
            "What happened to orders, each account counted.",
            [({"kind": kind}, n) for kind, n in sorted(observer.happenings.items())],
        ),
        metric(
            f"{name}_working_orders", "gauge", "Orders that can still fill.", [({}, money.working)]
        ),
        metric(
            f"{name}_open_positions",
            "gauge",
            "Positions, each account and instrument counted.",
            [({}, money.position_count)],
        ),
        metric(
            f"{name}_equity",
            "gauge",
            "Equity of a pool, in account currency.",
            [(labels, pool.equity) for labels, pool in pools],
        ),
        metric(
            f"{name}_realised",
            "gauge",
            "Realised profit of a pool, in account currency.",
            [(labels, pool.realised) for labels, pool in pools],
        ),
        metric(
            f"{name}_halted",
            "gauge",
            "1 while a pool takes only what closes a position.",
            [(labels, float(labels["pool"] in money.halted)) for labels, _ in pools],
        ),
        metric(f"{name}_watchers", "gauge", "Activity pages that are open.", [({}, watchers)]),
    ]
    return "".join(parts)
