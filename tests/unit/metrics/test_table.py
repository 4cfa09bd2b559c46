"""The one table of metrics keeps Prometheus's conventions."""

from datetime import UTC, datetime

from prometheus_client import Metric
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from metrics.exposition import ENDING, Series, written
from metrics.table import EVERY, EXPORTER, JOURNAL, PROCESS, WORKER, Metrics

from .promtool import run

AT = datetime(2026, 11, 23, 2, 0, 0, 250_000, tzinfo=UTC)
NOT_LABELS = {"case", "case_id", "person", "matter", "name_of_matter", "applicant"}


def series() -> list[Series]:
    """One series of every metric of the journal, with awkward label values."""
    found = []
    for metric in JOURNAL:
        labels = tuple('a "quoted"\nname\\' for _ in metric.labels)
        if metric.kind == "histogram":
            found.append(Series(metric, {}, {labels: ([1.0] * (len(metric.buckets) + 1), 2.5)}))
        else:
            found.append(Series(metric, {labels: 3.0}))
    return found


def read(text: str) -> list[Metric]:
    """As a strict reader of OpenMetrics has it."""
    return list(text_string_to_metric_families(text))  # type: ignore[no-untyped-call]


def test_a_name_stands_once_and_begins_with_ours() -> None:
    """A metric has one row; only what every process tells stands in two tables."""
    names = [metric.name for _, table in EVERY for metric in table]

    assert {name for name in names if names.count(name) > 1} <= {metric.name for metric in PROCESS}
    assert all(name.startswith("noveto_") for name in names)


def test_labels_are_bounded() -> None:
    """No case, person or matter is ever a label."""
    assert not NOT_LABELS & {label for _, table in EVERY for metric in table for label in metric.labels}


def test_openmetrics_reads_what_is_written() -> None:
    """A strict reader of OpenMetrics takes every family, and gives back the labels."""
    families = read(written(series(), AT, openmetrics=True) + ENDING)

    assert [metric.name for metric in JOURNAL] == [family.name for family in families]
    labelled = next(family for family in families if family.name == "noveto_late_filings")
    assert {"unit": 'a "quoted"\nname\\'} == labelled.samples[0].labels


def test_a_worker_and_an_exporter_serve_openmetrics() -> None:
    """The processes' own registries hold their tables."""
    for table in (WORKER, EXPORTER):
        text = generate_latest(Metrics(table).registry).decode()  # type: ignore[no-untyped-call]

        assert {metric.name for metric in table} == {family.name for family in read(text)}


def test_promtool_finds_nothing_to_say() -> None:
    """`promtool check metrics` on every family."""
    from prometheus_client.exposition import generate_latest as text

    for said in (
        written(series(), AT, openmetrics=False),
        *(text(Metrics(t).registry).decode() for t in (WORKER, EXPORTER)),
    ):
        done = run("promtool", "check", "metrics", said=said)

        assert (0, "", "") == (done.returncode, done.stdout, done.stderr)


def test_a_histogram_is_cumulative_when_it_is_told() -> None:
    """Buckets are stored apart and told added up."""
    metric = next(metric for metric in JOURNAL if metric.name == "noveto_timer_lag_seconds")
    counts = [1.0, 2.0] + [0.0] * (len(metric.buckets) - 1)
    text = written([Series(metric, {}, {(): (counts, 0.7)})], AT, openmetrics=True)

    values = {sample.labels.get("le", sample.name[25:]): sample.value for sample in read(text + ENDING)[0].samples}

    assert (1, 3) == (values["0.1"], values["+Inf"])
    assert (3, 0.7) == (values["count"], values["sum"])


def test_every_sample_has_the_instant_at_which_it_was_so() -> None:
    """In seconds for OpenMetrics, in milliseconds in the older format."""
    stamps = {
        openmetrics: {
            line.rsplit(" ", 1)[1]
            for line in written(series(), AT, openmetrics=openmetrics).splitlines()
            if line[0] != "#"
        }
        for openmetrics in (True, False)
    }

    assert {True: {"1795399200.250"}, False: {"1795399200250"}} == stamps
