"""What the desk tells of a transaction: metrics, spans, and lines of the log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from consumers import tracing
from consumers.delivered import Delivered, Unreadable
from consumers.ledger import Applied
from consumers.results import coordinates
from metrics.table import Metrics

LOG = structlog.get_logger()


class DeskMeasures:
    """Of one worker."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def transaction(self, lane: int, applied: Applied, seconds: float) -> None:
        """What was done, and how long each step took."""
        if applied.repeats_dropped and not applied.gap:
            self._metrics.count("noveto_desk_repeats_dropped", applied.repeats_dropped, lane=lane)
        if applied.results is None:
            return
        LOG.debug(
            "batch decided",
            lane=lane,
            commands=applied.commands,
            timers=applied.timers,
            entries=applied.entries,
            seconds=seconds,
        )
        self._metrics.observe("noveto_desk_transaction_seconds", seconds)
        for phase, took in applied.phases.items():
            self._metrics.observe("noveto_desk_phase_seconds", took, phase=phase)
        self._metrics.count("noveto_desk_commands", applied.commands, lane=lane)
        self._metrics.count("noveto_desk_entries", applied.entries, lane=lane)
        if applied.commands:
            self._metrics.observe("noveto_desk_batch_commands", applied.commands)
        if applied.timers:
            self._metrics.count("noveto_desk_timers_fired", applied.timers, lane=lane)
        for reason, count in applied.results.rejections.items():
            self._metrics.count("noveto_desk_answers", count, reason=reason)
        for fact, count in applied.results.facts.items():
            self._metrics.count("noveto_desk_facts", count, type=fact)
        for row in applied.results.quarantined:
            LOG.error("case quarantined", lane=lane, case=row.case_id, error=row.error.split(":", 1)[0])

    def commands(
        self, taken: Sequence[Delivered | Unreadable], now: datetime, seconds: float, spans: tracing.Spans
    ) -> None:
        """How long each took from its receipt to its entry in the journal: the objective is 1 s."""
        for one in taken:
            waited = (now - one.record.source.broker_time).total_seconds()
            self._metrics.observe("noveto_desk_command_seconds", max(0.0, waited) + seconds)
            if spans.on and isinstance(one, Delivered):
                own = tracing.child(one.traceparent, "desk", coordinates(one.record.source))
                about: dict[str, str | int] = {
                    "noveto_case": one.record.case_id or "",
                    "messaging_kafka_offset": one.offset,
                }
                spans.record("desk", own, one.traceparent, now, now + timedelta(seconds=seconds), **about)
