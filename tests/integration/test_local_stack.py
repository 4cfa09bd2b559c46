"""The local stack: real servers that keep what they acknowledged, and that no end of the program leaves behind."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.local import LocalStack, LocalStackError
from deploy.local.jars import MANIFEST, kept_jars
from deploy.local.ports import HOST
from deploy.local.supervisor import Launch, Supervisor

pytestmark = pytest.mark.kafka

START_SECONDS = 240
END_SECONDS = 15
COMMAND = [sys.executable, "-c", "from deploy.local.commands import stack; stack()", "up", "--json"]


@pytest.fixture(scope="module")
def own() -> Iterator[LocalStack]:
    """A stack of this file's own: its servers get killed."""
    with LocalStack(say=lambda said: None) as running:
        yield running


@pytest.fixture
def home() -> Iterator[Path]:
    """A directory for a stack; not below pytest's, which is closed to the account that runs PostgreSQL for root."""
    with tempfile.TemporaryDirectory(prefix="noveto-test-") as name:
        yield Path(name)


async def create_topic(stack: LocalStack, name: str, partitions: int = 1) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(name, partitions, 1)])
    await admin.close()


async def commit(stack: LocalStack, topic: str, values: list[bytes], transactional_id: str) -> None:
    """Send the values in one Kafka transaction, to as many partitions."""
    producer = AIOKafkaProducer(bootstrap_servers=stack.bootstrap, transactional_id=transactional_id)
    await producer.start()
    async with producer.transaction():
        for partition, value in enumerate(values):
            await producer.send_and_wait(topic, value, partition=partition)
    await producer.stop()


async def read(stack: LocalStack, topic: str, count: int) -> list[bytes]:
    """What a ``read_committed`` subscriber sees, as soon as it is so many."""
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=stack.bootstrap, auto_offset_reset="earliest", isolation_level="read_committed"
    )
    await consumer.start()
    try:
        return [(await asyncio.wait_for(consumer.getone(), 30)).value for _ in range(count)]
    finally:
        await consumer.stop()


async def fetch(dsn: str, query: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def execute(dsn: str, statements: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statements)
    finally:
        await connection.close()


def wait_until(condition: Callable[[], bool], seconds: float = END_SECONDS) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def started(program: "subprocess.Popen[str]") -> tuple[dict[str, str], list[psutil.Process]]:
    """The addresses that a program printed once its stack was up, and every process that it led to."""
    assert program.stdout is not None
    addresses = json.loads(program.stdout.readline())
    return addresses, psutil.Process(program.pid).children(recursive=True)


async def test_a_record_sent_to_the_broker_is_read_back(own: LocalStack) -> None:
    """The broker is a broker."""
    await create_topic(own, "sent")
    await commit(own, "sent", [b"refusal"], "sender")

    assert [b"refusal"] == await read(own, "sent", 1)


async def test_a_topic_is_not_created_by_using_it(own: LocalStack) -> None:
    """A misspelt topic is an error, as in production."""
    admin = AIOKafkaAdminClient(bootstrap_servers=own.bootstrap)
    await admin.start()
    [described] = await admin.describe_topics(["misspelt"])
    await admin.close()

    assert 3 == described["error_code"]


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("TimeZone", "UTC"),
        ("server_encoding", "UTF8"),
        ("max_connections", "200"),
        ("listen_addresses", HOST),
    ],
)
async def test_the_database_is_set_up_as_in_production(own: LocalStack, setting: str, value: str) -> None:
    """What is durable here is durable there."""
    assert value == await fetch(own.postgres_dsn, f"SELECT current_setting('{setting}')")


async def test_the_products_role_is_no_superuser(own: LocalStack) -> None:
    """A migration that needs more rights than it would have is noticed here."""
    assert await fetch(own.postgres_dsn, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False


def test_the_servers_are_out_of_reach_of_ctrl_c(own: LocalStack) -> None:
    """The program stops them in order; the terminal does not."""
    assert own.kafka.pid is not None
    assert own.postgres.pid is not None
    assert os.getsid(0) not in {os.getsid(own.kafka.pid), os.getsid(own.postgres.pid)}


async def test_a_killed_broker_comes_back_with_every_committed_record(own: LocalStack) -> None:
    """Killed right after commits, when their markers may not be written yet; readers must not hang on them."""
    await create_topic(own, "killed", partitions=4)
    sent = [[f"{round_}-{partition}".encode() for partition in range(4)] for round_ in range(5)]
    for round_, values in enumerate(sent):
        await commit(own, "killed", values, f"killed-{round_}")
    address = own.bootstrap

    own.kafka.kill()
    assert own.kafka.pid is None
    await asyncio.to_thread(own.kafka.start)

    assert address == own.bootstrap
    assert sorted(value for values in sent for value in values) == sorted(await read(own, "killed", 20))
    # the broker's own words when it leaves a commit marker out, which it only sometimes gets away with
    assert "likely deleted already" not in own.kafka.log_path.read_text()


async def test_a_killed_database_comes_back_with_every_committed_row(own: LocalStack) -> None:
    """The postmaster and all that it forked are killed with clients connected."""
    await execute(own.postgres_dsn, "CREATE TABLE kept (n int); INSERT INTO kept SELECT generate_series(1, 1000)")
    assert own.postgres.pid is not None
    family = [psutil.Process(own.postgres.pid), *psutil.Process(own.postgres.pid).children(recursive=True)]
    dsn = own.postgres_dsn

    own.postgres.kill()
    assert [] == [process for process in family if process.is_running()]
    await asyncio.to_thread(own.postgres.start)

    assert dsn == own.postgres_dsn
    assert 1000 == await fetch(own.postgres_dsn, "SELECT count(*) FROM kept")


async def test_a_database_starts_although_its_old_number_is_another_process(own: LocalStack) -> None:
    """A pid file left by a kill may name, by now, anybody."""
    own.postgres.kill()
    pid_file = own.data_dir / "postgres" / "data" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(os.getppid()), *lines[1:]]) + "\n")

    await asyncio.to_thread(own.postgres.start)

    assert 1 == await fetch(own.postgres_dsn, "SELECT 1")


async def test_a_directory_is_used_by_one_stack_at_a_time_and_again_later(own: LocalStack, home: Path) -> None:
    """Data, cluster id and broker address stay; a port that somebody took meanwhile is exchanged."""
    async with LocalStack(home, say=lambda said: None) as first:
        assert first.kafka.ports != own.kafka.ports
        with pytest.raises(LocalStackError, match=f"in use by the local stack of process {os.getpid()}"):
            LocalStack(home).start()
        await create_topic(first, "kept")
        await commit(first, "kept", [b"1"], "keeper")
        await execute(first.postgres_dsn, "CREATE TABLE kept (n int)")
        address, port = first.bootstrap, first.postgres.ports[0]
        cluster_id = (home / "kafka" / "data" / "meta.properties").read_text()

    with socket.create_server((HOST, port)):
        async with LocalStack(home, say=lambda said: None) as second:
            assert address == second.bootstrap
            assert port != second.postgres.ports[0]
            assert cluster_id == (home / "kafka" / "data" / "meta.properties").read_text()
            assert [b"1"] == await read(second, "kept", 1)
            assert 0 == await fetch(second.postgres_dsn, "SELECT count(*) FROM kept")


def shared_memory_segments() -> set[str]:
    return {line.split()[1] for line in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]}


def test_nothing_is_left_of_a_program_killed_with_9() -> None:
    """Neither a process nor its temporary directory nor a piece of shared memory."""
    with subprocess.Popen(COMMAND, stdout=subprocess.PIPE, text=True) as program:
        addresses, processes = started(program)
        pid_file = Path(addresses["data_dir"]) / "postgres" / "data" / "postmaster.pid"
        segment = pid_file.read_text().splitlines()[6].split()[1]
        assert segment in shared_memory_segments()
        program.kill()

    assert len(processes) > 5
    assert wait_until(lambda: not any(process.is_running() for process in processes))
    assert wait_until(lambda: not Path(addresses["data_dir"]).exists())
    assert segment not in shared_memory_segments()


def test_ctrl_c_ends_the_command_and_all_it_started() -> None:
    """`noveto stack up` answers Ctrl-C with an orderly end."""
    with subprocess.Popen(COMMAND, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        addresses, processes = started(program)
        assert asyncio.run(fetch(addresses["postgres_dsn"], "SELECT 1")) == 1
        program.send_signal(signal.SIGINT)
        assert 0 == program.wait(60)

    assert [] == [process for process in processes if process.is_running()]
    assert not Path(addresses["data_dir"]).exists()


def test_a_broken_broker_setting_names_the_log() -> None:
    """Which step, which log, and what it says; the log outlives the failed start."""
    stack = LocalStack(broker_config={"log.retention.ms": "soon"}, say=lambda said: None)
    with pytest.raises(LocalStackError) as failure:
        stack.start()

    assert failure.value.log_path == stack.log_dir / "kafka.log"
    assert failure.value.log_path.exists()
    assert "format Kafka's storage: ended with exit code 1" in str(failure.value)
    assert "Invalid value soon for configuration log.retention.ms" in str(failure.value)
    assert not (stack.data_dir / "kafka").exists()
    shutil.rmtree(stack.data_dir)


def test_a_broken_database_setting_names_the_log() -> None:
    """As for the broker."""
    stack = LocalStack(postgres_config={"max_connections": "many"}, say=lambda said: None)
    with pytest.raises(LocalStackError) as failure:
        stack.start()

    assert failure.value.log_path == stack.log_dir / "postgres.log"
    assert 'invalid value for parameter "max_connections": "many"' in str(failure.value)
    shutil.rmtree(stack.data_dir)


def test_a_killed_watchdog_takes_its_processes_with_it(tmp_path: Path) -> None:
    """The one process that could leave others behind does not; and the program learns of it."""
    supervisor = Supervisor(tmp_path / "watchdog.log", grace_seconds=0, remove=None, keep_open=[])
    command = [sys.executable, "-c", "import time; time.sleep(600)"]
    sleeper = supervisor.launch(Launch("sleep", command, tmp_path / "sleep.log", tmp_path))
    process = psutil.Process(sleeper.pid)
    parent = process.parent()
    assert parent is not None
    parent.kill()

    assert sleeper.wait(END_SECONDS)
    assert wait_until(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE)
    with pytest.raises(LocalStackError, match="the watchdog"):
        supervisor.launch(Launch("sleep", command, tmp_path / "sleep.log", tmp_path))
    supervisor.close(END_SECONDS)


def test_a_cache_of_jars_that_is_not_whole_is_not_used(tmp_path: Path) -> None:
    """Neither without its manifest, which is written last, nor with a jar cut short."""
    jar = tmp_path / "broker.jar"
    jar.write_bytes(b"whole")
    assert kept_jars(tmp_path) is None

    (tmp_path / MANIFEST).write_text(json.dumps({"jars": [{"path": "broker.jar", "size": 5}]}))
    assert [jar] == kept_jars(tmp_path)

    jar.write_bytes(b"who")
    assert kept_jars(tmp_path) is None
