"""Series as a scrape reads them: OpenMetrics 1.0, or the older text format for tools that ask for it.

Each has the instant at which it was so. Prometheus then orders by it what several exporters tell of the same series, and takes
the end of one of them for the end of none.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from metrics.table import Metric

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
TEXT = "text/plain; version=0.0.4; charset=utf-8"
ENDING = "# EOF\n"


@dataclass(frozen=True, slots=True)
class Series:
    """One metric's series. `values` is by its labels' values, in the table's order."""

    metric: Metric
    values: Mapping[tuple[str, ...], float]
    histograms: Mapping[tuple[str, ...], tuple[list[float], float]] | None = None
    """Of a histogram instead: counts of the buckets, not cumulative, with +Inf as the last; and the sum."""


def written(families: Iterable[Series], at: datetime, *, openmetrics: bool) -> str:
    """The text of the families as they were at an instant, without OpenMetrics' last line."""
    stamp = f"{at.timestamp():.3f}" if openmetrics else str(int(at.timestamp() * 1000))
    return "".join(line for family in families for line in _family(family, stamp, openmetrics))


def _family(family: Series, stamp: str, openmetrics: bool) -> Iterator[str]:
    metric = family.metric
    sample = f"{metric.name}_total" if metric.kind == "counter" else metric.name
    name = metric.name if openmetrics else sample
    yield f"# HELP {name} {_escaped_help(metric.help)}\n# TYPE {name} {metric.kind}\n"
    if family.histograms is not None:
        for labels, (counts, total) in family.histograms.items():
            for series, value in _histogram(metric, labels, counts, total):
                yield f"{series} {_number(value)} {stamp}\n"
        return
    for labels, value in family.values.items():
        yield f"{_named(sample, metric.labels, labels)} {_number(value)} {stamp}\n"


def _histogram(
    metric: Metric, labels: tuple[str, ...], counts: list[float], total: float
) -> Iterator[tuple[str, float]]:
    names = (*metric.labels, "le")
    cumulative = 0.0
    for bound, count in zip((*metric.buckets, None), counts, strict=True):
        cumulative += count
        le = "+Inf" if bound is None else repr(float(bound))
        yield _named(f"{metric.name}_bucket", names, (*labels, le)), cumulative
    yield _named(f"{metric.name}_count", metric.labels, labels), cumulative
    yield _named(f"{metric.name}_sum", metric.labels, labels), total


@lru_cache(maxsize=200_000)
def _named(sample: str, names: tuple[str, ...], values: tuple[str, ...]) -> str:
    """A series' name with its labels: the same at every scrape."""
    if not names:
        return sample
    return (
        sample + "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in zip(names, values, strict=True)) + "}"
    )


def _escaped(value: str) -> str:
    if "\\" in value or '"' in value or "\n" in value:
        return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return value


def _escaped_help(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
