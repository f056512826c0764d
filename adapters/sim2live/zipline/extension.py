"""For the command line: ``zipline -e sim2live.zipline.extension run --blotter sim2live ...``.

Loading it registers the blotter ``sim2live``, configured by ``SIM2LIVE_*`` and ``sim2live.toml``,
and every bundle that `ingest` made. The path of this file works in place of its name.
"""

from __future__ import annotations

from zipline.extensions import register
from zipline.finance.blotter import Blotter

from sim2live.zipline.bundle import register_bundles
from sim2live.zipline.select import blotter

register(Blotter, "sim2live", blotter)
register_bundles()
