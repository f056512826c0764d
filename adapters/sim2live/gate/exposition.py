"""What does a figure look like to Prometheus? Its text format, version 0.0.4."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def metric(
    name: str, kind: str, about: str, samples: Iterable[tuple[Mapping[str, str], float]]
) -> str:
    """One metric with its samples.

    Args:
        name: of the metric.
        kind: ``counter`` or ``gauge``.
        about: one line for people.
        samples: pairs of labels and value.
    """
    lines = [_head(name, kind, about)]
    lines += [_sample(name, labels, value) for labels, value in samples]
    return "\n".join(lines) + "\n"


def histogram(
    name: str, about: str, counts: Sequence[int], bounds: Sequence[float], total: float
) -> str:
    """A histogram.

    Args:
        name: of the metric.
        about: one line for people.
        counts: how many values are within each bound, and at last how many there are.
        bounds: upper ends, ascending.
        total: sum of the values.
    """
    lines = [_head(name, "histogram", about)]
    for bound, count in zip((*bounds, "+Inf"), counts, strict=True):
        lines.append(_sample(f"{name}_bucket", {"le": str(bound)}, count))
    lines.append(_sample(f"{name}_sum", {}, total))
    lines.append(_sample(f"{name}_count", {}, counts[-1]))
    return "\n".join(lines) + "\n"


def _head(name: str, kind: str, about: str) -> str:
    return f"# HELP {name} {about}\n# TYPE {name} {kind}"


def _sample(name: str, labels: Mapping[str, str], value: float) -> str:
    text = ",".join(f'{label}="{_escaped(of)}"' for label, of in labels.items())
    return f"{name}{{{text}}} {value:.10g}" if text else f"{name} {value:.10g}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
