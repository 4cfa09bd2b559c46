"""Who may do what on the broker, as it is worked out from the directory and written down."""

import subprocess
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from consumers import worker
from consumers.acl import (
    EXPORTER,
    INTAKE,
    OPERATOR,
    RELAY,
    STAGES,
    Acl,
    Operation,
    Pattern,
    Resource,
    compare,
    principals,
    wanted,
)
from consumers.acl_export import NotExportable, as_kafka_acls, as_strimzi
from consumers.kafka import CredentialsError, connection, read_credentials
from consumers.settings import Settings
from topics.directory import Directory
from topics.registry import INBOUND_FAMILIES, TopicNames, topics_of

DEPLOY = Path(__file__).parents[2] / "deploy"
SAMPLE = Directory.model_validate(yaml.safe_load((DEPLOY / "sample" / "directory.yaml").read_text()))
NAMES = TopicNames()
WANTED = wanted(SAMPLE, NAMES)


def may(operation: Operation, topic: str, principal: str | None = None) -> set[str]:
    """Who may do it with that topic."""
    return {
        acl.principal
        for acl in WANTED
        if acl.operation is operation and acl.covers(Resource.TOPIC, topic) and principal in (None, acl.principal)
    }


def test_only_intake_and_the_operators_controls_write_the_commands() -> None:
    """No party and no other stage can put anything on case.commands."""

    assert {INTAKE, OPERATOR} == may(Operation.WRITE, "case.commands")


def test_a_topic_of_a_party_is_written_or_read_by_that_party_alone() -> None:
    """Beside the router's own stages, nobody but the party in a topic's name can use it."""
    for topic, row in topics_of(SAMPLE, NAMES):
        parsed = NAMES.parse(topic)
        assert parsed is not None
        owner = {
            "party": {parsed[1]},
            "centre": {SAMPLE.committee_party(parsed[1] or "")},
            "nobody": set(),
        }[row.owner]
        inbound = row.family in INBOUND_FAMILIES
        writers, readers = (may(operation, topic) - set(STAGES) for operation in (Operation.WRITE, Operation.READ))

        assert (owner if inbound else set()) == writers, topic
        assert (set() if inbound else owner) == readers, topic


def test_every_principal_of_the_router_is_a_program_that_there_is() -> None:
    """Rights that nobody uses are rights that somebody can steal."""
    assert {f"noveto-{stage}" for stage in worker.STAGES} | {EXPORTER, OPERATOR} == set(STAGES)


def test_the_relay_cannot_read_what_parties_say_and_intake_cannot_write_what_they_hear() -> None:
    """Each stage has its own direction."""

    assert set() == may(Operation.READ, "window.refusals.hall-windows", RELAY)
    assert set() == may(Operation.WRITE, "tier.tasks.market-system", INTAKE)


def test_no_partys_groups_are_anothers() -> None:
    """A party named like the beginning of another's name does not get the other's consumer groups."""
    groups = [acl for acl in WANTED if acl.resource is Resource.GROUP and acl.principal not in STAGES]
    for acl in groups:
        for other in SAMPLE.parties:
            if other.id != acl.principal:
                assert not acl.covers(Resource.GROUP, other.id)
                assert not acl.covers(Resource.GROUP, f"{other.id}.follow")
                assert not acl.covers(Resource.GROUP, "noveto.desk")


def test_a_party_cannot_have_the_name_of_a_stage() -> None:
    """It would get the stage's rights."""
    data = yaml.safe_load((DEPLOY / "sample" / "directory.yaml").read_text())
    data["parties"][0]["id"] = "noveto-intake"

    with pytest.raises(ValidationError, match="party noveto-intake: names that begin with noveto- are the router's"):
        Directory.model_validate(data)


def test_comparing_says_what_is_missing_too_much_and_denied_and_leaves_others_alone() -> None:
    """Somebody else's topics on the same cluster are none of our business; anything that reaches ours is."""
    read = Acl("stranger", Resource.TOPIC, Pattern.LITERAL, "tier.tasks.market-system", Operation.READ)
    everything = Acl("stranger", Resource.TOPIC, Pattern.LITERAL, "*", Operation.READ)
    prefixed = Acl("stranger", Resource.TOPIC, Pattern.PREFIXED, "case", Operation.READ)
    tomorrow = Acl("stranger", Resource.TOPIC, Pattern.LITERAL, "window.refusals.tomorrow", Operation.WRITE)
    elsewhere = Acl("stranger", Resource.TOPIC, Pattern.LITERAL, "weather.maps", Operation.ALL)
    first, *rest = WANTED

    found = compare(WANTED, {*rest, read, everything, prefixed, tomorrow, elsewhere}, {read, elsewhere}, NAMES)

    assert ((first,), {read, everything, prefixed, tomorrow}, (read,)) == (
        found.missing,
        set(found.too_much),
        found.denied,
    )
    assert not found.good
    assert compare(WANTED, {*WANTED, elsewhere}, set(), NAMES).good


def test_the_exported_script_is_one_that_a_shell_reads() -> None:
    """And it has a line for each principal and resource."""
    script = as_kafka_acls(WANTED)

    assert 0 == subprocess.run(["sh", "-n"], input=script.encode(), check=False).returncode
    assert len({(acl.principal, acl.resource, acl.pattern, acl.name) for acl in WANTED}) == script.count(
        "kafka-acls.sh "
    )


def test_the_manifests_say_the_same_as_the_access_lists() -> None:
    """Read back from the KafkaUsers, every access list is there and no other."""
    read = {
        (
            user["metadata"]["name"],
            acl["resource"]["type"],
            {"literal": "literal", "prefix": "prefixed"}[acl["resource"].get("patternType", "literal")],
            acl["resource"].get("name", "kafka-cluster"),
            operation,
        )
        for user in yaml.safe_load_all(as_strimzi(WANTED, "noveto"))
        for acl in user["spec"]["authorization"]["acls"]
        for operation in acl["operations"]
    }

    assert {(acl.principal, acl.resource, acl.pattern, acl.name, acl.operation) for acl in WANTED} == read


def test_a_principal_that_kubernetes_cannot_name_is_refused() -> None:
    """Party ids may have capitals and underscores, manifests not."""
    with pytest.raises(NotExportable, match="Hall_A cannot be a KafkaUser"):
        as_strimzi([Acl("Hall_A", Resource.GROUP, Pattern.LITERAL, "Hall_A", Operation.READ)], "noveto")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("acl/sample-directory.sh", as_kafka_acls(WANTED)),
        ("kubernetes/users-sample-directory.yaml", as_strimzi(WANTED, "noveto")),
    ],
)
def test_the_files_in_deploy_are_what_the_sample_directory_calls_for(name: str, text: str) -> None:
    """`noveto acl export` would print the same today."""

    assert text == (DEPLOY / name).read_text()


def test_each_stage_connects_as_its_own_user(tmp_path: Path) -> None:
    """One file, a user for each stage; what is no stage is the operator."""
    file = tmp_path / "users"
    file.write_text("# made up\n" + "".join(f"{name} secret-of-{name}\n" for name in principals(SAMPLE)))
    settings = Settings(kafka_security_protocol="SASL_PLAINTEXT", kafka_credentials_file=file)

    assert {
        "intake": "noveto-intake",
        "intake-leave": "noveto-intake",
        "desk": "noveto-desk",
        "positions": "noveto-desk",
        "relay-3": "noveto-relay",
        "topics": "noveto-operator",
    } == {
        client: connection(settings, client)["sasl_plain_username"]
        for client in ("intake", "intake-leave", "desk", "positions", "relay-3", "topics")
    }
    assert "secret-of-noveto-relay" == connection(settings, "relay-0")["sasl_plain_password"]


@pytest.mark.parametrize("text", ["admin", "admin one two", "admin\n", "ok fine\n  hunter2\n"])
def test_a_mistake_in_a_credentials_file_is_named_by_line_and_never_shown(tmp_path: Path, text: str) -> None:
    """A message may end in a log."""
    file = tmp_path / "users"
    file.write_text(text)

    with pytest.raises(CredentialsError, match=r"line \d: write a user, a space and the password") as caught:
        read_credentials(file)

    assert not {"one", "two", "hunter2"} & set(str(caught.value).split())


def test_the_clusters_manifest_locks_the_cluster() -> None:
    """TLS and SCRAM on every listener, an authorizer, and the cluster that the users' manifests name."""
    cluster = next(
        one for one in yaml.safe_load_all((DEPLOY / "kubernetes" / "kafka.yaml").read_text()) if one["kind"] == "Kafka"
    )
    kafka = cluster["spec"]["kafka"]

    assert "noveto" == cluster["metadata"]["name"]
    assert "simple" == kafka["authorization"]["type"]
    for listener in kafka["listeners"]:
        assert (True, "scram-sha-512") == (listener["tls"], listener["authentication"]["type"])
