"""Where does each column of a portfolio go: which pool, which instrument?"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sim2live.errors import ConfigError
from sim2live.signals import Instrument, Signal

if TYPE_CHECKING:
    import pandas as pd

Label = Hashable
Instruments = Mapping[Any, Instrument | str] | Callable[[Any], Instrument | str]
Workflow = str | Mapping[Any, str] | Callable[[Any], str]


@dataclass(frozen=True, slots=True)
class Route:
    """Where one column goes.

    Attributes:
        label: Of the column, as the portfolio has it.
        name: The label as text; the levels of a MultiIndex joined by ``-``.
        workflow: The pool.
        instrument: What is traded there.
    """

    label: Label
    name: str
    workflow: str
    instrument: Instrument


def route_columns(
    columns: pd.Index,
    instruments: Instruments | None,
    workflow: Workflow,
    *,
    groups: Sequence[Any] | None = None,
) -> tuple[Route, ...]:
    """Find the route of each column.

    Args:
        columns: Labels of the columns.
        instruments: From a column's label, its name, or the value of one of its levels, to an
            `Instrument` or ``CME:MESZ6``; or a function of the label. None trades the column's
            own name (its level ``symbol``, if there is one) on the exchange ``SIM``.
        workflow: A template with ``{column}``, ``{group}``, names of levels or their positions
            (``{0}``); or a mapping with keys as above; or a function of the label.
        groups: The group of each column, where the portfolio has groups.

    Raises:
        ConfigError: A column finds no route, or two columns have one name.
        SignalError: A workflow or an instrument breaks a rule of the wire.
    """
    names = [_name(label) for label in columns]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ConfigError(f"columns: {twice!r} stands for more than one column; rename one")
    routes = []
    for position, (label, name) in enumerate(zip(columns, names, strict=True)):
        levels = _levels(columns, label)
        group = name if groups is None else _name(groups[position])
        pool = _workflow(workflow, label, name, levels, group)
        instrument = _instrument(instruments, label, name, levels)
        # A signal made of them holds them to the rules of the wire, once for each column.
        Signal(signal_id=name[:128], workflow_id=pool, instrument=instrument, side="BUY", qty=1)
        routes.append(Route(label, name, pool, instrument))
    return tuple(routes)


def refuse_shared(routes: Iterable[Route]) -> None:
    """Refuse two columns that trade one instrument in one pool.

    Live, the pool would hold the sum of them; of a grid of parameters that is never meant.

    Raises:
        ConfigError: Names the columns.
    """
    taken: dict[tuple[str, Instrument], list[str]] = {}
    for route in routes:
        taken.setdefault((route.workflow, route.instrument), []).append(route.name)
    for (workflow, instrument), names in taken.items():
        if len(names) > 1:
            shown = ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")
            raise ConfigError(
                f"columns {shown} would all trade {instrument} in pool {workflow!r}; "
                "select one column, or give each its own pool, such as workflow='w-{column}'"
            )


def _name(label: Label) -> str:
    """A label as text."""
    parts = label if isinstance(label, tuple) else (label,)
    return "-".join(str(part) for part in parts)


def _levels(columns: pd.Index, label: Label) -> dict[str, Any]:
    """Values of a label by the names of its levels; those without a name are left out."""
    values = label if isinstance(label, tuple) else (label,)
    return {
        str(name): value
        for name, value in zip(columns.names, values, strict=False)
        if name is not None
    }


def _workflow(
    workflow: Workflow, label: Label, name: str, levels: dict[str, Any], group: str
) -> str:
    if isinstance(workflow, str):
        values = label if isinstance(label, tuple) else (label,)
        fields = {**levels, "column": name, "group": group}
        try:
            return workflow.format(*values, **fields)
        except (KeyError, IndexError, ValueError, AttributeError) as error:
            known = ", ".join("{" + field + "}" for field in fields)
            raise ConfigError(f"workflow={workflow!r}: {error}; it may name {known}") from error
    if callable(workflow):
        return workflow(label)
    return str(_find(workflow, "workflow", label, name))


def _instrument(
    instruments: Instruments | None, label: Label, name: str, levels: dict[str, Any]
) -> Instrument:
    if instruments is None:
        return Instrument("SIM", str(levels.get("symbol", name)))
    if callable(instruments):
        found = instruments(label)
    else:
        found = _find(instruments, "instruments", label, name)
    return found if isinstance(found, Instrument) else Instrument.parse(found)


def _find(table: Mapping[Any, Any], field: str, label: Label, name: str) -> Any:
    """Look a column up by its label, its name, or one value of its levels."""
    for key in (label, name):
        if key in table:
            return table[key]
    values = label if isinstance(label, tuple) else ()
    hits = [key for key in (*values, *map(str, values)) if key in table]
    found = {str(table[key]): table[key] for key in hits}
    if len(found) == 1:
        return next(iter(found.values()))
    why = "has no entry" if not found else f"has more than one entry ({', '.join(found)})"
    known = ", ".join(repr(key) for key in list(table)[:8])
    raise ConfigError(f"{field}: column {name!r} {why}; entries are for {known}")
