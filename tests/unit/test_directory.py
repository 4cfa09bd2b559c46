"""A directory's mistakes are named by the line they stand on; what fits together is taken as it is."""

from pathlib import Path

import pytest

from consumers.reference import ReferenceDataError, read_yaml
from topics.directory import Directory

FILE = Path(__file__).parents[1] / "departments.yaml"


@pytest.mark.parametrize(
    ("text", "instead", "at", "what"),
    [
        ("consultedFor: [WATER]", "consultedFor: [WATER, LAVA]", "LAVA", "party water: no unit LAVA"),
        ("{id: water,", "{id: fire,", "{id: fire, name: 水利", "party fire stands twice"),
        ("consultedFor: [ROADS]", "consultedFor: [WATER]", "name: 交通业务", "party roads: water answers for WATER already"),
        ("committeeOf: [harbour]", "committeeOf: [hall]", "{id: harbour, name", "centre harbour: 0 parties are its committee"),
        ("centre: harbour}", "centre: harbor}", "centre: harbor}", "unit HARBOUR: no centre harbor"),
        ("units: [HARBOUR], tiers: [clerk, reviewer,", "units: [HARBOUR], tiers: [clerk,", "orgCode: HARBOUR", "0 parties speak for its reviewer"),
        ("units: [BUREAU], tiers: [clerk]", "units: [BUREAUX], tiers: [clerk]", "units: [BUREAUX]", "party windows: no unit BUREAUX"),
        ("committeeOf: [hall]}", "committeeOf: [hall], governmentOf: ['350100']}", "name: 市政府公文系统", "party government: committee is the government of 350100 already"),
        ("id: windows", "id: noveto-windows", "id: noveto-windows", "party noveto-windows: names that begin with noveto-"),
        ("id: windows", "id: hall.windows", "id: hall.windows", "String should match pattern"),
        ("orgCode: ROADS,", "orgcode: ROADS,", "orgcode: ROADS,", "Extra inputs are not permitted"),
        ("tiers: [reviewer, decision_maker]", "tiers: [reviewer, boss]", "boss", "Input should be"),
        ("version: departments-1", "", "# Two halls", "Field required"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_by_its_line(tmp_path: Path, text: str, instead: str, at: str, what: str) -> None:
    """File, line, place and what is wrong; the line is the one with the mistake in it."""
    original = FILE.read_text()
    assert original.count(text) >= 1
    mistaken = original.replace(text, instead, 1)
    path = tmp_path / "directory.yaml"
    path.write_text(mistaken)
    wanted = {number for number, line in enumerate(mistaken.splitlines(), 1) if at in line}

    with pytest.raises(ReferenceDataError) as caught:
        read_yaml(path, Directory)
    named = {
        int(line.split(":")[1])
        for line in str(caught.value).splitlines()
        if what in line and line.startswith(f"{path}:")
    }

    assert wanted & named, str(caught.value)


def test_every_mistake_is_named_at_once(tmp_path: Path) -> None:
    """Nobody mends a file one error a try."""
    path = tmp_path / "directory.yaml"
    path.write_text(FILE.read_text().replace("[WATER]", "[LAVA]").replace("[FIRE]", "[ICE]"))

    with pytest.raises(ReferenceDataError) as caught:
        read_yaml(path, Directory)

    assert 2 == len(str(caught.value).splitlines())
