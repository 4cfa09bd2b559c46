"""`noveto` answers a stranger: help that teaches, and what is wrong named with its address and what to do."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import click
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from click.testing import CliRunner

from consumers.cli.main import main
from deploy.local import LocalStack
from deploy.local.ports import free_port
from deploy.local.supervisor import Supervisor

from ..parties import Party, case_of, refusal, refused
from ..support import Router, noveto

pytestmark = [pytest.mark.timeout(180)]

ANSWER_SECONDS = 15.0
BROKER = (
    ("topics", "create"),
    ("topics", "verify"),
    ("dead-letters", "list"),
    ("dead-letters", "show", "tier.decisions.bureau/0/0"),
    ("dead-letters", "replay", "tier.decisions.bureau/0/0"),
    ("acl", "verify"),
    ("verify",),
    ("rebuild", "--from-events"),
    ("worker",),
)
DATABASE = (
    ("database", "migrate"),
    ("case", "show", "BUREAU-1"),
    ("calendar", "list"),
    ("directory", "list"),
    ("policy", "list"),
    ("exporter",),
    ("verify",),
    ("rebuild", "--from-events"),
    ("worker",),
)


def commands(group: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command below, by its words."""
    yield path, group
    if isinstance(group, click.Group):
        for name, command in group.commands.items():
            yield from commands(command, (*path, name))


@pytest.mark.parametrize("path", [path for path, _ in commands(main)], ids=" ".join)
def test_help_teaches(path: tuple[str, ...]) -> None:
    """Each command says what it is for, and each of its options too."""
    shown = CliRunner().invoke(main, [*path, "--help"])
    command = dict(commands(main))[path]
    options = [option for option in command.params if isinstance(option, click.Option)]

    assert 0 == shown.exit_code
    assert len(command.help or "") >= 20
    assert [] == [option.name for option in options if not option.help]


@pytest.fixture
def silent() -> Iterator[str]:
    """An address where somebody listens and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        yield f"127.0.0.1:{listener.getsockname()[1]}"


async def told(arguments: tuple[str, ...], router: Router, **settings: Any) -> str:
    """What a command that cannot work says; it fails soon, and without a traceback."""
    code, out, err = await router.command(*arguments, timeout=60, **settings)

    assert 1 == code, (arguments, out, err)
    assert "Traceback" not in err
    return err


async def slow_ones(router: Router, settings: dict[str, object], which: tuple[tuple[str, ...], ...]) -> dict[str, str]:
    """What each of these says, two at a time; the time limit is that of the slowest."""
    turn = asyncio.Semaphore(2)
    said: dict[str, str] = {}

    async def one(arguments: tuple[str, ...]) -> None:
        async with turn:
            started = asyncio.get_running_loop().time()
            said[" ".join(arguments)] = await told(arguments, router, **settings)
            assert asyncio.get_running_loop().time() - started < ANSWER_SECONDS + 5, arguments

    async with asyncio.TaskGroup() as group:
        for arguments in which:
            group.create_task(one(arguments))
    return said


@pytest.mark.kafka
async def test_unreachable_broker(hall: Router) -> None:
    """Nobody listens there: the address, and what to do."""
    address = f"127.0.0.1:{free_port()}"
    said = await slow_ones(hall, {"kafka_bootstrap": address, "http_port": 0}, BROKER)

    for command, text in said.items():
        assert f"Kafka at {address}" in text, command
        assert "NOVETO_KAFKA_BOOTSTRAP" in text, command


@pytest.mark.kafka
async def test_silent_broker(hall: Router, silent: str) -> None:
    """Somebody listens and never answers: it is named all the same, soon."""
    said = await slow_ones(hall, {"kafka_bootstrap": silent, "http_port": 0}, (BROKER[0], BROKER[2], BROKER[-1]))

    for command, text in said.items():
        assert f"Kafka at {silent}" in text, command


@pytest.mark.kafka
async def test_broker_that_nobody_knows(hall: Router) -> None:
    """A host name that does not resolve."""
    said = await slow_ones(hall, {"kafka_bootstrap": "nowhere.invalid:9092"}, (BROKER[0], BROKER[2]))

    for command, text in said.items():
        assert "Kafka at nowhere.invalid:9092" in text, command


@pytest.mark.kafka
async def test_unreachable_database(hall: Router) -> None:
    """Nobody listens there: the address without the password, and what to do."""
    address = f"127.0.0.1:{free_port()}/noveto"
    dsn = f"postgresql://noveto:hunter2@{address}"
    said = await slow_ones(hall, {"postgres_dsn": dsn, "http_port": 0}, DATABASE)

    for command, text in said.items():
        assert f"PostgreSQL at {address}" in text, command
        assert "NOVETO_POSTGRES_DSN" in text, command
        assert "hunter2" not in text, command


@pytest.mark.kafka
async def test_silent_database(hall: Router, silent: str) -> None:
    """Somebody listens and never answers: it is named all the same, soon."""
    dsn = f"postgresql://noveto:hunter2@{silent}/noveto"
    said = await slow_ones(hall, {"postgres_dsn": dsn, "http_port": 0}, (DATABASE[0], DATABASE[1], DATABASE[-1]))

    for command, text in said.items():
        assert f"PostgreSQL at {silent}/noveto" in text, command


@pytest.mark.kafka
async def test_port_that_is_taken(hall: Router, silent: str) -> None:
    """A second process on this machine, with the port of the first: the port is named, not a server that answers well."""
    port = silent.rsplit(":", 1)[1]
    for arguments in (("worker",), ("exporter",)):
        text = await told(arguments, hall, http_port=port)

        assert f"Port {port} of 127.0.0.1 is taken" in text
        assert "NOVETO_HTTP_PORT" in text
        assert "PostgreSQL" not in text


@pytest.mark.kafka
async def test_wrong_password(hall: Router) -> None:
    """The database's own words, its address, never the password."""
    dsn = hall.settings.postgres_dsn.get_secret_value()
    wrong = f"postgresql://noveto:hunter2@{dsn.split('@', 1)[1]}"
    text = await told(("case", "show", "BUREAU-1"), hall, postgres_dsn=wrong)

    assert "password authentication failed" in text
    assert "hunter2" not in text


@pytest.mark.kafka
async def test_database_without_schema(hall: Router) -> None:
    """A database that was never migrated: which command is missing."""
    dsn = hall.stack.postgres_dsn
    for arguments in (("case", "show", "BUREAU-1"), ("worker",), ("verify",)):
        assert "noveto database migrate" in await told(arguments, hall, postgres_dsn=dsn), arguments


@pytest.mark.kafka
async def test_other_number_of_lanes(hall: Router) -> None:
    """The number of lanes is chosen once: both numbers are named, and nothing is changed."""
    for arguments in (("database", "migrate"), ("worker",)):
        text = await told(arguments, hall, lanes=8)

        assert "4 lanes" in text
        assert "8" in text


ABSENT = {"NOVETO_KAFKA_BOOTSTRAP": "127.0.0.1:1", "NOVETO_POSTGRES_DSN": "postgresql://noveto@127.0.0.1:1/noveto"}


@pytest.mark.parametrize(
    ("arguments", "settings", "wanted"),
    [
        (("topics", "list"), {}, "NOVETO_DIRECTORY"),
        (("topics", "create"), {}, "NOVETO_DIRECTORY"),
        (("topics", "list"), {"NOVETO_DIRECTORY": "nowhere.yaml"}, "nowhere.yaml"),
        (("topics", "list"), {"NOVETO_LANES": "many"}, "NOVETO_LANES"),
        (("topics", "list"), {"NOVETO_LANES": "0"}, "NOVETO_LANES"),
        (("case", "show", "X-1"), {"NOVETO_CLOCK_SPEED": "-1"}, "NOVETO_CLOCK_SPEED"),
        (("nonsense",), {}, "No such command"),
        (("case", "show"), {}, "Missing argument"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
async def test_wrong_settings(arguments: tuple[str, ...], settings: dict[str, str], wanted: str) -> None:
    """The variable that is missing or wrong is named."""
    code, _, err = await noveto(*arguments, environment={**ABSENT, **settings})

    assert code in (1, 2)
    assert wanted in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("version: [", "no YAML"),
        ("version: x\ncentres: []\nunits: []\nparties:\n  - {id: a b, name: A}\n", ":5:"),
        ("a list", "directory.yaml"),
        ("", "directory.yaml"),
        ("\x00", "directory.yaml"),
    ],
    ids=["no YAML", "a wrong id", "a text", "empty", "U+0000"],
)
async def test_wrong_directory(tmp_path: Path, text: str, wanted: str) -> None:
    """A mistake in the directory is named by file and line."""
    (tmp_path / "directory.yaml").write_text(text)
    settings = {**ABSENT, "NOVETO_DIRECTORY": str(tmp_path / "directory.yaml")}
    code, _, err = await noveto("topics", "list", environment=settings)

    assert 1 == code
    assert wanted in err
    assert "Traceback" not in err


@pytest.mark.kafka
async def test_key_ring(hall: Router, tmp_path: Path) -> None:
    """A key ring that is missing, unreadable or broken: which file, which line, how one is made."""
    broken = tmp_path / "broken.keys"
    broken.write_text("k1 no-base-64!\n")
    environment = {name: value for name, value in hall.environment.items() if name != "NOVETO_SEALING_KEY_FILE"}
    code, _, err = await noveto("worker", environment={**environment, "NOVETO_HTTP_PORT": "0"})

    assert 1 == code
    assert "NOVETO_SEALING_KEY_FILE" in err
    assert "noveto key generate" in err
    assert f"{broken}, line 1" in await told(("worker",), hall, sealing_key_file=broken, http_port=0)
    assert "nowhere.keys" in await told(("worker",), hall, sealing_key_file=tmp_path / "nowhere.keys", http_port=0)


async def test_key_generate(tmp_path: Path) -> None:
    """A new key stands first, the older one still opens; a name is never used twice, and nobody else may read the file."""
    ring = tmp_path / "ring.keys"
    first = await noveto("key", "generate", "--out", str(ring), environment={})
    second = await noveto("key", "generate", "--out", str(ring), "--name", "k2", environment={})
    third = await noveto("key", "generate", "--out", str(ring), "--name", "k2", environment={})

    assert [0, 0, 1] == [first[0], second[0], third[0]]
    assert ["k2", "k1"] == [line.split()[0] for line in ring.read_text().splitlines()]
    assert 0o600 == ring.stat().st_mode & 0o777


@pytest.fixture
async def admin(stack: LocalStack) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=stack.bootstrap)
    await client.start()
    yield client
    await client.close()


async def topics_of(admin: AIOKafkaAdminClient, prefix: str) -> dict[str, tuple[int, dict[str, str]]]:
    """Every topic of a router with its partitions and configuration, as the broker has them."""
    names = sorted(name for name in await admin.list_topics() if name.startswith(prefix))
    described = await admin.describe_topics(names)
    partitions = {topic["topic"]: len(topic["partitions"]) for topic in described}
    found: dict[str, tuple[int, dict[str, str]]] = {}
    for answer in await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in names]):
        for *_, name, entries in answer.resources:
            found[name] = partitions[name], {entry[0]: entry[1] for entry in entries}
    return found


@pytest.mark.kafka
async def test_topics_verify(
    stack: LocalStack, supervisor: Supervisor, folder: Path, admin: AIOKafkaAdminClient
) -> None:
    """What differs is named: partitions, retention, clean-up, time stamps; nothing is changed, also by `create`."""
    router = Router(stack, supervisor, folder, "verified")
    wrong = {
        "retention.ms": "3600000",
        "cleanup.policy": "compact",
        "message.timestamp.type": "CreateTime",
        "max.message.bytes": "1000",
    }
    await admin.create_topics(
        [
            NewTopic("verified.case.commands", num_partitions=3, replication_factor=1),
            NewTopic("verified.window.refusals.windows", num_partitions=1, replication_factor=1, topic_configs=wrong),
        ]
    )
    before = await topics_of(admin, "verified.")
    code, out, _ = await router.command("topics", "verify")
    lines = out.decode().splitlines()

    assert 1 == code
    assert "verified.case.commands: partitions is 3, should be 4" in lines
    assert "verified.case.events: topic is missing, should be there" in lines
    for name, value in wrong.items():
        assert any(line.startswith(f"verified.window.refusals.windows: {name} is {value}, should be") for line in lines)
    assert before == await topics_of(admin, "verified.")

    assert 0 == (await router.command("topics", "create"))[0]
    after = await topics_of(admin, "verified.")
    assert {name: after[name] for name in before} == before
    left = (await router.command("topics", "verify"))[1].decode().splitlines()
    assert {"verified.case.commands", "verified.window.refusals.windows"} == {line.split(":")[0] for line in left}
    strict = (await router.command("topics", "verify", replication=3, min_in_sync=2))[1].decode()
    assert "verified.case.events: replication is 1, should be 3" in strict
    assert "verified.case.events: min.insync.replicas is 1, should be 2" in strict


@pytest.mark.kafka
async def test_topics_as_they_should_be(hall: Router) -> None:
    """What `create` makes, `verify` finds right; a second `create` makes nothing."""
    verified = await hall.command("topics", "verify")
    created = await hall.command("topics", "create")

    assert (0, f"Every topic on {hall.stack.bootstrap} is as it should be.\n") == (verified[0], verified[1].decode())
    assert (0, f"0 topics created on {hall.stack.bootstrap}.\n") == (created[0], created[1].decode())


@pytest.mark.kafka
async def test_database_migrate_twice(hall: Router) -> None:
    """A second migration changes nothing."""
    code, out, _ = await hall.command("database", "migrate")

    assert 0 == code
    assert "4 lanes" in out.decode()


@pytest.mark.kafka
async def test_case_show(hall: Router) -> None:
    """A case step by step in Chinese, with who, in what post, and why; for machines the facts, from which it follows."""
    opening = refusal()
    case_id = case_of(opening)
    await refused(hall.stack.bootstrap, hall.prefix, opening)
    code, out, _ = await hall.command("case", "show", case_id)
    _, as_json, _ = await hall.command("case", "show", case_id, "--json")
    text = out.decode()
    whole = json.loads(as_json)

    assert 0 == code
    assert text.startswith(f"事项 {case_id}　甲局　食品经营许可（申请）")
    for wanted in ("首报备", "林晓", "窗口受理岗", "陈宁", "审核岗", "郑远", "决定岗", "不予受理", "缺少经营场所证明"):
        assert wanted in text
    assert case_id == whole["case"]["caseId"]
    assert ["case.opened", "case.escalated", "case.decided"] == [entry["event"]["type"] for entry in whole["entries"]]
    assert [1, 2, 3] == [entry["version"] for entry in whole["entries"]]


@pytest.mark.kafka
async def test_case_list_has_what_waits_for_an_answer(hall: Router) -> None:
    """An open case with its task, of its unit only, and no case that has ended."""
    opening, ended = refusal(), refusal()
    await refused(hall.stack.bootstrap, hall.prefix, ended)
    async with (
        Party(hall.stack.bootstrap, hall.prefix, "windows") as windows,
        Party(hall.stack.bootstrap, hall.prefix, "bureau") as bureau,
    ):
        await windows.say("refusal.proposed", opening)
        task = await bureau.task(case_of(opening), "reviewer")
    _, out, _ = await hall.command("case", "list", "--unit", "BUREAU", "--json")
    _, text, _ = await hall.command("case", "list")
    _, of_another, _ = await hall.command("case", "list", "--unit", "NOBODY")
    listed = {found["caseId"]: found for found in map(json.loads, out.decode().splitlines())}

    assert "at_reviewer" == listed[case_of(opening)]["stage"]
    assert [task.data["taskId"]] == [open_task["taskId"] for open_task in listed[case_of(opening)]["tasks"]]
    assert case_of(ended) not in listed
    assert f"{case_of(opening)}\t甲局\t后台审核" in text.decode()
    assert b"" == of_another


@pytest.mark.kafka
async def test_case_that_nobody_knows(hall: Router) -> None:
    """No case of that name in the record: which database was asked."""
    text = await told(("case", "show", "BUREAU-nowhere"), hall)

    assert "no case BUREAU-nowhere is in the record" in text
    assert hall.database in text


@pytest.mark.kafka
async def test_dead_letter_that_nobody_knows(hall: Router) -> None:
    """How all of them are listed."""
    text = await told(("dead-letters", "show", "nothing/0/0"), hall)

    assert "there is no dead letter nothing/0/0" in text
    assert "noveto dead-letters list" in text


@pytest.mark.kafka
async def test_worker_without_topics(stack: LocalStack, supervisor: Supervisor, folder: Path) -> None:
    """Topics that were never created: a worker says so instead of waiting for ever."""
    router = Router(stack, supervisor, folder, "topicless")
    connection = await asyncpg.connect(stack.postgres.superuser_dsn)
    await connection.execute('create database "noveto_topicless" owner noveto')
    await connection.close()
    assert 0 == (await router.command("database", "migrate"))[0]

    assert "noveto topics create" in await told(("worker",), router, http_port=0)
