"""`noveto dead-letters`: records that could not be used, found again byte for byte."""

import base64
import json

import click

from consumers.cli import running
from consumers.reading import DeadLetter, write_again
from consumers.reading import dead_letters as read_dead_letters
from consumers.sealing import KeyRing
from consumers.settings import Settings


@click.group("dead-letters")
def dead_letters() -> None:
    """Records that could not be used: listed, shown, byte for byte."""


@dead_letters.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_(as_json: bool) -> None:
    """Every dead letter: where it was read, when, and why it was put aside."""
    settings = running.settings_from_environment()

    async def work() -> list[DeadLetter]:
        return [letter async for letter in read_dead_letters(settings)]

    for letter in running.run(settings, work()):
        at = letter.source.broker_time.isoformat()
        if as_json:
            click.echo(json.dumps({"id": letter.id, "at": at, "reason": letter.reason}))
        else:
            click.echo(f"{letter.id}\t{at}\t{letter.reason}")


@dead_letters.command("show")
@click.argument("letter_id", metavar="TOPIC/PARTITION/OFFSET")
@click.option("--value", "only_value", is_flag=True, help="The value's bytes and nothing else, for a file or a pipe.")
def show(letter_id: str, only_value: bool) -> None:
    """One record as it was: headers, key and value, in base64 where they are no text. It may hold personal data."""
    settings = running.settings_from_environment()
    letter = running.run(settings, _find(settings, letter_id))
    if settings.sealing_key_file is None:
        raise click.ClickException("put the key ring's path into NOVETO_SEALING_KEY_FILE: dead letters are sealed")
    headers, key, value = letter.original(KeyRing.read(settings.sealing_key_file))
    if only_value:
        click.get_binary_stream("stdout").write(value or b"")
        return
    whole = {
        "id": letter.id,
        "reason": letter.reason,
        "headers": [[name, _shown(content)] for name, content in headers],
        "key": _shown(key),
        "value": _shown(value),
    }
    click.echo(json.dumps(whole, ensure_ascii=False, indent=2))


@dead_letters.command("replay")
@click.argument("letter_ids", metavar="TOPIC/PARTITION/OFFSET...", nargs=-1, required=True)
def replay(letter_ids: tuple[str, ...]) -> None:
    """Write records again where they were read, exact to the byte: after the cause has been mended."""
    settings = running.settings_from_environment()
    if settings.sealing_key_file is None:
        raise click.ClickException("put the key ring's path into NOVETO_SEALING_KEY_FILE: dead letters are sealed")
    keys = KeyRing.read(settings.sealing_key_file)

    async def work() -> None:
        for letter_id in letter_ids:
            letter = await _find(settings, letter_id)
            where = await write_again(settings, letter, keys)
            click.echo(f"{letter_id} was written again as {where}")

    running.run(settings, work())


async def _find(settings: Settings, letter_id: str) -> DeadLetter:
    async for letter in read_dead_letters(settings):
        if letter.id == letter_id:
            return letter
    raise click.ClickException(f"there is no dead letter {letter_id}: `noveto dead-letters list` shows them all")


def _shown(content: bytes | None) -> object:
    if content is None:
        return None
    try:
        return content.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(content).decode()}
