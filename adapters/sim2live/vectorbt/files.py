"""Signals in files: written from one frame, read back as the same signals.

The JSON of a signal is put together from pieces. All but the id and the quantity is equal for the
signals of a column, so each such piece is encoded once, by the encoder of the wire itself; a test
holds every line to `Signal.encode`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np

from sim2live.errors import DataError, SignalError, shorten
from sim2live.signals import Instrument, Signal, decode
from sim2live.vectorbt.ids import WIDTH
from sim2live.vectorbt.table import SignalTable, bracket

if TYPE_CHECKING:
    import polars as pl

# So many signals at a time are turned into text: enough to be quick, little enough to stay small.
_CHUNK: Final = 250_000
_MARK: Final = "0" * WIDTH
_QTY: Final = 1_000_000_007


def write_jsonl(table: SignalTable, path: Path) -> None:
    """Write each signal's wire bytes as a line."""
    with path.open("wb") as file:
        for start in range(0, len(table), _CHUNK):
            rows = slice(start, start + _CHUNK)
            _lines(table, rows).to_frame().write_csv(
                file, include_header=False, quote_style="never"
            )


def write_csv(table: SignalTable, path: Path) -> None:
    """Write the frame as CSV; what is not there is empty."""
    zone = "Z" if getattr(table.orders.index, "tz", None) is not None else ""
    polars_frame(table).write_csv(path, datetime_format=f"%Y-%m-%dT%H:%M:%S%.f{zone}")


def write_parquet(table: SignalTable, path: Path) -> None:
    """Write the frame as Parquet."""
    polars_frame(table).write_parquet(path, compression="lz4")


def write_provenance(table: SignalTable, path: Path) -> Path:
    """Write where each signal came from, beside the file itself."""
    import polars as pl

    orders = table.orders
    beside = path.with_name(f"{path.stem}.provenance.parquet")
    frame = pl.DataFrame(
        {
            "signal_id": _ids(table),
            "time": _times(table),
            "column": _pick([route.name for route in table.routes], table.column),
            "bar": table.bar,
            "price": orders.price[table.order],
            "fees": orders.fees[table.order],
            "size": orders.size[table.order],
            "position": orders.after[table.order],
        }
    )
    frame.write_parquet(beside, compression="lz4")
    return beside


def read_signals(path: str | Path) -> Iterator[Signal]:
    """Read the signals of a file that `SignalExporter` wrote.

    Args:
        path: A ``.jsonl``, ``.csv`` or ``.parquet`` file.

    Yields:
        The signals, in the order of the file.

    Raises:
        DataError: The file has another ending, or is none of ours.
        SignalError: A line or row is no valid signal; the text names it.
    """
    path = Path(path)
    if path.suffix == ".jsonl":
        return _read_lines(path)
    if path.suffix in (".csv", ".parquet"):
        return _read_rows(path)
    raise DataError(f"path={shorten(str(path))}: must end in .jsonl, .csv or .parquet")


def polars_frame(table: SignalTable) -> pl.DataFrame:
    """The frame of the signals with polars, for files and for who works with it."""
    import polars as pl

    routes, column = table.routes, table.column
    nothing = pl.Series([None], dtype=pl.Float64).new_from_index(0, len(table))
    return pl.DataFrame(
        {
            "time": _times(table),
            "column": _pick([route.name for route in routes], column),
            "signal_id": _ids(table),
            "workflow_id": _pick([route.workflow for route in routes], column),
            "exchange": _pick([route.instrument.exchange for route in routes], column),
            "symbol": _pick([route.instrument.symbol for route in routes], column),
            "side": _pick(["SELL", "BUY"], table.side > 0),
            "qty": table.qty,
            "open_close": _pick(["OPEN", "CLOSE"], table.leg),
            "order_type": _pick(["MARKET"], np.zeros(len(table))),
            "limit_price": nothing,
            "trigger_price": nothing,
            "take_profit": pl.Series(table.take_profit).fill_nan(None),
            "stop_loss": pl.Series(table.stop_loss).fill_nan(None),
            "position": table.position,
        }
    )


def _lines(table: SignalTable, rows: slice) -> pl.Series:
    """The wire bytes of some signals, as text."""
    import polars as pl

    column, leg = table.column[rows], table.leg[rows]
    buys = (table.side[rows] > 0).astype(np.int64)
    pieces = [_pieces(table, route) for route in range(len(table.routes))]
    line = pl.concat_str(
        [
            pl.lit(pieces[0][0] if pieces else ""),
            pl.lit(_ids(table, rows)),
            pl.lit(_pick([text for piece in pieces for text in piece[1]], column * 2 + buys)),
            pl.lit(pl.Series(table.qty[rows])).cast(pl.String),
            pl.lit(_brackets(table, rows)),
            pl.lit(_pick([',"open_close":"OPEN"}', ',"open_close":"CLOSE"}'], leg)),
        ]
    )
    return pl.select(line.alias("line")).to_series()


def _pieces(table: SignalTable, column: int) -> tuple[str, tuple[str, str]]:
    """What stands before the id, and between id and quantity for a sale and a purchase."""
    route = table.routes[column]
    sell, buy = (
        Signal(
            signal_id=_MARK,
            workflow_id=route.workflow,
            instrument=route.instrument,
            side=side,
            qty=_QTY,
        )
        .encode()
        .decode()
        for side in ("SELL", "BUY")
    )
    before, _, between = sell.partition(_MARK)
    return before, (_upto_qty(between), _upto_qty(buy.partition(_MARK)[2]))


def _upto_qty(text: str) -> str:
    return text.rpartition(str(_QTY))[0]


def _brackets(table: SignalTable, rows: slice) -> pl.Series:
    """The bracket of each signal as it stands in the JSON; empty without one."""
    import polars as pl

    profit, loss = table.take_profit[rows], table.stop_loss[rows]
    if np.isnan(profit).all() and np.isnan(loss).all():
        return pl.Series([""]).new_from_index(0, len(profit))
    pairs = np.column_stack((profit, loss))
    different, place = np.unique(pairs, axis=0, return_inverse=True)
    texts = []
    for take_profit, stop_loss in different.tolist():
        legs = bracket(take_profit, stop_loss)
        encoded = "" if legs is None else msgspec.json.encode(legs).decode()
        texts.append(f',"bracket":{encoded}' if encoded else "")
    return _pick(texts, place)


def _times(table: SignalTable) -> pl.Series:
    """The time of each signal: UTC where the index has a zone, else as it is written there."""
    import pandas as pd
    import polars as pl

    index = table.orders.index
    if isinstance(index, pd.DatetimeIndex):
        zone = None if index.tz is None else "UTC"
        times = pl.Series(table.orders.times[table.bar])
        return times.cast(pl.Datetime("ns", zone))
    if pd.api.types.is_integer_dtype(index.dtype):
        return pl.Series(table.orders.times[table.bar])
    return _pick([str(label) for label in index], table.bar)


def _ids(table: SignalTable, rows: slice = slice(None)) -> pl.Series:
    """The ids as polars texts, without a Python object for each."""
    import polars as pl
    import pyarrow as pa

    ids = np.ascontiguousarray(table.ids[rows])
    ends = np.arange(0, ids.size + 1, WIDTH, dtype=np.int64)
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(ids)]
    series: Any = pl.from_arrow(pa.Array.from_buffers(pa.large_string(), len(ids), buffers))
    return series  # type: ignore[no-any-return]


def _pick(texts: list[str], places: Any) -> pl.Series:
    """Texts by position."""
    import polars as pl

    places = np.asarray(places, dtype=np.int64)
    return pl.Series(texts, dtype=pl.String).gather(pl.Series(places))


def _read_lines(path: Path) -> Iterator[Signal]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                yield decode(line.rstrip(b"\r\n"))
            except SignalError as error:
                error.add_note(f"{path}, line {number}")
                raise


def _read_rows(path: Path) -> Iterator[Signal]:
    import polars as pl

    try:
        frame = pl.read_csv(path) if path.suffix == ".csv" else pl.read_parquet(path)
        rows = frame.select(
            "signal_id", "workflow_id", "exchange", "symbol", "side", "qty", "open_close",
            "order_type", "limit_price", "trigger_price", "take_profit", "stop_loss",
        )  # fmt: skip
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"{path}: {error}") from error
    for number, row in enumerate(rows.iter_rows(named=True), 1):
        try:
            yield _signal(row)
        except SignalError as error:
            error.add_note(f"{path}, row {number}")
            raise


def _signal(row: dict[str, Any]) -> Signal:
    profit, loss = row.pop("take_profit"), row.pop("stop_loss")
    nan = float("nan")
    legs = bracket(nan if profit is None else profit, nan if loss is None else loss)
    instrument = Instrument(str(row.pop("exchange")), str(row.pop("symbol")))
    row["workflow_id"] = str(row["workflow_id"])
    return Signal(instrument=instrument, bracket=legs, **row)
