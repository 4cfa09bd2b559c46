"""How a party connects: on a secure broker with its own name and password, over TLS."""

import ssl
from pathlib import Path
from typing import Any


def connection(bootstrap: str, login: Path | None, ca: Path | None) -> dict[str, Any]:
    """What every Kafka client of a party needs; `login` holds a line with a name and a password."""
    if login is None:
        return {"bootstrap_servers": bootstrap}
    name, password = login.read_text(encoding="utf-8").split()
    return {
        "bootstrap_servers": bootstrap,
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": name,
        "sasl_plain_password": password,
        "ssl_context": ssl.create_default_context(cafile=ca),
    }
