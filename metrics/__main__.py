"""`python -m metrics > docs/metrics.md`: the page about every metric, made from the table."""

import sys

from metrics.table import EVERY, Metric

HEAD = """# Metrics

Made from `metrics/table.py` by `python -m metrics > docs/metrics.md`; a test compares them.

Every process serves `/metrics` (OpenMetrics; the older text format to whom asks for it), `/healthz` and `/readyz`.
Names and units are Prometheus's: seconds, `_total` on counters. Labels are bounded: never a case, a person or a matter's name.
`unit` is the unit's unified social credit code; its name and centre come with
`... * on (unit) group_left (name, centre) unit:noveto_unit_info:latest`, which is recorded from `noveto_unit_info`.
"""
CHAPTERS = {
    "journal": """
## Counted from the journal: the exporter

`noveto exporter` alone tells these, so `sum()` over them is right. It stores what it has counted together with its position in
the journal: a restart, or the standby that takes over, goes on where the last one was, and counters never fall.
Instants and working time are the domain's. A counter is shown at 0 before its first count where its labels are known beforehand,
so `increase()` sees the first. They may be some seconds behind the journal (`noveto_exporter_lag_entries`); each sample carries the
instant at which it was so ([observing.md](observing.md)).

`noveto_deadline_breaches_corrected_total` has the red cards taken back because the decision had been received in time (R29):
what counts is breaches less corrected.
""",
    "worker": """
## A worker's own

Each worker tells what its own process does; a restart sets counters to 0, as Prometheus expects. Use `sum(rate(...))`.
""",
    "exporter": """
## An exporter's own

Also while it stands by.
""",
}


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for source, table in EVERY:
        parts.append(CHAPTERS[source])
        parts.append("| metric | type | labels | what it tells |\n| --- | --- | --- | --- |\n")
        parts.extend(_row(metric) for metric in table)
    return "".join(parts)


def _row(metric: Metric) -> str:
    name = f"{metric.name}_total" if metric.kind == "counter" else metric.name
    labels = ", ".join(f"`{label}`" for label in metric.labels) or "none"
    buckets = f" Buckets: {', '.join(f'{bound:g}' for bound in metric.buckets)}." if metric.buckets else ""
    return f"| `{name}` | {metric.kind} | {labels} | {metric.help}{buckets} |\n"


if __name__ == "__main__":
    sys.stdout.write(page())
