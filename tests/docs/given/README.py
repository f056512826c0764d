"""What the README's snippets stand in: a script that has its strategy."""

import backtrader as bt
from ma_cross import MaCross

import sim2live.backtrader
