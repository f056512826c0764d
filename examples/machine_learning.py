"""A scikit-learn model decides, and the venue follows.

    python examples/machine_learning.py                 # paper, in this process

A logistic regression learns from the first thirteen years of the S&P 500 and trades the fourteenth.
It is here to show the plumbing: do not expect it to earn anything.
"""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

import sim2live
from sim2live.market.bars import Bar, CsvBars

PRICES = Path(__file__).parent / "data" / "sp500_daily.csv"
SP500 = sim2live.Instrument("SIM", "SP500")
LOOKBACK = 21


def features(closes: np.ndarray) -> np.ndarray:
    """What is known at the last close: returns over a day, a week and a month, and how wild."""
    window = np.log(closes[-LOOKBACK:])
    steps = np.diff(window)
    return np.array([steps[-1], window[-1] - window[-6], window[-1] - window[0], steps.std()])


def train(bars: list[Bar]) -> Pipeline:
    """Does the next close lie higher? Only bars that are given are looked at."""
    closes = np.array([bar.close for bar in bars])
    ends = range(LOOKBACK, len(closes))
    known = [features(closes[:end]) for end in ends]
    rises = [closes[end] > closes[end - 1] for end in ends]
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(known, rises)


def wanted(model: Pipeline, closes: np.ndarray) -> int:
    """One contract long when a rise is likely, one short when it is not, else none."""
    chance = model.predict_proba([features(closes)])[0, 1]
    return 1 if chance > 0.55 else -1 if chance < 0.5 else 0


def trade(model: Pipeline, dispatcher: sim2live.Dispatcher, bars: list[Bar], first: int) -> None:
    """Bar by bar, as a feed would bring them."""
    closes = np.array([bar.close for bar in bars])
    for number, bar in itertools.islice(enumerate(bars), first, None):
        dispatcher.on_bar(SP500, bar)
        target = wanted(model, closes[: number + 1])
        receipt = dispatcher.follow(SP500, target, data="SP500", nth=0, decided_at=bar.time)
        if not receipt.ok:
            print(f"refused: {receipt.reason}")


def main(live: int = 250) -> sim2live.Dispatcher:
    bars = list(CsvBars(PRICES))
    first = len(bars) - live
    model = train(bars[:first])
    with sim2live.connect(strategy="logistic", run="example") as dispatcher:
        trade(model, dispatcher, bars, first)
        print(f"{live} days:", dispatcher.summary(), "held:", dispatcher.position(SP500))
    return dispatcher


if __name__ == "__main__":
    main()
