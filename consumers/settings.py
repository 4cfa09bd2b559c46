"""Every setting, from the environment (`NOVETO_…`) or a file named by it; secrets never appear in a representation."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What a deployment chooses. The defaults suit one machine; a cluster is other values, no other code."""

    model_config = SettingsConfigDict(env_prefix="NOVETO_", frozen=True, use_attribute_docstrings=True)

    kafka_bootstrap: str = "127.0.0.1:9092"
    """host:port, several with commas between."""
    kafka_security_protocol: str = "PLAINTEXT"
    kafka_sasl_mechanism: str = "SCRAM-SHA-512"
    kafka_username: str | None = None
    kafka_password: SecretStr | None = None
    kafka_credentials_file: Path | None = None
    """Instead of one user for everything: a user and its password a line, for each stage its own (`noveto acl users`)."""
    kafka_ca_file: Path | None = None
    kafka_cert_file: Path | None = None
    kafka_key_file: Path | None = None

    postgres_dsn: SecretStr = SecretStr("postgresql://noveto@127.0.0.1:5432/noveto")

    directory: Path | None = None
    """The directory's YAML file: who is who, and who speaks for whom."""
    policy: Path | None = None
    """The policy's YAML file; without it, the strictest reading of the opinion."""
    calendar: Path | None = None
    """A folder of calendar files (years amended or added, centres' own days) on top of the shipped years."""
    sealing_key_file: Path | None = None
    """The key ring that seals personal data: `noveto key generate`."""

    topic_prefix: str = ""
    lanes: Annotated[int, Field(ge=1, le=256)] = 12
    """Partitions of `case.commands`: chosen when the topics are created, verified at every start."""
    replication: Annotated[int, Field(ge=1)] = 1
    min_in_sync: Annotated[int, Field(ge=1)] = 1

    http_host: str = "127.0.0.1"
    http_port: Annotated[int, Field(ge=0, le=65535)] = 9464
    """/metrics, /healthz, /readyz; 0 chooses a free port."""

    worker_name: str | None = None
    """Names the worker to the broker: the same name after a restart takes its lanes back without a rebalance."""
    session_timeout_seconds: Annotated[float, Field(ge=1)] = 6
    batch: Annotated[int, Field(ge=1, le=10000)] = 500
    """Commands in one SQL transaction of a lane, at most."""
    timers_a_batch: Annotated[int, Field(ge=1, le=10000)] = 100
    """Cases whose timers fire in one transaction, at most."""
    park_seconds: Annotated[float, Field(gt=0)] = 60
    """How long a command waits for its refusal."""
    most_lag_seconds: Annotated[float, Field(gt=0)] = 60
    """How long timers wait for what was received before them (R29)."""
    outbox_kept_seconds: Annotated[float, Field(ge=0)] = 3600

    clock_speed: Annotated[float, Field(gt=0)] = 1
    """Virtual time for demonstrations: so many domain seconds pass in a second."""
    clock_origin: datetime | None = None
    """The real instant from which virtual time runs apart."""
    clock_start: datetime | None = None
    """The domain's time at that instant."""

    log_level: str = "info"
