"""Series as a scrape reads them: OpenMetrics 1.0, or the older text format for tools that ask for it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
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


def written(families: Iterable[Series], *, openmetrics: bool) -> str:
    """The text of the families, without OpenMetrics' last line."""
    return "".join(line for family in families for line in _family(family, openmetrics))


def _family(family: Series, openmetrics: bool) -> Iterator[str]:
    metric = family.metric
    sample = f"{metric.name}_total" if metric.kind == "counter" else metric.name
    name = metric.name if openmetrics else sample
    yield f"# HELP {name} {_escaped_help(metric.help)}\n# TYPE {name} {metric.kind}\n"
    if family.histograms is not None:
        for labels, (counts, total) in family.histograms.items():
            yield from _histogram(metric, labels, counts, total)
        return
    for labels, value in family.values.items():
        yield f"{_named(sample, metric.labels, labels)} {_number(value)}\n"


def _histogram(metric: Metric, labels: tuple[str, ...], counts: list[float], total: float) -> Iterator[str]:
    names = (*metric.labels, "le")
    cumulative = 0.0
    for bound, count in zip((*metric.buckets, None), counts, strict=True):
        cumulative += count
        le = "+Inf" if bound is None else repr(float(bound))
        yield f"{_named(f'{metric.name}_bucket', names, (*labels, le))} {_number(cumulative)}\n"
    yield f"{_named(f'{metric.name}_count', metric.labels, labels)} {_number(cumulative)}\n"
    yield f"{_named(f'{metric.name}_sum', metric.labels, labels)} {_number(total)}\n"


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
