"""The commands on the calendar's pages work as they are printed."""

import re
import shlex
from importlib import resources
from pathlib import Path

import pytest
from click.testing import CliRunner

from consumers.cli.deadline import deadline

DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize("page", ["calendar.md", "calendar.zh.md"])
def test_commands_of_the_page_work_as_printed(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command on the page succeeds, and prints what the page shows of its output."""
    text = (DOCS / page).read_text("utf-8")
    (centre,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    Path("centre.yaml").write_text(centre, "utf-8")
    Path("list.tsv").write_text("2026-09-18T16:50\t1\n", "utf-8")
    # The notice for 2027 is not published: the file of the year before stands in for it.
    Path("2027.yaml").write_bytes((resources.files("deadlines") / "years" / "2026.yaml").read_bytes())
    commands = 0
    for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL):
        for example in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *shown = example.splitlines()
            program, group, *arguments = shlex.split(command)
            result = CliRunner().invoke(deadline, arguments)
            commands += 1
            assert (program, group) == ("noveto", "deadline")
            assert result.exit_code == 0, result.output
            assert shown == result.stdout.splitlines()[: len(shown)]

    assert commands > 5


def test_both_pages_have_the_same_commands() -> None:
    """Neither language leaves out a command of the other."""
    english, chinese = (
        re.findall(r"^\$ .*", (DOCS / page).read_text("utf-8"), re.MULTILINE)
        for page in ("calendar.md", "calendar.zh.md")
    )

    assert english == chinese
