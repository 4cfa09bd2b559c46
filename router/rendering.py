"""The messages a fact means: to which topic, saying what. Pure, and complete before anything is stored."""

from collections.abc import Iterator

from router import alerting
from router.case import Case
from router.context import Context
from router.messages import asking, filings, replies, tasks
from router.messages.message import Message, about
from topics.events import (
    CaseDecided,
    CaseDeclared,
    CaseOpened,
    CaseReferred,
    ConsultationAsked,
    Event,
    InstructionAnswered,
    InterimAnswered,
    OpinionGiven,
    SupplementsCame,
)
from topics.fields import trusted
from topics.outbound import DeadlineAlert
from topics.registry import Family


def render(before: Case | None, after: Case, event: Event, context: Context) -> list[Message]:
    """Everything that a fact says to others, in order: filings first, then replies, tasks, alerts."""
    return [
        *_of_event(after, event, context),
        *tasks.opened(after, event, context),
        *tasks.closed(before, after, event, context),
        *asking.closed(before, event, context),
    ]


def _of_event(case: Case, event: Event, context: Context) -> Iterator[Message]:
    match event:
        case CaseOpened():
            yield filings.head(case, event)
        case CaseDecided():
            yield filings.tail(case, event, context)
            yield replies.final(case, event, context)
        case InterimAnswered():
            yield replies.interim(case, event, context)
        case CaseDeclared():
            yield filings.declared(case, event)
        case InstructionAnswered():
            yield filings.instruction_answered(case, event)
        case SupplementsCame():
            yield filings.supplements_came(case, event)
        case ConsultationAsked():
            yield from asking.departments(case, event.requests, context)
        case OpinionGiven():
            if event.handed_over is not None:
                yield from asking.departments(case, (event.handed_over,), context)
            yield from tasks.opinion(case, event, context)
        case CaseReferred():
            yield from asking.government(case, event, context)
        case _:
            yield from _alerts(case, event, context)


def _alerts(case: Case, event: Event, context: Context) -> Iterator[Message]:
    for alert in alerting.alerts(event, case, context):
        body = trusted(DeadlineAlert, **about(case), **alerting.message(case, event, alert))
        for party in alerting.alerted(case, alert, context):
            yield Message(Family.DEADLINE_ALERTS, party, body)
