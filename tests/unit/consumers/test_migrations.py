"""Migrations go forward only, and are applied while the version before still runs: each may add, and take nothing away."""

import re
from importlib import resources
from typing import Any

import pytest
from alembic.script import ScriptDirectory

from consumers.database import _config

SCRIPTS = {
    file.name: file.read_text()
    for file in sorted((resources.files("consumers") / "migrations" / "versions").iterdir(), key=lambda file: file.name)
    if file.name.endswith(".sql")
}
ALLOWED = re.compile(
    r"create (table|index|unique index|function|trigger|view|type|sequence) "
    r"|drop index "  # nobody's query names one
    r"|insert into "
    r"|comment on "
    r"|alter table \w+ (add (column )?(?!constraint|primary|foreign|unique|check|not)\w+)"
)


def statements(script: str) -> list[str]:
    """The statements of a script, in one line each, without comments; a function's body counts as its text."""
    bare = re.sub(r"--[^\n]*", "", script)
    whole = re.sub(r"\$\$.*?\$\$", "''", bare, flags=re.DOTALL)
    return [" ".join(statement.lower().split()) for statement in whole.split(";") if statement.strip()]


def breaks(statement: str) -> str | None:
    """Why the version before would not survive it; None where it would."""
    if not ALLOWED.match(statement):
        return "neither adds a thing nor fills one"
    if statement.startswith("alter table"):
        for action in re.split(r", *(?=add |drop |alter |rename )", statement):
            if re.search(r"\b(drop|alter column|rename)\b", action):
                return "takes away what is read, or changes it"
            if "not null" in action and "default" not in action:
                return "a row that the version before writes would lack it"
    return None


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_migration_only_adds(name: str) -> None:
    """So that workers of the version before go on reading and writing until they are replaced."""
    assert [] == [(statement, why) for statement in statements(SCRIPTS[name]) if (why := breaks(statement))]


@pytest.mark.parametrize(
    "statement",
    [
        "drop table lanes",
        "alter table lanes drop column clock",
        "alter table lanes rename column clock to time",
        "alter table lanes rename to rows",
        "alter table lanes alter column clock type text",
        "alter table lanes add note text, drop column clock",
        "alter table lanes add note text not null",
        "alter table lanes add constraint positive check (next_seq >= 0)",
        "update lanes set clock = now()",
        "delete from outbox",
        "truncate outbox",
    ],
)
def test_what_would_break_the_version_before_is_seen(statement: str) -> None:
    """Whoever needs one of these does it in two releases: the first stops using it, the second takes it away."""
    assert breaks(statement) is not None


def test_there_is_no_way_back_and_one_way_forward() -> None:
    """One head, each revision after the one before, and no script that undoes one."""
    revisions: list[Any] = list(ScriptDirectory.from_config(_config()).walk_revisions())

    assert [f"{number:04}" for number in range(len(revisions), 0, -1)] == [found.revision for found in revisions]
    assert all(not hasattr(found.module, "downgrade") for found in revisions)
    assert len(SCRIPTS) == len(revisions)
