"""What dashboards are made of, and how they ask."""

from dataclasses import dataclass
from string import Template
from typing import Literal

NAMED = "* on (unit) group_left (name) unit:noveto_unit_info:latest"
HERE = '* on (unit) group_left (name) unit:noveto_unit_info:latest{centre="$centre"}'
"""Keeps the units of the chosen centre, and gives them their names."""


@dataclass(frozen=True, slots=True)
class Query:
    """An expression, and how its series are called in the legend."""

    expr: str
    legend: str = ""

    def filled(self, **variables: str) -> str:
        """With the reader's choices put in: `unit`, `centre`, and `__range`, the time that is shown."""
        return Template(self.expr).safe_substitute(variables)


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture. `unit` is Grafana's."""

    kind: Literal["stat", "timeseries", "bars"]
    chinese: str
    english: str
    queries: tuple[Query, ...]
    unit: str
    red_from: float | None
    """From when on it is shown red."""

    @property
    def title(self) -> str:
        return f"{self.chinese} · {self.english}"


@dataclass(frozen=True, slots=True)
class Variable:
    """What a reader chooses. `regex` tells what is shown (`text`) of what the query finds, and what is put in (`value`)."""

    name: str
    label: str
    query: str
    regex: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under a title."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """A dashboard."""

    uid: str
    chinese: str
    english: str
    variables: tuple[Variable, ...]
    rows: tuple[Row, ...]

    @property
    def title(self) -> str:
        return f"{self.chinese} · {self.english}"

    @property
    def panels(self) -> tuple[Panel, ...]:
        return tuple(panel for row in self.rows for panel in row.panels)


def row(title: str, *panels: Panel) -> Row:
    """Panels beside each other."""
    return Row(title, panels)


def stat(chinese: str, english: str, *queries: Query, unit: str = "short", red_from: float | None = None) -> Panel:
    """A number, as it is now."""
    return Panel("stat", chinese, english, queries, unit, red_from)


def bars(chinese: str, english: str, *queries: Query, unit: str = "short", red_from: float | None = None) -> Panel:
    """A bar a series, as it is now."""
    return Panel("bars", chinese, english, queries, unit, red_from)


def lines(chinese: str, english: str, *queries: Query, unit: str = "short", red_from: float | None = None) -> Panel:
    """A line a series, over the time that is shown."""
    return Panel("timeseries", chinese, english, queries, unit, red_from)


def during(series: str, time: str = "$__range") -> str:
    """What a counter of the journal has counted in that time. Exact, and a series' first count too: such a counter never falls."""
    return f"({series} - ({series} offset {time} or 0 * {series}))"


def quantile(share: float, buckets: str, by: str = "") -> str:
    """Of a histogram's buckets, for each value of a label."""
    return f"histogram_quantile({share}, sum by ({', '.join(filter(None, ('le', by)))}) ({buckets}))"
