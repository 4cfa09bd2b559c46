"""A broker with locks: who may read and write what is the broker's own answer, and intake's where a message claims too much."""

import asyncio
import os
import re
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    KafkaConnectionError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
)

from consumers.acl import STAGES, Acl, Operation, Pattern, Resource
from consumers.acl_admin import AclAdmin
from consumers.kafka import read_credentials
from consumers.settings import Settings
from deploy.local import LocalStack
from deploy.local.supervisor import Supervisor

from ..departments import DIRECTORY, consult, opinion
from ..parties import APPLICANT, Party, accept, case_of, escalate, refusal, refuse
from ..support import ROOT, Router

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240), pytest.mark.xdist_group("secure")]

PREFIX = "locked."


@pytest.fixture(scope="module")
def locked_stack() -> Iterator[LocalStack]:
    """A broker where nobody may do anything by themselves."""
    with LocalStack(say=lambda said: None, secure="scram") as running:
        yield running


class Locks:
    """A router on the secure stack: each stage its own user, and every party its own."""

    def __init__(self, router: Router, stack: LocalStack, users: Path) -> None:
        assert stack.security is not None
        self.router = router
        self.users = users
        self.passwords = read_credentials(users)
        self.security = stack.security
        self.bootstrap = stack.bootstrap
        self.admin_password = stack.security.password("admin")

    def client(self, name: str, password: str | None = None) -> dict[str, Any]:
        """How a user connects."""
        return {
            "security_protocol": "SASL_SSL",
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_plain_username": name,
            "sasl_plain_password": password or self.passwords[name],
            "ssl_context": ssl.create_default_context(cafile=str(self.security.ca_file)),
        }

    def party(self, name: str) -> Party:
        """A party with its own password."""
        return Party(self.bootstrap, PREFIX, name, **self.client(name))

    def admin_settings(self) -> dict[str, Any]:
        """The administrator's settings in place of the router's."""
        given = {name.removeprefix("NOVETO_").lower(): value for name, value in self.security.settings().items()}
        return {**given, "directory": DIRECTORY}

    def as_admin(self) -> AclAdmin:
        """An admin client that may change access lists."""
        return AclAdmin(Settings(**{**self.router.given, **self.admin_settings()}))


@pytest.fixture(scope="module")
def locks(locked_stack: LocalStack, supervisor: Supervisor, folder: Path) -> Iterator[Locks]:
    """The router runs; users and access lists were made by the commands that an administrator has."""
    assert locked_stack.security is not None
    locked_stack.security.prepare()
    users = folder / "users"
    router = Router(
        locked_stack,
        supervisor,
        folder,
        "locked",
        directory=DIRECTORY,
        kafka_security_protocol="SASL_SSL",
        kafka_ca_file=locked_stack.security.ca_file,
        kafka_credentials_file=users,
    )

    async def prepare() -> Locks:
        assert (await router.command("acl", "users", "--out", str(users)))[0] == 0
        locks = Locks(router, locked_stack, users)
        code, out, err = await router.command("acl", "apply", "--users", str(users), **locks.admin_settings())
        assert code == 0, out.decode() + err
        async with locks.as_admin() as admin:
            await admin.set_passwords({"stranger": "a stranger's password"})
        await router.prepare()
        return locks

    locks = asyncio.run(prepare())
    # The worker has the three stages' passwords and nobody else's.
    stages = folder / "stages"
    stages.touch(mode=0o600)
    stages.write_text("".join(f"{name} {locks.passwords[name]}\n" for name in STAGES[:3]))
    worker = router.worker(kafka_credentials_file=stages).wait_ready()
    yield locks
    worker.stop()


async def first_record(consumer: AIOKafkaConsumer) -> Any:
    """Connect, and wait for something to read."""
    try:
        async with asyncio.timeout(20):
            await consumer.start()
            return await consumer.getone()
    finally:
        await consumer.stop()


async def refused_reading(locks: Locks, topic: str, **client: Any) -> None:
    """The broker refuses the topic; the answer is its own."""
    consumer = AIOKafkaConsumer(
        PREFIX + topic,
        bootstrap_servers=locks.bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        **client,
    )
    with pytest.raises(TopicAuthorizationFailedError):
        await first_record(consumer)


async def refused_writing(locks: Locks, topic: str, **client: Any) -> None:
    """The broker refuses a record for the topic."""
    producer = AIOKafkaProducer(bootstrap_servers=locks.bootstrap, request_timeout_ms=15_000, **client)
    await producer.start()
    try:
        with pytest.raises(TopicAuthorizationFailedError):
            await producer.send_and_wait(PREFIX + topic, b"{}", key=b"BUREAU-1")
    finally:
        await producer.stop()


@pytest.fixture
async def parties(locks: Locks) -> AsyncIterator[Callable[[str], Awaitable[Party]]]:
    """Parties by name, connected as themselves."""
    entered: dict[str, Party] = {}

    async def party(name: str) -> Party:
        if name not in entered:
            entered[name] = await locks.party(name).__aenter__()
        return entered[name]

    yield party
    for one in entered.values():
        await one.__aexit__()


@pytest.mark.rule("R14")
async def test_a_case_with_two_departments_goes_all_the_way(
    locks: Locks, parties: Callable[[str], Awaitable[Party]]
) -> None:
    """Each party with its own password, each stage with its own user: head, requests, answers, decision, tail."""
    windows, bureau, fire, water, committee = [
        await parties(name) for name in ("windows", "bureau", "fire", "water", "committee")
    ]
    opening = refusal()
    case_id = case_of(opening)
    await windows.say("refusal.proposed", opening)
    review = await bureau.task(case_id, "reviewer")
    await bureau.say("tier.decided", consult(case_id, review.data["taskId"], FIRE="消防通道？", WATER="河道？"))
    for department, org_code in ((fire, "FIRE"), (water, "WATER")):
        request = await department.hear(lambda heard: heard.data.get("caseId") == case_id)

        assert "consultation.requested" == request.type
        assert not any(value in str(request.data) for value in APPLICANT.values() if value != "identity_card")
        answer = opinion(request.data, org_code, "agree", "没有意见。")
        await department.say("consultation.replied", answer, family="consultation.replies")
    summary = await bureau.hear(
        lambda heard: heard.data.get("caseId") == case_id and heard.data.get("kind") == "opinions_in"
    )
    await bureau.say("tier.decided", escalate(case_id, summary.data["taskId"]))
    decision = await bureau.task(case_id, "decision_maker")
    await bureau.say("tier.decided", refuse(case_id, decision.data["taskId"]))
    tail = await committee.tail(case_id)

    assert "refused" == tail.data["outcome"]


async def test_a_department_is_refused_anothers_requests_and_replies(locks: Locks) -> None:
    """The broker's answer, to reading, to writing, and to joining the other's consumer group."""
    fire = locks.client("fire")
    await refused_reading(locks, "consultation.requests.water", **fire)
    await refused_writing(locks, "consultation.replies.water", **fire)
    consumer = AIOKafkaConsumer(
        f"{PREFIX}consultation.requests.fire", bootstrap_servers=locks.bootstrap, group_id="water", **fire
    )
    with pytest.raises(GroupAuthorizationFailedError):
        await first_record(consumer)


@pytest.mark.parametrize("topic", ["case.commands", "tier.tasks.fire", "case.events", "dead.letters"])
async def test_nobody_but_the_stage_itself_writes_what_the_router_writes(locks: Locks, topic: str) -> None:
    """Not a party, and not another stage of the router."""
    await refused_writing(locks, topic, **locks.client("fire"))
    await refused_writing(locks, topic, **locks.client("noveto-desk"))


async def test_intake_cannot_read_what_it_writes(locks: Locks) -> None:
    """It may see that case.commands is there, and fetches nothing from it."""
    await refused_reading(locks, "case.commands", **locks.client("noveto-intake"))


@pytest.mark.parametrize("topic", ["case.commands", "case.events", "dead.letters", "committee.filings.hall"])
async def test_a_party_reads_nothing_of_the_routers_own(locks: Locks, topic: str) -> None:
    """What concerns everybody is for nobody's party: a window's system sees neither the record nor the filings."""
    await refused_reading(locks, topic, **locks.client("windows"))


async def test_each_committee_reads_its_own_filings_only(locks: Locks) -> None:
    """Several centres side by side."""
    await refused_reading(locks, "committee.filings.hall", **locks.client("harbour-committee"))
    await refused_reading(locks, "committee.filings.harbour", **locks.client("committee"))


async def test_no_party_takes_a_lane_from_the_relay(locks: Locks) -> None:
    """The transactional ids that fence relays are the relay's alone."""
    producer = AIOKafkaProducer(
        bootstrap_servers=locks.bootstrap, transactional_id=f"{PREFIX}noveto.relay.0", **locks.client("fire")
    )
    with pytest.raises(TransactionalIdAuthorizationFailed):
        await asyncio.wait_for(producer.start(), 20)
    await producer.stop()


async def test_an_unknown_client_gets_nothing(locks: Locks) -> None:
    """Without TLS, with a wrong password, under an unknown name: no connection. Known but not listed: nothing to see."""
    for client in (
        {},
        {"security_protocol": "SSL", "ssl_context": ssl.create_default_context(cafile=str(locks.security.ca_file))},
        locks.client("fire", "a wrong password"),
        locks.client("nobody", "any password"),
    ):
        consumer = AIOKafkaConsumer(bootstrap_servers=locks.bootstrap, request_timeout_ms=5000, **client)
        with pytest.raises(KafkaConnectionError):
            await consumer.start()
        await consumer.stop()

    stranger = locks.client("stranger", "a stranger's password")
    consumer = AIOKafkaConsumer(bootstrap_servers=locks.bootstrap, **stranger)
    await consumer.start()

    assert set() == await consumer.topics()
    await consumer.stop()
    await refused_reading(locks, "consultation.requests.fire", **stranger)
    await refused_writing(locks, "window.refusals.windows", **stranger)


async def test_a_forged_unit_is_rejected_and_counted(locks: Locks, parties: Callable[[str], Awaitable[Party]]) -> None:
    """What the broker cannot see intake does: a window speaks for a unit that is not its own."""
    windows = await parties("windows")
    before = forged(locks)

    sent = await windows.say("refusal.proposed", refusal("ANNEX"))
    answer = await windows.answer_to(sent)

    assert ("command.rejected", "party_may_not") == (answer.type, answer.rejection["code"])
    assert before + 1 == forged(locks)


async def test_a_party_of_clerks_cannot_decide(locks: Locks, parties: Callable[[str], Awaitable[Party]]) -> None:
    """Not on its own topic, where intake refuses it, and not on the unit's, where the broker does."""
    windows, bureau = await parties("windows"), await parties("bureau")
    opening = refusal()
    case_id = case_of(opening)
    await windows.say("refusal.proposed", opening)
    task = await bureau.task(case_id, "reviewer")
    before = forged(locks)

    sent = await windows.say("tier.decided", refuse(case_id, None), family="window.refusals")
    answer = await windows.answer_to(sent)

    assert "party_may_not" == answer.rejection["code"]
    assert before + 1 == forged(locks)
    await refused_writing(locks, "tier.decisions.bureau", **locks.client("windows"))
    await bureau.say("tier.decided", accept(case_id, task.data["taskId"]))


async def test_a_department_cannot_answer_for_another(locks: Locks, parties: Callable[[str], Awaitable[Party]]) -> None:
    """On its own topic, in another's name: rejected and counted."""
    fire = await parties("fire")
    before = forged(locks)

    said = opinion({"caseId": "BUREAU-none", "requestId": "BUREAU-none.2.ask1"}, "WATER", "agree", "冒名。")
    sent = await fire.say("consultation.replied", said, family="consultation.replies")
    answer = await fire.answer_to(sent)

    assert "party_may_not" == answer.rejection["code"]
    assert before + 1 == forged(locks)


def forged(locks: Locks) -> float:
    """How many messages claimed what their party may not, as the worker counts them."""
    found = re.search(
        r'^noveto_intake_records_total\{verdict="party_may_not"\} (\S+)', locks.router.workers[0].get("/metrics"), re.M
    )
    return float(found[1]) if found else 0.0


async def test_verify_names_what_is_missing_and_too_much_and_apply_mends_it(locks: Locks) -> None:
    """On the live cluster, by the operator; only the administrator may mend."""
    router = locks.router
    missing = Acl("fire", Resource.TOPIC, Pattern.LITERAL, f"{PREFIX}consultation.requests.fire", Operation.READ)
    too_much = Acl("fire", Resource.TOPIC, Pattern.PREFIXED, f"{PREFIX}consultation.", Operation.READ)
    code, out, err = await router.command("acl", "verify")

    assert code == 0, out.decode() + err
    async with locks.as_admin() as admin:
        await admin.remove([missing])
        await admin.add([too_much])
    code, out, _ = await router.command("acl", "verify")

    assert (1, [f"missing: {missing}", f"too much: {too_much}"]) == (code, out.decode().splitlines())
    code, _, err = await router.command("acl", "apply", "--remove")

    assert (1, True) == (code, "ClusterAuthorizationFailedError" in err)
    nowhere = "postgresql://noveto@127.0.0.1:1/noveto"
    code, _, err = await router.command("acl", "apply", "--remove", **locks.admin_settings(), postgres_dsn=nowhere)

    assert (1, True) == (code, "PostgreSQL at 127.0.0.1:1/noveto did not answer" in err)
    assert 1 == (await router.command("acl", "verify"))[0]
    code, out, err = await router.command("acl", "apply", "--remove", **locks.admin_settings())

    assert (0, "1 added, 1 taken away.") == (code, out.decode().splitlines()[-1]), err
    assert 0 == (await router.command("acl", "verify"))[0]


async def test_no_password_is_in_a_log_a_settings_list_or_a_process_list(locks: Locks) -> None:
    """Neither a user's nor the administrator's, the broker's, the database's or the key ring's."""
    router = locks.router
    secrets = {
        *locks.passwords.values(),
        locks.admin_password,
        locks.security.password("broker"),
        (router.settings.postgres_dsn.get_secret_value().split(":")[2].split("@")[0]),
        router.key_file.read_text().split()[1],
    }
    told = [(await router.command(*arguments)) for arguments in (("settings",), ("worker", "--help"), ("--help",))]
    broken = await router.command("topics", "verify", kafka_credentials_file=router.key_file)
    away = await router.command("database", "migrate", postgres_dsn="postgresql://noveto:hunter2@127.0.0.1:1/noveto")
    logs = [path.read_text(errors="replace") for path in router.stack.log_dir.glob("*.log")]
    places = {
        "worker": router.logs(),
        "servers": "\n".join(logs),
        "commands": "\n".join(out.decode() + err for _, out, err in (*told, broken, away)),
        "repr": repr(router.settings) + str(router.settings) + repr(router.keys),
        "processes": "\n".join(_command_lines()),
    }

    assert {} == {
        place: [secret for secret in (*secrets, "hunter2") if secret in text]
        for place, text in places.items()
        if any(secret in text for secret in (*secrets, "hunter2"))
    }


def _command_lines() -> Iterator[str]:
    for process in psutil.process_iter():
        try:
            yield " ".join(process.cmdline())
        except psutil.Error:
            continue


@pytest.mark.rule("R14")
async def test_a_department_that_comes_while_the_router_runs(
    locks: Locks, parties: Callable[[str], Awaitable[Party]], folder: Path
) -> None:
    """One line in the directory and three commands: it has its topics, its access, and its first request; nothing stopped."""
    router = locks.router
    directory = yaml.safe_load(DIRECTORY.read_text())
    directory["version"] = "departments-with-parks"
    directory["parties"].append({"id": "parks", "name": "园林业务系统", "consultedFor": ["PARKS"]})
    file = folder / "with-parks.yaml"
    file.write_text(yaml.safe_dump(directory, allow_unicode=True))
    as_admin = {**locks.admin_settings(), "directory": file}
    for command, changes in (
        (("acl", "users", "--out", str(locks.users)), {"directory": file}),
        (("acl", "apply", "--users", str(locks.users)), as_admin),
        (("directory", "load", str(file)), {}),
        # The file that was there before knows nothing of who came: their rights stay.
        (("acl", "apply", "--remove"), locks.admin_settings()),
        (("acl", "verify"), {}),
        (("topics", "verify"), {}),
    ):
        code, out, err = await router.command(*command, **changes)

        assert code == 0, (command, out.decode(), err)
    locks.passwords = read_credentials(locks.users)
    windows, bureau, parks = [await parties(name) for name in ("windows", "bureau", "parks")]
    opening = refusal()
    case_id = case_of(opening)
    await windows.say("refusal.proposed", opening)
    review = await bureau.task(case_id, "reviewer")
    await bureau.say("tier.decided", consult(case_id, review.data["taskId"], PARKS="是否占用绿地？"))
    request = await parks.hear(lambda heard: heard.type == "consultation.requested")

    assert case_id == request.data["caseId"]
    answer = opinion(request.data, "PARKS", "agree", "不占用绿地。")
    await parks.say("consultation.replied", answer, family="consultation.replies")
    told = await bureau.hear(
        lambda heard: heard.type == "opinion.forwarded" and heard.data["caseId"] == case_id, seconds=60
    )

    assert "PARKS" == told.data["opinion"]["orgCode"]
    await refused_reading(locks, "consultation.requests.parks", **locks.client("fire"))


async def test_the_department_of_the_documentation_answers(
    locks: Locks, parties: Callable[[str], Awaitable[Party]], folder: Path
) -> None:
    """The program in docs/departments.md, run as it stands there, with its own password: its opinion reaches the reviewer."""
    [code] = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "departments.md").read_text(), re.S)
    program = folder / "department.py"
    program.write_text(code)
    department = await asyncio.create_subprocess_exec(
        sys.executable,
        str(program),
        env={
            "PATH": os.environ["PATH"],
            "PARTY": "water",
            "PREFIX": PREFIX,
            "BOOTSTRAP": locks.bootstrap,
            "PASSWORD": locks.passwords["water"],
            "CA_FILE": str(locks.security.ca_file),
        },
    )
    try:
        windows, bureau = await parties("windows"), await parties("bureau")
        opening = refusal()
        case_id = case_of(opening)
        await windows.say("refusal.proposed", opening)
        review = await bureau.task(case_id, "reviewer")
        await bureau.say("tier.decided", consult(case_id, review.data["taskId"], WATER="河道是否受影响？"))
        told = await bureau.hear(
            lambda heard: heard.type == "opinion.forwarded" and heard.data["caseId"] == case_id, seconds=60
        )

        assert ("WATER", "agree") == (told.data["opinion"]["orgCode"], told.data["opinion"]["answer"])
        assert department.returncode is None
    finally:
        department.kill()
        await department.wait()


async def test_client_certificates_do_as_well_as_passwords() -> None:
    """With mTLS a party is who its certificate says; without one there is no connection."""
    async with LocalStack(say=lambda said: None, secure="mtls") as stack:
        assert stack.security is not None
        security = stack.security
        given: dict[str, Any] = {
            name.removeprefix("NOVETO_").lower(): value for name, value in security.settings().items()
        }
        settings = Settings(kafka_bootstrap=stack.bootstrap, directory=DIRECTORY, topic_prefix=PREFIX, lanes=2, **given)
        for command in (("topics", "create"), ("acl", "apply"), ("acl", "verify")):
            ended = await asyncio.to_thread(
                subprocess.run,
                [sys.executable, "-m", "consumers.cli", *command],
                env={f"NOVETO_{name.upper()}": str(getattr(settings, name)) for name in settings.model_fields_set},
                capture_output=True,
                check=False,
            )

            assert ended.returncode == 0, ended.stderr.decode()

        def client(name: str | None) -> dict[str, Any]:
            context = ssl.create_default_context(cafile=str(security.ca_file))
            if name is not None:
                context.load_cert_chain(*security.issue(name))
            return {"bootstrap_servers": stack.bootstrap, "security_protocol": "SSL", "ssl_context": context}

        producer = AIOKafkaProducer(**client("fire"), request_timeout_ms=15_000)
        await producer.start()
        sent = await producer.send_and_wait(f"{PREFIX}consultation.replies.fire", b"{}")
        with pytest.raises(TopicAuthorizationFailedError):
            await producer.send_and_wait(f"{PREFIX}consultation.replies.water", b"{}")
        await producer.stop()
        nobody = AIOKafkaProducer(**client(None), request_timeout_ms=5000)
        with pytest.raises(KafkaConnectionError):
            await nobody.start()
        await nobody.stop()

        assert f"{PREFIX}consultation.replies.fire" == sent.topic
