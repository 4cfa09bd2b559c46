"""Every metric: name, type, labels, help. Labels are bounded: never a case, a person or a matter's name."""

from dataclasses import dataclass, field
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase


@dataclass(frozen=True, slots=True)
class Metric:
    """One row of the table. `name` follows Prometheus's conventions, without the `_total` that a counter's samples have."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = field(default=())


PHASES = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
# From a record's receipt to its entry in the journal: 1 s is the objective.
LATENCIES = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300)
HOUR = 3600
# Working time; a usual working day has 6.5 hours of it, so 23400 is the limit of a general matter.
WORKING_SECONDS = (600, 1800, HOUR, 2 * HOUR, 3 * HOUR, 4.5 * HOUR, 23400, 9 * HOUR, 46800, 5 * 23400, 10 * 23400)
# How late the clock noticed a limit, in the time the rules run by.
TIMER_LAGS = (0.1, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800)

# What every process says of itself.
PROCESS: tuple[Metric, ...] = (
    Metric("noveto_build_info", "gauge", "1, with the version that runs.", ("version", "python")),
    Metric("noveto_database_pool_connections", "gauge", "Connections of the pool, by what they do.", ("state",)),
)

# What a worker's own process does; what is counted from the journal comes from one exporter instead.
WORKER: tuple[Metric, ...] = (
    *PROCESS,
    Metric("noveto_intake_records", "counter", "Records forwarded by intake to case.commands.", ("verdict",)),
    Metric("noveto_intake_restarts", "counter", "Times intake started over after an error."),
    Metric(
        "noveto_intake_errors",
        "counter",
        "Times intake could not ask or tell the database; records go on without it.",
        ("error",),
    ),
    Metric("noveto_intake_batch_records", "histogram", "Records forwarded in one round.", (), SIZES),
    Metric(
        "noveto_intake_forward_seconds", "histogram", "From reading a round to its commit on the broker.", (), PHASES
    ),
    Metric("noveto_intake_lag_records", "gauge", "Inbound records this process has not forwarded yet."),
    Metric("noveto_intake_lag_seconds", "gauge", "Age of the oldest inbound record this process has not forwarded."),
    Metric("noveto_desk_commands", "counter", "Commands whose lane moved past them.", ("lane",)),
    Metric("noveto_desk_entries", "counter", "Journal entries appended.", ("lane",)),
    Metric("noveto_desk_repeats_dropped", "counter", "Deliveries of a command that the lane already had.", ("lane",)),
    Metric(
        "noveto_desk_gaps_refused",
        "counter",
        "Deliveries refused because an offset before them was missing.",
        ("lane",),
    ),
    Metric(
        "noveto_desk_answers", "counter", "Commands rejected, repeated or put aside, by the reason's code.", ("reason",)
    ),
    Metric("noveto_desk_facts", "counter", "Facts recorded by this process, by type.", ("type",)),
    Metric("noveto_desk_timers_fired", "counter", "Cases whose timers fired.", ("lane",)),
    Metric("noveto_desk_batch_commands", "histogram", "Commands in one transaction.", (), SIZES),
    Metric("noveto_desk_transaction_seconds", "histogram", "Duration of one lane transaction.", (), PHASES),
    Metric("noveto_desk_phase_seconds", "histogram", "Duration of one step of a lane transaction.", ("phase",), PHASES),
    Metric(
        "noveto_desk_command_seconds",
        "histogram",
        "From a command's receipt (the broker's time) to its entry in the journal.",
        (),
        LATENCIES,
    ),
    Metric(
        "noveto_desk_errors",
        "counter",
        "Transactions that failed and were tried again, by the error's class.",
        ("error",),
    ),
    Metric("noveto_desk_lag_records", "gauge", "Records of case.commands the lane has not taken yet.", ("lane",)),
    Metric("noveto_desk_lag_seconds", "gauge", "Age of the oldest record the lane has not taken.", ("lane",)),
    Metric("noveto_lane_owned", "gauge", "1 while this process writes the lane.", ("stage", "lane")),
    Metric("noveto_lane_handovers", "counter", "Times this process took a lane.", ("stage",)),
    Metric("noveto_lane_fenced", "counter", "Times another worker had taken the lane from this one.", ("stage",)),
    Metric("noveto_relay_messages", "counter", "Messages published.", ("lane",)),
    Metric("noveto_relay_batch_entries", "histogram", "Journal entries in one Kafka transaction.", (), SIZES),
    Metric("noveto_relay_transaction_seconds", "histogram", "Duration of one Kafka transaction.", (), PHASES),
    Metric(
        "noveto_relay_aborts", "counter", "Kafka transactions that did not commit, by the error's class.", ("error",)
    ),
    Metric("noveto_relay_lag_entries", "gauge", "Journal entries not published yet.", ("lane",)),
    Metric("noveto_relay_lag_seconds", "gauge", "Age of the oldest entry not published.", ("lane",)),
    Metric("noveto_lane_stopped", "gauge", "1 while a lane is stopped because its stores disagree.", ("lane",)),
)

# What an exporter's own process says of itself, also while it stands by.
EXPORTER: tuple[Metric, ...] = (
    PROCESS[0],
    Metric("noveto_exporter_active", "gauge", "1 while this exporter counts and exposes, 0 while it stands by."),
    Metric("noveto_exporter_handovers", "counter", "Times this exporter began to count."),
    Metric("noveto_exporter_entries", "counter", "Journal entries this process has counted."),
    Metric(
        "noveto_exporter_unreadable",
        "counter",
        "Journal entries that could not be read although of a known version; they are passed over.",
    ),
    Metric("noveto_exporter_lag_entries", "gauge", "Journal entries not counted yet; 0 while it stands by.", ("lane",)),
    Metric("noveto_exporter_transaction_seconds", "histogram", "Duration of one counting transaction.", (), PHASES),
    Metric("noveto_exporter_errors", "counter", "Times counting started over, by the error's class.", ("error",)),
)

# What is counted from the journal: the same whoever counts, across restarts and rebalances.
JOURNAL: tuple[Metric, ...] = (
    Metric(
        "noveto_unit_info",
        "gauge",
        "1 for each unit: its name and its centre, which is empty for a department without windows.",
        ("unit", "centre", "name"),
    ),
    Metric(
        "noveto_journal_entries", "counter", "Entries of the journal, by what became of the command.", ("lane", "kind")
    ),
    # what comes in
    Metric(
        "noveto_refusals_received",
        "counter",
        "Refusals proposed or reported: each has a head filing (R02, R30).",
        ("unit", "situation", "request_kind"),
    ),
    Metric(
        "noveto_guidance_given",
        "counter",
        "Guidance at the window, confirmed, without a head (R05).",
        ("unit", "situation"),
    ),
    Metric("noveto_unfiled_refusals", "counter", "Refusals that the window never filed (漏报, R08).", ("unit",)),
    Metric("noveto_late_filings", "counter", "Heads that came late (迟报, R29).", ("unit",)),
    # where it stands
    Metric("noveto_cases_open", "gauge", "Cases without an outcome, by where they stand.", ("unit", "stage")),
    Metric("noveto_heads_without_tail", "gauge", "Heads filed whose tail is still to come (R32).", ("unit",)),
    Metric(
        "noveto_heads_without_tail_past_due",
        "gauge",
        "Heads filed whose tail is still to come although the limit has passed (R32).",
        ("unit",),
    ),
    Metric("noveto_head_filings", "counter", "Head filings (R30).", ("unit",)),
    Metric("noveto_tail_filings", "counter", "Tail filings (R31).", ("unit",)),
    # how it ends
    Metric("noveto_case_outcomes", "counter", "Cases ended, by outcome.", ("unit", "situation", "outcome")),
    Metric(
        "noveto_time_to_outcome_working_seconds",
        "histogram",
        "Working time from the clock's start to the outcome.",
        ("unit", "matter_class"),
        WORKING_SECONDS,
    ),
    Metric(
        "noveto_time_at_tier_working_seconds",
        "histogram",
        "Working time for which a tier held a case, each time it did.",
        ("unit", "tier"),
        WORKING_SECONDS,
    ),
    Metric(
        "noveto_reviewer_opinions",
        "counter",
        "What reviewers thought of the clerk's proposal (R02).",
        ("unit", "opinion"),
    ),
    Metric(
        "noveto_departures_from_precedent", "counter", "Decisions that depart from a settled line (R36).", ("unit",)
    ),
    Metric("noveto_interim_answers", "counter", "Interim answers (R23).", ("unit", "tier")),
    Metric(
        "noveto_declarations",
        "counter",
        "Cases declared special, or major and difficult (R21, R22).",
        ("unit", "matter_class"),
    ),
    Metric(
        "noveto_escalations_corrected",
        "counter",
        "Escalations by inaction that were none: the tier had acted in time, and was read late (R29).",
        ("unit", "tier"),
    ),
    Metric(
        "noveto_escalations",
        "counter",
        "Cases that went up a tier: by decision, or by inaction (R24).",
        ("unit", "tier", "how"),
    ),
    Metric("noveto_cases_returned", "counter", "Cases sent back with a question, by who asked.", ("unit", "tier")),
    Metric("noveto_referrals", "counter", "Cases referred to the same-level government (R15).", ("unit",)),
    # lateness
    Metric(
        "noveto_deadline_breaches",
        "counter",
        "Red cards, for who held the case (R27); tier `department` is a department asked.",
        ("unit", "tier", "limit", "matter_class"),
    ),
    Metric(
        "noveto_deadline_warnings",
        "counter",
        "Yellow cards, for who held the case (R27).",
        ("unit", "tier", "limit", "matter_class"),
    ),
    Metric(
        "noveto_deadline_breaches_corrected",
        "counter",
        "Red cards taken back: the decision had been received in time (R29).",
        ("unit", "tier", "limit", "matter_class"),
    ),
    Metric("noveto_limits_started", "counter", "Limits that began to run.", ("unit", "limit")),
    Metric("noveto_limits_due", "gauge", "Limits that end within so many hours.", ("unit", "limit", "within")),
    Metric("noveto_limits_overdue", "gauge", "Limits that have passed and still wait for somebody.", ("unit", "limit")),
    Metric(
        "noveto_oldest_overdue_seconds", "gauge", "For how long the oldest of them has been over.", ("unit", "limit")
    ),
    Metric("noveto_limits_provisional", "gauge", "Running limits that reach an unannounced year (R26).", ("unit",)),
    Metric("noveto_limits_moved", "counter", "Limits worked out again for a new calendar (R26).", ("unit",)),
    Metric("noveto_supervision_notices", "counter", "Times the committee was told that nobody acts (R24).", ("unit",)),
    Metric("noveto_statutory_notices_near", "counter", "One-time notices nearly overdue by law (R28).", ("unit",)),
    Metric("noveto_deemed_accepted", "counter", "Applications that count as accepted by law (R28).", ("unit",)),
    Metric(
        "noveto_timer_lag_seconds",
        "histogram",
        "From when a card was due to when it was given, in the time the rules run by.",
        (),
        TIMER_LAGS,
    ),
    # what is owed
    Metric(
        "noveto_replies_undelivered",
        "gauge",
        "Final replies that the applicant has not been told yet (R38).",
        ("unit",),
    ),
    Metric("noveto_deliveries", "counter", "Replies that the applicant was told (R38).", ("unit", "channel")),
    Metric("noveto_consultations_asked", "counter", "Questions put to the department (R14).", ("unit",)),
    Metric("noveto_consultations_awaited", "gauge", "Questions the department has not answered yet (R14).", ("unit",)),
    Metric("noveto_consultations_answered", "counter", "The department's answers (R14).", ("unit", "answer")),
    Metric(
        "noveto_consultations_unanswered",
        "counter",
        "Questions that met with the department's silence (R14).",
        ("unit",),
    ),
    Metric("noveto_supplements_awaited", "gauge", "Cases accepted whose supplements are to come (R12).", ("unit",)),
    Metric("noveto_supplements_overdue", "counter", "Supplements whose date has passed (R12).", ("unit",)),
    Metric("noveto_instructions", "counter", "催办、督办、协调 by the committee (R37).", ("unit", "kind")),
    Metric(
        "noveto_instructions_unanswered", "gauge", "The committee's questions that wait for an answer (R37).", ("unit",)
    ),
    # what did not work
    Metric(
        "noveto_commands_rejected",
        "counter",
        "Commands that changed nothing, by sender and reason.",
        ("party", "reason"),
    ),
    Metric(
        "noveto_dead_letters", "counter", "Records that could not be used, by sender and reason.", ("party", "reason")
    ),
    Metric("noveto_cases_quarantined", "gauge", "Cases that wait for an operator."),
    # the world around it
    Metric(
        "noveto_unit_silent_working_seconds",
        "gauge",
        "Working time since the unit's systems last said anything.",
        ("unit",),
    ),
    Metric("noveto_centre_open", "gauge", "1 in the centre's opening hours.", ("centre",)),
    Metric("noveto_centre_working_day_seconds", "gauge", "The working time of one working day.", ("centre",)),
    Metric(
        "noveto_calendar_certain_seconds",
        "gauge",
        "How far from today the announced calendar reaches (R26).",
        ("centre",),
    ),
    Metric(
        "noveto_answers",
        "counter",
        "General matters answered, in or after their one working day (R20); each counts once.",
        ("unit", "result"),
    ),
    Metric(
        "noveto_answers_in_window",
        "gauge",
        "General matters answered in the last so much working time: nights and holidays do not count.",
        ("centre", "window", "result"),
    ),
)

EVERY: tuple[tuple[str, tuple[Metric, ...]], ...] = (
    ("journal", JOURNAL),
    ("worker", WORKER),
    ("exporter", EXPORTER),
)


class Metrics:
    """The metrics of one process, in a registry of its own."""

    def __init__(self, table: tuple[Metric, ...] = WORKER, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self._metrics: dict[str, MetricWrapperBase] = {}
        for row in table:
            match row.kind:
                case "counter":
                    metric: MetricWrapperBase = Counter(row.name, row.help, row.labels, registry=self.registry)
                case "gauge":
                    metric = Gauge(row.name, row.help, row.labels, registry=self.registry)
                case "histogram":
                    metric = Histogram(row.name, row.help, row.labels, buckets=row.buckets, registry=self.registry)
            self._metrics[row.name] = metric

    def count(self, name: str, amount: float = 1, **labels: object) -> None:
        """Add to a counter."""
        metric = self._of(name, labels)
        if not isinstance(metric, Counter):
            raise TypeError(f"{name} is no counter")
        metric.inc(amount)

    def set(self, name: str, value: float, **labels: object) -> None:
        """Set a gauge."""
        metric = self._of(name, labels)
        if not isinstance(metric, Gauge):
            raise TypeError(f"{name} is no gauge")
        metric.set(value)

    def observe(self, name: str, value: float, **labels: object) -> None:
        """Add an observation to a histogram."""
        metric = self._of(name, labels)
        if not isinstance(metric, Histogram):
            raise TypeError(f"{name} is no histogram")
        metric.observe(value)

    def _of(self, name: str, labels: dict[str, object]) -> MetricWrapperBase:
        metric = self._metrics[name]
        return metric.labels(**{key: str(value) for key, value in labels.items()}) if labels else metric
