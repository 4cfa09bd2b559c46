"""What one journal entry adds to the counters: pure, so that counting again from the same position gives the same."""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from topics.events import (
    CardCorrected,
    CardGiven,
    CaseDecided,
    CaseDeclared,
    CaseEscalated,
    CaseOpened,
    CaseReferred,
    CaseReturned,
    ConsultationAsked,
    ConsultationClosed,
    DeemedAccepted,
    DeliveryConfirmed,
    Event,
    GovernmentRuled,
    GuidanceRecorded,
    InstructionGiven,
    InterimAnswered,
    Limit,
    LimitsMoved,
    OpinionGiven,
    ProposalSupplied,
    StatutoryNoticeNear,
    SupervisionNoticed,
    SupplementsOverdue,
    TierPassed,
    TierRestored,
)
from topics.inbound import Direct
from topics.journal import AnyEntry, DeadLetterEntry, EventEntry, RejectedEntry
from topics.vocabulary import Card, LimitKind, MatterClass, Outcome, Tier

Key = tuple[str, tuple[str, ...]]
"""A metric's name and its labels' values, in the table's order."""

WorkingSeconds = Callable[[str, datetime, datetime], float]
"""(centre, from, to) → the seconds during which that centre was open."""

# When the committee is reminded that nobody acts: nobody's period, so neither due nor overdue.
REMINDER = LimitKind.DECISION_MAKER_BUDGET
# Who holds a limit that belongs to a department asked, not to a tier of the unit.
DEPARTMENT = "department"
NOT_STATED = "not_stated"
# A sender that the directory does not know, or none.
UNKNOWN = "unknown"


@dataclass(slots=True)
class Tracked:
    """What counting must know of a case from one entry to the next; stored beside the position. Instants are UTC."""

    unit: str
    centre: str
    situation: str
    clock_start: datetime
    matter_class: str = MatterClass.GENERAL
    holder: str | None = None
    """The tier that holds it; None once it is closed."""
    held_since: datetime | None = None
    red: dict[str, list[str]] = field(default_factory=dict)
    """Cards given, by card, limit and what it is about: unit, tier and class that it counted for."""
    late_at: datetime | None = None
    """When it counted as late; None while it does not."""
    answered: bool = False
    departments: dict[str, str] = field(default_factory=dict)
    """Question → the department asked."""
    standing: list[tuple[str, list[str], int]] = field(default_factory=list)
    """Its share of the gauges: metric, labels, amount."""
    running: list[tuple[str, str, datetime, int]] = field(default_factory=list)
    """Its running limits: unit, limit, due, amount."""


@dataclass(slots=True)
class Increments:
    """What a batch of entries adds. `observed` is for histograms; `answers` for windows of working time."""

    values: defaultdict[Key, float] = field(default_factory=lambda: defaultdict(float))
    observed: list[tuple[str, tuple[str, ...], float]] = field(default_factory=list)
    running: Counter[tuple[str, str, datetime]] = field(default_factory=Counter)
    answers: Counter[tuple[str, datetime, str]] = field(default_factory=Counter)
    heard: dict[str, datetime] = field(default_factory=dict)

    def add(self, name: str, *labels: str, amount: float = 1) -> None:
        """Count something."""
        self.values[name, labels] += amount

    def observe(self, name: str, value: float, *labels: str) -> None:
        """Measure something."""
        self.observed.append((name, labels, value))


def count(entry: AnyEntry, case: Tracked | None, working_seconds: WorkingSeconds, into: Increments) -> Tracked | None:
    """Add one entry; the case's new tracking state. The case is None before its first fact."""
    into.add("noveto_journal_entries", str(entry.lane), entry.kind)
    match entry:
        case EventEntry():
            case = _event(entry.event, case, working_seconds, into)
            if case is not None and entry.origin is not None:
                heard = into.heard.get(case.unit)
                into.heard[case.unit] = max(heard, entry.event.at) if heard else entry.event.at
        case RejectedEntry():
            party = entry.origin.party if entry.origin else ""
            into.add("noveto_commands_rejected", party or UNKNOWN, entry.rejection.code)
        case DeadLetterEntry():
            into.add("noveto_dead_letters", entry.party or UNKNOWN, entry.rejection.code)
        case _:
            pass
    return case


def _event(event: Event, case: Tracked | None, working_seconds: WorkingSeconds, into: Increments) -> Tracked | None:
    match event:
        case CaseOpened():
            return _opened(event, into)
        case GuidanceRecorded():
            into.add("noveto_guidance_given", event.org_code, event.situation)
            return Tracked(event.org_code, event.centre, event.situation, event.asked_at)
    if case is None:
        return None
    _facts(event, case, into)
    if not isinstance(event, LimitsMoved):
        for limit in getattr(event, "limits", ()):
            _limit_started(limit, case, into)
    _time(event, case, working_seconds, into)
    return case


def _opened(event: CaseOpened, into: Increments) -> Tracked:
    unit = event.org_code
    situation = str(event.situation) if event.situation else NOT_STATED
    case = Tracked(unit, event.centre, situation, event.clock_start)
    into.add("noveto_refusals_received", unit, situation, event.request_kind)
    into.add("noveto_head_filings", unit)
    if event.unfiled:
        into.add("noveto_unfiled_refusals", unit)
    if event.late_filing:
        into.add("noveto_late_filings", unit)
    tiers = {task.tier for task in event.tasks}
    case.holder = next((tier for tier in (Tier.DECISION_MAKER, Tier.REVIEWER) if tier in tiers), Tier.CLERK)
    case.held_since = event.at
    for limit in event.limits:
        _limit_started(limit, case, into)
    return case


def _limit_started(limit: Limit, case: Tracked, into: Increments) -> None:
    if limit.kind is REMINDER:
        return
    unit = case.unit
    if limit.kind is LimitKind.CONSULTATION and limit.about:
        unit = case.departments.get(limit.about, unit)
    into.add("noveto_limits_started", unit, limit.kind)


def _facts(event: Event, case: Tracked, into: Increments) -> None:
    """What is counted as it is, one fact one count."""
    unit = case.unit
    match event:
        case ProposalSupplied():
            if event.situation:
                case.situation = event.situation
        case CaseReturned():
            into.add("noveto_cases_returned", unit, event.from_tier)
        case CaseEscalated():
            into.add("noveto_reviewer_opinions", unit, event.opinion)
            into.add("noveto_escalations", unit, Tier.REVIEWER, "decision")
        case TierPassed():
            into.add("noveto_escalations", unit, event.tier, "inaction")
        case TierRestored():
            into.add("noveto_escalations_corrected", unit, event.tier)
        case CaseDeclared():
            case.matter_class = event.matter_class
            # The new limit has cards of its own (R22).
            for key in [key for key in case.red if key.split("|")[1] == LimitKind.APPROVAL]:
                del case.red[key]
            into.add("noveto_declarations", unit, event.matter_class)
        case InterimAnswered():
            into.add("noveto_interim_answers", unit, event.tier)
        case CaseReferred():
            into.add("noveto_referrals", unit)
        case ConsultationAsked():
            for request in event.requests:
                _asked(request.request_id, request.question.org_code, case, into)
        case OpinionGiven():
            into.add("noveto_consultations_answered", event.org_code, event.answer)
            if event.handed_over is not None:
                _asked(event.handed_over.request_id, event.handed_over.question.org_code, case, into)
        case ConsultationClosed():
            into.add("noveto_consultations_unanswered", event.org_code)
        case InstructionGiven():
            into.add("noveto_instructions", unit, event.kind)
        case DeliveryConfirmed():
            into.add("noveto_deliveries", unit, event.channel)
        case SupplementsOverdue():
            into.add("noveto_supplements_overdue", unit)
        case SupervisionNoticed():
            into.add("noveto_supervision_notices", unit)
        case LimitsMoved():
            into.add("noveto_limits_moved", unit, amount=len(event.limits))
        case CardGiven():
            into.observe("noveto_timer_lag_seconds", (event.at - (event.fell_due_at or event.due_at)).total_seconds())
            _card(event.card, event.limit, event.about, event.holder, event.due_at, case, into)
        case StatutoryNoticeNear():
            into.add("noveto_statutory_notices_near", unit)
            _card(Card.YELLOW, LimitKind.STATUTORY_NOTICE, None, _tier(case), event.due_at, case, into)
        case DeemedAccepted():
            into.add("noveto_deemed_accepted", unit)
            _card(Card.RED, LimitKind.STATUTORY_NOTICE, None, _tier(case), event.due_at, case, into)
        case CardCorrected():
            _corrected(event, case, into)
        case CaseDecided():
            _decided(event, case, into)
        case _:
            pass


def _asked(request_id: str, department: str, case: Tracked, into: Increments) -> None:
    case.departments[request_id] = department
    into.add("noveto_consultations_asked", department)


def _tier(case: Tracked) -> str:
    return case.holder or Tier.CLERK


def _card(
    card: Card, limit: LimitKind, about: str | None, holder: str | None, due: datetime, case: Tracked, into: Increments
) -> None:
    """A card counts for who held the case: the tier named by it, or the department asked (R27)."""
    unit, tier = case.unit, holder or DEPARTMENT
    if limit is LimitKind.CONSULTATION:
        unit, tier = case.departments.get(about or "", case.unit), DEPARTMENT
    name = "noveto_deadline_breaches" if card is Card.RED else "noveto_deadline_warnings"
    into.add(name, unit, tier, limit, case.matter_class)
    if card is not Card.RED:
        return
    case.red[f"{card}|{limit}|{about or ''}"] = [unit, tier, case.matter_class]
    if limit is LimitKind.APPROVAL and case.matter_class == MatterClass.GENERAL and case.late_at is None:
        case.late_at = due
        into.add("noveto_answers", case.unit, "late")
        into.answers[case.centre, _minute(due), "late"] += 1


def _corrected(event: CardCorrected, case: Tracked, into: Increments) -> None:
    """A breach that was none (R29): counters only grow, so it is counted apart."""
    if event.card is not Card.RED:
        return
    given = case.red.pop(f"{event.card}|{event.limit}|{event.about or ''}", None)
    if given is not None:
        into.add("noveto_deadline_breaches_corrected", *given[:2], event.limit, given[2])
    if event.limit is LimitKind.APPROVAL and case.late_at is not None:
        into.add("noveto_answers", case.unit, "corrected")
        into.answers[case.centre, _minute(case.late_at), "late"] -= 1
        case.late_at = None


def _decided(event: CaseDecided, case: Tracked, into: Increments) -> None:
    into.add("noveto_case_outcomes", case.unit, case.situation, event.outcome)
    into.add("noveto_tail_filings", case.unit)
    if event.departs_from is not None:
        into.add("noveto_departures_from_precedent", case.unit)
    # What the applicant ended is no answer of the unit's; what is late already has been counted.
    by_applicant = event.outcome in (Outcome.WITHDRAWN, Outcome.GUIDED)
    if case.matter_class == MatterClass.GENERAL and case.late_at is None and not by_applicant and not case.answered:
        case.answered = True
        result = "in_time" if event.in_time else "late"
        into.add("noveto_answers", case.unit, result)
        into.answers[case.centre, _minute(event.at), result] += 1


def _time(event: Event, case: Tracked, working_seconds: WorkingSeconds, into: Increments) -> None:
    """Who holds the case now, as `router.evolve` has it; a tier's time is measured when it ends."""
    holder = case.holder
    match event:
        case ProposalSupplied() if event.back_to is not None:
            holder = event.back_to
        case CaseReturned():
            holder = event.to_tier
        case CaseEscalated() | CaseReferred():
            holder = Tier.DECISION_MAKER
        case TierPassed() if event.tier == holder:
            holder = Tier.REVIEWER if event.to_tier is Tier.REVIEWER else Tier.DECISION_MAKER
        case ConsultationAsked() | TierRestored():
            holder = event.tier
        case GovernmentRuled() if isinstance(event.ruling, Direct):
            holder = Tier.DECISION_MAKER
        case CaseDecided():
            holder = None
            spent = working_seconds(case.centre, case.clock_start, event.at)
            into.observe("noveto_time_to_outcome_working_seconds", max(0.0, spent), case.unit, case.matter_class)
        case _:
            return
    if holder == case.holder:
        return
    if case.holder is not None and case.held_since is not None:
        held = working_seconds(case.centre, case.held_since, event.at)
        into.observe("noveto_time_at_tier_working_seconds", max(0.0, held), case.unit, case.holder)
    case.holder, case.held_since = holder, event.at


def _minute(at: datetime) -> datetime:
    """Rounded up: what is kept by the minute is never early."""
    floor = at.replace(second=0, microsecond=0)
    return floor if floor == at else datetime.fromtimestamp(floor.timestamp() + 60, at.tzinfo)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a case stands now, as far as the gauges ask."""

    unit: str
    stage: str
    headless: bool
    limits: tuple[tuple[str, datetime, bool, str | None], ...]
    """(limit, due, provisional, what it is about)."""
    undelivered: int
    awaited: tuple[str, ...]
    """Departments whose answer is awaited."""
    supplements: bool
    unanswered: int


CLOSED = "closed"


def restand(case: Tracked, now: Standing, into: Increments) -> None:
    """The gauges follow: what the case added before is taken out, what it is now is put in."""
    for name, labels, amount in case.standing:
        into.add(name, *labels, amount=-amount)
    for unit, kind, due, amount in case.running:
        into.running[unit, kind, due] -= amount
    gauges: Counter[Key] = Counter()
    unit = now.unit
    if now.stage != CLOSED:
        gauges["noveto_cases_open", (unit, now.stage)] += 1
        if not now.headless:
            gauges["noveto_heads_without_tail", (unit,)] += 1
    for department in now.awaited:
        gauges["noveto_consultations_awaited", (department,)] += 1
    gauges["noveto_replies_undelivered", (unit,)] += now.undelivered
    gauges["noveto_supplements_awaited", (unit,)] += now.supplements
    gauges["noveto_instructions_unanswered", (unit,)] += now.unanswered
    gauges["noveto_limits_provisional", (unit,)] += sum(provisional for _, _, provisional, _ in now.limits)
    case.standing = [(name, list(labels), amount) for (name, labels), amount in gauges.items() if amount]
    running: Counter[tuple[str, str, datetime]] = Counter()
    for kind, due, _, about in now.limits:
        if kind == REMINDER:
            continue
        running[case.departments.get(about or "", unit), kind, _minute(due)] += 1
    case.running = [(whose, kind, due, amount) for (whose, kind, due), amount in running.items()]
    for name, labels, amount in case.standing:
        into.add(name, *labels, amount=amount)
    for whose, kind, due, amount in case.running:
        into.running[whose, kind, due] += amount
