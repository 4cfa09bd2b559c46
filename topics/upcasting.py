"""Forms that older versions of the code wrote, raised to today's as they are read; the bytes stay as they were hashed.

What is stored says in `v` by which version of the contract it was written. When a form changes, that number goes up by one where the form
is defined, and the step from the version before stands here. A form that is newer than the code is never guessed at.
"""

from collections.abc import Callable, Mapping
from typing import Any

Form = dict[str, Any]
Step = Callable[[Form], Form]

STEPS: dict[tuple[str, int], Step] = {}
"""(a fact's type, an entry's kind, or `command`; version) → the same in the next version. What has no step is alike in both."""


class NewerForm(Exception):
    """A newer version of the code wrote this: only that can go on."""


def check(what: str, found: int, current: int) -> None:
    """Raise NewerForm where this code is older than what it reads."""
    if found > current:
        raise NewerForm(f"{what} was written in version {found} of its form, this code reads up to {current}")


def raised_entry(entry: Form, current: int, steps: Mapping[tuple[str, int], Step] = STEPS) -> Form:
    """An entry of the journal in its current form, and with it the fact it holds. Raises NewerForm."""
    check(f"entry {entry['lane']}/{entry['seq']}", entry["v"], current)
    for version in range(entry["v"], current):
        entry = _stepped(steps, entry["kind"], version, entry)
        if "event" in entry:
            entry = {**entry, "event": _stepped(steps, entry["event"]["type"], version, entry["event"])}
    return {**entry, "v": current}


def raised_command(record: Form, current: int, steps: Mapping[tuple[str, int], Step] = STEPS) -> Form:
    """What intake said of a command, in its current form. Raises NewerForm."""
    check("the command", record["v"], current)
    for version in range(record["v"], current):
        record = _stepped(steps, "command", version, record)
    return {**record, "v": current}


def _stepped(steps: Mapping[tuple[str, int], Step], what: str, version: int, form: Form) -> Form:
    step = steps.get((what, version))
    return form if step is None else step(form)
