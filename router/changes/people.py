"""Who has taken part in a case: whoever proposed or reviewed cannot uphold (R07)."""

from topics.parts import Actor


def joined(people: tuple[str, ...], actor: Actor | None) -> tuple[str, ...]:
    """The people with one more official, and the colleague whom a deputy stands for; nobody stands there twice."""
    if actor is None:
        return people
    for person in (actor.person_id, actor.acting_for):
        if person is not None and person not in people:
            people = (*people, person)
    return people
