"""An exhaustive walk of the core, breadth first, in a small world: every input in every state, until no new state appears.

A state is what a case is without its times, ids and texts. What goes beyond the way clerk, reviewer, decision-maker is a side
path (departments, government, committee, interim answers, withdrawal, declarations, limits that run out); a history takes at most
`SIDES` different ones, each as often as it likes, so that the world stays small enough to be walked to its end.

The walk keeps its own book of who did what and what was filed, from commands and messages, and believes no field of the case.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from typing import Any, NamedTuple

from router.case import AtClerk, AtGovernment, Case, Closed
from router.context import CalendarChanged, Command, Context, LimitsDue
from router.decide import decide
from router.evolve import evolve
from router.rendering import render
from router.timers import pending
from topics.events import CaseDecided, CaseEscalated, CaseReturned, GuidanceRecorded, Rejection
from topics.fields import trusted
from topics.inbound import Direct, Inbound, TierDecided
from topics.outbound import HeadFiling, TailFiling
from topics.parts import Actor
from topics.record import changed
from topics.vocabulary import (
    Card,
    ConsultationAnswer,
    LimitKind,
    MatterClass,
    Outcome,
    RequestKind,
    ReviewerOpinion,
    Situation,
    StageName,
    Tier,
)

from ..unit.router import world

SIDES = 1
NOW = world.MORNING
LONG_AGO = NOW - timedelta(days=1)
FAR = NOW + timedelta(days=400)
CASES = {world.BUREAU: world.CASE, world.SMALL: world.CASE_SMALL}
YES = frozenset({Outcome.ACCEPTED, Outcome.ACCEPTED_WITH_SUPPLEMENTS})

C, C2, R, R2, D = (
    world.CLERK,
    world.OTHER_CLERK,
    world.REVIEWER,
    Actor(person_id="R-2", name="黄静", post="审核岗"),
    world.DECIDER,
)
FOR_CLERK = Actor(person_id="X-1", name="代甲", post="代办", acting_for=C.person_id)
FOR_REVIEWER = Actor(person_id="X-2", name="代乙", post="代办", acting_for=R.person_id)


class Input(NamedTuple):
    """Something that may happen, by a name that a person can read, and the side path that it belongs to."""

    name: str
    message: Inbound | LimitsDue | CalendarChanged
    side: str | None = None
    early: bool = False
    """Received before every limit, read after."""


@dataclass(frozen=True)
class Book:
    """What the walk itself has seen."""

    heads: int = 0
    tails: int = 0
    proposers: frozenset[str] = frozenset()
    opinion_by: frozenset[str] = frozenset()
    """Who gave the opinion that stands; empty while none does."""
    reviewers: frozenset[str] = frozenset()
    grey: bool = False
    """Whether it was ever stated to be a grey area that nobody above the clerk has looked at."""
    sides: frozenset[str] = frozenset()


class Node(NamedTuple):
    """A state, by a case that is in it."""

    case: Case | None
    book: Book
    unit: str
    kind: RequestKind


class Broken(AssertionError):
    """A rule does not hold; the message is the shortest way to where it does not."""

    def __init__(self, rule: str, path: list[str]) -> None:
        self.rule = rule
        self.path = path
        super().__init__(f"{rule}: " + " → ".join(path))


Key = tuple[Any, ...]


@dataclass
class Walked:
    """What the walk has visited."""

    nodes: dict[Key, Node] = field(default_factory=dict)
    came_from: dict[Key, tuple[Key, str] | None] = field(default_factory=dict)
    edges: dict[Key, set[Key]] = field(default_factory=dict)
    transitions: int = 0
    inputs: int = 0
    moves: set[tuple[str, str, str]] = field(default_factory=set)
    """Stage, fact, next stage: what the diagram of the mechanism shows."""

    def path(self, key: Key, last: str) -> list[str]:
        """The names of the inputs that lead here, and one more."""
        names = [last]
        while (step := self.came_from[key]) is not None:
            key, name = step
            names.append(name)
        return names[::-1]


def walk(
    units: tuple[str, ...] = (world.BUREAU, world.SMALL),
    kinds: tuple[RequestKind, ...] = tuple(RequestKind),
    sides: int = SIDES,
    context: Context | None = None,
) -> Walked:
    """Walk until no new state appears; raises Broken at the first rule that does not hold."""
    known = context or world.context(NOW)
    walked = Walked()
    queue: deque[Key] = deque()
    for unit in units:
        for kind in kinds:
            start: Key = ("nothing", unit, kind)
            walked.nodes[start] = Node(None, Book(), unit, kind)
            walked.came_from[start] = None
            queue.append(start)
    while queue:
        key = queue.popleft()
        node = walked.nodes[key]
        edges = walked.edges.setdefault(key, set())
        for given in inputs(node):
            after = node.book.sides | ({given.side} if given.side else set())
            if len(after) > sides:
                continue
            walked.inputs += 1
            if after != node.book.sides:
                reached = _step(walked, key, node._replace(book=replace(node.book, sides=after)), given, known)
            else:
                reached = _step(walked, key, node, given, known)
            if reached is None:
                continue
            walked.transitions += 1
            new = abstract(reached)
            edges.add(new)
            if new not in walked.nodes:
                walked.nodes[new] = reached
                walked.came_from[new] = (key, given.name)
                queue.append(new)
    _ends_are_reachable(walked)
    return walked


@cache
def visited(unit: str, kind: RequestKind) -> Walked:
    """The walk of one unit and kind of request, one side path at a time; walked once a process."""
    return walk((unit,), (kind,), sides=1)


def _step(walked: Walked, key: Key, node: Node, given: Input, context: Context) -> Node | None:
    case, book, unit, kind = node
    received = LONG_AGO if given.early else NOW
    message = given.message
    if isinstance(message, Firing) and case is not None:
        case, message = only_due(case, message.number), LimitsDue(message.until)
    result = decide(case, Command(CASES[unit], message, received, "windows"), context)
    if isinstance(result, Rejection):
        return None

    def require(holds: bool, rule: str) -> None:
        if not holds:
            raise Broken(rule, walked.path(key, given.name))

    for event in result:
        before = case
        case = evolve(before, CASES[unit], event)
        messages = render(before, case, event, context)
        book = _noted(book, given.message, event, messages)
        if isinstance(event, CaseDecided):
            _judge(require, case, event, book, given)
        if isinstance(event, GuidanceRecorded):
            require(event.situation is not Situation.GREY_AREA, "R13: a grey area is never guided away")
        require(before is None or before.open or case.stage == before.stage, "R32: an end is an end")
        walked.moves.add((str(before.stage.name) if before else "", event.type, str(case.stage.name)))
    if case is None:
        return None
    heads = 0 if case.headless else 1
    require(book.heads == heads, "R32: exactly one head")
    require(book.tails == (heads if not case.open else 0), "R32: exactly one tail, at the end")
    return Node(_without_times(case), book, unit, kind)


def _noted(book: Book, message: Any, event: Any, messages: list[Any]) -> Book:
    heads = book.heads + sum(isinstance(told.body, HeadFiling) for told in messages)
    tails = book.tails + sum(isinstance(told.body, TailFiling) for told in messages)
    proposers, opinion_by, reviewers, grey = book.proposers, book.opinion_by, book.reviewers, book.grey
    if event.type in ("case.opened", "proposal.supplied", "withdrawal.asked"):
        actor = getattr(event, "proposed_by", None) or getattr(event, "by", None)
        proposers |= _persons(actor)
        grey = grey or getattr(event, "situation", None) is Situation.GREY_AREA
    if isinstance(event, CaseEscalated):
        opinion_by, grey = _persons(event.by), False
    if isinstance(event, CaseReturned):
        grey = False
        opinion_by = frozenset() if event.from_tier is Tier.DECISION_MAKER else opinion_by
    by_reviewer = isinstance(message, TierDecided) and message.tier is Tier.REVIEWER
    if by_reviewer and event.type in ("case.escalated", "case.returned", "consultation.asked"):
        reviewers |= _persons(message.actor)
    return Book(heads, tails, proposers, opinion_by, reviewers, grey, book.sides)


def _persons(actor: Actor | None) -> frozenset[str]:
    return frozenset(person for person in (actor.person_id, actor.acting_for) if person) if actor else frozenset()


def _judge(require: Callable[[bool, str], None], case: Case, event: CaseDecided, book: Book, given: Input) -> None:
    """What every end must have behind it."""
    require(isinstance(given.message, Inbound), "R24: the clock alone never closes a case")
    deciders = _persons(event.by)
    small = case.org_code == world.SMALL
    if event.outcome is Outcome.REFUSED:
        require(bool(book.opinion_by) or small, "R02: no refusal without a reviewer's opinion")
        by_decider = isinstance(given.message, TierDecided) and given.message.tier is Tier.DECISION_MAKER
        require(by_decider or event.by_government is not None, "R02: only the decision-maker makes a refusal final")
        require(not deciders & (book.proposers | book.reviewers | book.opinion_by), "R07: different persons")
        require(bool(event.legal_basis), "R03: no refusal without a legal basis")
        require(event.explanation is not None, "R03: no refusal without an explanation")
        require(
            case.request_kind is RequestKind.DEMAND or event.document_number is not None,
            "R03: no 不予受理 without a document number",
        )
        require(event.in_person is not None, "R04: the decision says whether somebody answers in person")
        require(book.heads == 1, "R30: no refusal without a head")
    if event.outcome in YES:
        return
    by_window = event.tier is Tier.CLERK or bool(deciders & book.proposers)
    require(
        not by_window or event.confirmation is not None,
        "R01: no end without a yes that a clerk brought about without the applicant's confirmation",
    )
    if event.outcome is Outcome.GUIDED:
        require(event.confirmation is not None, "R05: guidance is confirmed by the applicant")
        require(not book.grey, "R13: a grey area is never guided away")
    if event.outcome is Outcome.WITHDRAWN:
        checked = event.tier is Tier.REVIEWER and not deciders & book.proposers
        require(event.confirmation is not None or checked, "R09: a withdrawal is confirmed or checked")


def _ends_are_reachable(walked: Walked) -> None:
    """From every open state there is a way to an end, and to a refusal properly made."""
    back: dict[Key, set[Key]] = {}
    for key, targets in walked.edges.items():
        for target in targets:
            back.setdefault(target, set()).add(key)
    for rule, outcomes in (
        ("R32: no head without a way to its tail", frozenset(Outcome)),
        ("R02: a refusal properly made is not cut off", frozenset({Outcome.REFUSED})),
    ):
        seen = {
            key
            for key, node in walked.nodes.items()
            if node.case is not None and isinstance(node.case.stage, Closed) and node.case.stage.outcome in outcomes
        }
        queue = deque(seen)
        while queue:
            for key in back.get(queue.popleft(), ()):
                if key not in seen:
                    seen.add(key)
                    queue.append(key)
        for key, node in walked.nodes.items():
            if node.case is not None and node.case.open and key not in seen:
                raise Broken(rule, walked.path(key, "(nothing leads on)"))


def _without_times(case: Case) -> Case:
    """No timer is near: the walk itself says which fires next."""
    limits = tuple(
        limit
        if limit.due_at == FAR
        else changed(limit, {"due_at": FAR, "yellow_at": FAR - timedelta(days=1) if limit.yellow_at else None})
        for limit in case.limits
    )
    return changed(case, {"limits": limits})


def abstract(node: Node) -> Key:
    """What is left of a case without times, ids and texts; after its end, only what still runs."""
    case, book, unit, kind = node
    assert case is not None
    instructions = any(not instruction.answered for instruction in case.instructions)
    replies = frozenset((reply.kind, reply.delivered) for reply in case.replies)
    if isinstance(case.stage, Closed):
        outcome = case.stage.outcome
        still = (bool(case.supplements), case.limit(LimitKind.SUPPLEMENTS) is None)
        return (
            "closed",
            unit,
            kind,
            case.headless,
            outcome,
            book.heads,
            book.tails,
            instructions,
            replies,
            still,
            book.sides,
        )
    asked = sorted(
        (consulted.answer is None and not consulted.silent, consulted.handed_over) for consulted in case.consultations
    )
    return (
        unit,
        kind,
        _place(case),
        case.situation,
        bool(case.lacking),
        case.review is not None,
        Tier.REVIEWER in case.passed_over,
        (case.passing.tier, case.passing.stage.name) if case.passing else None,
        case.withdrawal_asked is not None,
        # The committee's questions stand in `instructions`; of a question only whether the clerk was asked one counts (R13).
        frozenset(
            (task.kind, task.kind == "supply" and bool(task.question))
            for task in case.tasks
            if task.kind != "answer_instruction"
        ),
        frozenset(limit.kind for limit in case.limits if limit.kind not in WITHOUT_EFFECT),
        case.card(LimitKind.APPROVAL, Card.RED) is not None,
        case.matter_class,
        instructions,
        replies,
        # Once the case has come back from them, all that counts of the departments is that they were asked.
        tuple(asked) if case.stage.name is StageName.IN_CONSULTATION else bool(asked),
        book,
    )


def _place(case: Case) -> tuple[StageName, Tier]:
    back_to = case.stage.back_to if isinstance(case.stage, AtClerk) else case.holder
    return case.stage.name, back_to


WITHOUT_EFFECT = frozenset(
    {LimitKind.STATUTORY_NOTICE, LimitKind.INSTRUCTION, LimitKind.CONSULTATION, LimitKind.DELIVERY}
)
"""Limits whose end only reports, or of whose thing the state says enough."""


# What may happen.


def inputs(node: Node) -> Iterator[Input]:
    """Everything that anybody could say in this state, and every timer that could fire, in whatever order."""
    case, _, unit, kind = node
    yield from _openings(unit, kind)
    if case is None:
        return
    yield from _by_tiers(case, unit)
    yield from _by_windows(case)
    yield from _by_others(case)
    yield from _timers(case)
    yield Input("the calendar changes", CalendarChanged())


@cache
def _openings(unit: str, kind: RequestKind) -> tuple[Input, ...]:
    about: dict[str, Any] = {"org_code": unit, "request_kind": kind}
    given = [Input("a refusal is reported", world.reported(**about))]
    for situation in Situation:
        given += [
            Input(f"clerk proposes ({situation})", world.proposed(situation=situation, **about)),
            Input(
                f"clerk proposes ({situation}), nothing else said",
                world.proposed(situation=situation, reason=None, **about),
            ),
            Input(f"clerk has guided ({situation})", world.guidance_given(situation=situation, **about)),
            Input(f"a refusal ({situation}) is reported", world.reported(situation=situation, **about)),
        ]
    return tuple(given)


DECISIONS: dict[str, Any] = {
    "accepts": world.accept(),
    "accepts with supplements": world.accept_with_supplements(),
    "guides out of scope": world.guide(world.COMPETENT),
    "guides on conditions": world.guide(),
    "answers meanwhile": world.interim(),
    "returns it": world.give_back(),
    "upholds": world.escalate(),
    "overturns": world.escalate(ReviewerOpinion.OVERTURN),
    "confirms the withdrawal": world.confirm_withdrawal(),
    "asks two departments": world.consult(),
    "asks one department": world.consult(world.WATER),
    "refuses": world.refuse(guidance=None),
    "refuses, with all guidance": world.refuse(
        guidance=world.NOTICE.model_copy(update={"competent_unit": world.COMPETENT.competent_unit})
    ),
    "refuses without a legal basis": world.refuse(legal_basis=()),
    "refuses without an explanation": world.refuse(explanation=None),
    "refuses without a document number": world.refuse(document_number=None),
    "refuses without saying who answers": world.refuse(in_person=None),
    "redirects": world.redirect(),
    "requires supplements": world.require_supplements(),
    "refers it": world.refer(),
    "declares it special": world.declare(),
    "declares it major": world.declare(MatterClass.MAJOR),
}
ON_ONES_OWN = {
    "accepts",
    "accepts with supplements",
    "guides out of scope",
    "guides on conditions",
    "answers meanwhile",
}
"""What needs no task, and is the same from whomever it comes."""
LACKING_SOMETHING = {name for name in DECISIONS if " without " in name} | {"overturns", "refuses"}
"""Variants that are tried with the usual person only."""
WITHOUT_ITS_TASK = {"upholds", "returns it", "refuses, with all guidance"}
"""What is also tried without a task, on one that is over, and on one that is not of the case."""
SIDE = {
    "answers meanwhile": "interim",
    "confirms the withdrawal": "withdrawal",
    "asks two departments": "departments",
    "asks one department": "departments",
    "refers it": "government",
    "declares it special": "declaration",
    "declares it major": "declaration",
}


def _people(case: Case, tier: Tier) -> tuple[Actor, ...]:
    """The usual person, and those whom only the separation of duties keeps from acting (R07)."""
    proposed = C.person_id in case.proposers
    match tier:
        case Tier.CLERK:
            return (C, C2) if case.withdrawal_asked else (C,)
        case Tier.REVIEWER if R.person_id in case.proposers:
            return (R2, R)
        case Tier.REVIEWER:
            return (R, C, FOR_CLERK) if proposed else (R,)
        case Tier.DECISION_MAKER:
            reviewed = (R, FOR_REVIEWER) if R.person_id in case.reviewers else ()
            return (D, *reviewed, C) if proposed else (D, *reviewed)


def _tasks(case: Case, tier: Tier) -> tuple[str | None, list[str | None]]:
    """The open task that is to be answered, and what else might be named in its place."""
    open_tasks = [task for task in case.tasks if task.tier is tier]
    on_the_case = [task.task_id for task in open_tasks if task.kind in ("review", "decide", "opinions_in")]
    instead: list[str | None] = [None]
    instead += [task.task_id for task in open_tasks if task.kind == "answer_instruction"][-1:]
    instead += [done.task_id for done in case.closed_tasks if done.tier is tier][-1:]
    return (on_the_case[-1] if on_the_case else None), instead


def _by_tiers(case: Case, unit: str) -> Iterator[Input]:
    for tier in Tier:
        people = _people(case, tier)
        usual, instead = _tasks(case, tier)
        for name, decision in DECISIONS.items():
            said = [(people[0], usual)]
            if name not in ON_ONES_OWN | LACKING_SOMETHING:
                said += [(actor, usual) for actor in people[1:]]
            if name in WITHOUT_ITS_TASK and tier is not Tier.CLERK:
                said += [(people[0], task) for task in instead if task != usual]
            for actor, task in said:
                message = trusted(
                    TierDecided, case_id=CASES[unit], task_id=task, tier=tier, actor=actor, decision=decision
                )
                yield Input(f"{tier} ({actor.name}) {name}", message, SIDE.get(name))
        for instruction in case.instructions[-1:]:
            answer = world.answer_instruction(instruction.instruction_id)
            yield Input(f"{tier} answers the committee", world.decided(tier, answer, case_id=CASES[unit]), "committee")
    early = world.by_decider(world.accept(), case_id=CASES[unit])
    yield Input("decision_maker had accepted in time", early, early=True)


def _by_windows(case: Case) -> Iterator[Input]:
    about: dict[str, Any] = {"case_id": case.case_id}
    for situation in (None, *Situation):
        full: dict[str, Any] = {
            "ground_code": "G-2",
            "reason": "补充理由。",
            "legal_basis": world.BASIS,
            "situation": situation,
        }
        known = situation or case.situation
        full["guidance"] = world.GUIDANCE[known] if known else None
        yield Input(f"clerk supplies ({situation or 'no situation'})", world.supplied(C, **about, **full))
    yield Input("clerk answers", world.supplied(C, **about, answer="已核实。"))
    yield Input("reviewer supplies what the clerk owes", world.supplied(R, **about, answer="已核实。"), "withdrawal")
    yield Input("clerk says withdrawn, confirmed", world.withdrawn(**about))
    yield Input("clerk says withdrawn, without proof", world.withdrawn(None, **about), "withdrawal")
    yield Input("supplements come", world.supplements_received(**about))
    for reply in case.replies[-2:]:
        for early in (False, True):
            yield Input(f"{reply.kind} reply delivered", world.told(reply.reply_id, at=NOW, **about), early=early)


def _by_others(case: Case) -> Iterator[Input]:
    about: dict[str, Any] = {"case_id": case.case_id}
    if not case.instructions or (
        all(instruction.answered for instruction in case.instructions) and len(case.instructions) < 2
    ):
        yield Input("committee urges", world.instructed(**about), "committee")
    for asked in case.consultations:
        code, request = asked.request.question.org_code, asked.request.request_id
        yield Input(f"{code} agrees", world.replied(request, code, **about), "departments")
        yield Input(f"{code} had agreed in time", world.replied(request, code, **about), "departments", early=True)
        over: dict[str, Any] = {"answer": ConsultationAnswer.NOT_COMPETENT, "hand_over_to": world.FIRE}
        yield Input(f"{code} hands over", world.replied(request, code, **about, **over), "departments")
    referral = case.stage.referral_id if isinstance(case.stage, AtGovernment) else "none"
    for name, ruling in (
        ("says yes", world.accept()),
        ("directs the unit", Direct(direction="请再研究。")),
        ("refuses", world.refuse(guidance=DECISIONS["refuses, with all guidance"].guidance)),
        ("refuses without a legal basis", world.refuse(legal_basis=())),
    ):
        for actor in (world.SECRETARY, R):
            yield Input(
                f"government ({actor.name}) {name}", world.ruled(referral, ruling, actor, **about), "government"
            )


OF_THE_WAY = frozenset({LimitKind.CLERK_BUDGET, LimitKind.REVIEWER_BUDGET})
SIDE_OF_LIMIT = {
    LimitKind.CONSULTATION: "departments",
    LimitKind.INSTRUCTION: "committee",
    LimitKind.SUPPLEMENTS: None,
    LimitKind.DELIVERY: None,
}


def _timers(case: Case) -> Iterator[Input]:
    """Each limit may be the next to run out: `until` names it by the order in which the walk put the timers."""
    for number, (_, card, limit) in enumerate(pending(case)):
        side = None if limit.kind in OF_THE_WAY else SIDE_OF_LIMIT.get(limit.kind, "limits")
        yield Input(f"{limit.kind} {card}", Firing(NOW, number), side)


@dataclass(frozen=True, slots=True)
class Firing(LimitsDue):
    """The clock's command for one timer out of those that run."""

    number: int = 0


def only_due(case: Case, number: int) -> Case:
    """The case with that one timer due now."""
    _, card, running = list(pending(case))[number]
    due = {"yellow_at": NOW} if card is Card.YELLOW else {"due_at": NOW, "yellow_at": None}
    limits = tuple(changed(limit, due) if limit is running else limit for limit in case.limits)
    return changed(case, {"limits": limits})


def stage_names(walked: Walked) -> set[StageName]:
    """The stages that cases were found in."""
    return {node.case.stage.name for node in walked.nodes.values() if node.case is not None}
