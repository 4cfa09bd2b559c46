"""What the README says can be done, can be done; in Chinese as in English."""

import re
from pathlib import Path

import pytest

import topics
from consumers.inspecting import Inbox, inspect
from consumers.reference import load_reference
from consumers.sealing import KeyRing, new_key_line
from consumers.settings import Settings
from router.needs import lacking
from topics.inbound import RefusalProposed

ROOT = Path(topics.__file__).parent.parent
READMES = ("README.md", "README.zh.md")


def blocks(readme: str) -> list[str]:
    """What stands between fences."""
    return re.findall(r"```\n(.*?)```", (ROOT / readme).read_text(), re.S)


@pytest.mark.parametrize("readme", READMES)
def test_the_record_in_the_readme_is_taken(readme: str, tmp_path: Path) -> None:
    """A newcomer who copies it gets a case that lacks nothing, not a rejection."""
    text = next(block for block in blocks(readme) if block.startswith("topic"))
    topic, key, headers, value = (
        part.strip() for part in re.split(r"^(?:topic|key|headers|value) ", text, flags=re.M)[1:]
    )
    pairs = [(name, given.encode()) for name, given in re.findall(r"(\S+): (\S+)", headers)]
    ring = tmp_path / "keys"
    ring.write_text(new_key_line("k1"))
    reference = load_reference(Settings(directory=ROOT / "deploy" / "sample" / "directory.yaml"))
    inbox = Inbox(topic, 0, 0, 0, key.encode(), value.encode(), pairs)

    assert "accepted" == inspect(inbox, reference, KeyRing.read(ring)).verdict
    said = RefusalProposed.model_validate_json(value)
    assert () == lacking(said.situation, said.ground_code, said.reason, said.legal_basis, said.guidance)


def test_both_readmes_have_the_same_commands() -> None:
    """Only what explains them is in another language."""
    english, chinese = ([re.sub(r" +#.*", "", block) for block in blocks(readme)] for readme in READMES)

    assert english == chinese
