"""The contracts as AsyncAPI 3 and JSON Schema, made from the models: for every topic who writes it, who reads it, and what it carries."""

from typing import Any

from topics.fields import Model
from topics.inbound import INBOUND
from topics.outbound import OUTBOUND
from topics.registry import INBOUND_FAMILIES, TOPICS, Owner, TopicFamily

REFERENCE = "#/components/schemas/{model}"


def document(version: str) -> dict[str, Any]:
    """One AsyncAPI 3.0 document; a topic's last segment is a parameter of its channel."""
    models = {**INBOUND, **OUTBOUND}
    schemas: dict[str, Any] = {}
    for model in models.values():
        schema = model.model_json_schema(by_alias=True, ref_template=REFERENCE, mode="validation")
        schemas |= schema.pop("$defs", {})
        schemas[model.__name__] = schema
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "noveto",
            "version": version,
            "description": "A refusal at a service window is a proposal that goes up level by level. CloudEvents 1.0, Kafka binary mode; the key is the case's id.",
        },
        "channels": {row.family.value: _channel(row) for row in TOPICS if row.models},
        "operations": {row.family.value: _operation(row) for row in TOPICS if row.models},
        "components": {
            "messages": {ce_type: _message(ce_type, model) for ce_type, model in models.items()},
            "schemas": dict(sorted(schemas.items())),
        },
    }


def _types(row: TopicFamily) -> list[str]:
    return [model.TYPE for model in row.models if isinstance(getattr(model, "TYPE", None), str)]  # type: ignore[attr-defined]


def _channel(row: TopicFamily) -> dict[str, Any]:
    channel: dict[str, Any] = {
        "address": row.family.value if row.owner is Owner.NOBODY else f"{row.family.value}.{{{row.owner.value}}}",
        "description": f"Written by {row.written_by}; read by {row.read_by}.",
        "messages": {ce_type: {"$ref": f"#/components/messages/{ce_type}"} for ce_type in _types(row)},
    }
    if row.owner is not Owner.NOBODY:
        channel["parameters"] = {row.owner.value: {"description": f"The {row.owner.value}'s id in the directory."}}
    return channel


def _operation(row: TopicFamily) -> dict[str, Any]:
    """From the router's side: it receives what parties write, and sends the rest."""
    return {
        "action": "receive" if row.family in INBOUND_FAMILIES else "send",
        "channel": {"$ref": f"#/channels/{row.family.value}"},
    }


def _message(ce_type: str, model: type[Model]) -> dict[str, Any]:
    return {
        "name": ce_type,
        "summary": (model.__doc__ or "").strip().splitlines()[0],
        "contentType": "application/json",
        "headers": {
            "type": "object",
            "required": ["ce_specversion", "ce_id", "ce_type", "ce_source"],
            "properties": {
                "ce_specversion": {"const": "1.0"},
                "ce_type": {"const": ce_type},
                "ce_id": {"type": "string", "maxLength": 200},
                "ce_source": {"type": "string"},
                "ce_time": {"type": "string", "format": "date-time"},
                "traceparent": {"type": "string"},
            },
        },
        "payload": {"$ref": f"#/components/schemas/{model.__name__}"},
    }


def breaks(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """What in a new document breaks those who wrote or read by the old one: a type, field or value gone, or a field newly required of senders."""
    found = []
    for ce_type in old["components"]["messages"]:
        if ce_type not in new["components"]["messages"]:
            found.append(f"the type {ce_type} is gone")
    sent = {model.__name__ for model in INBOUND.values()}
    for name, schema in old["components"]["schemas"].items():
        now = new["components"]["schemas"].get(name)
        if now is None:
            found.append(f"{name} is gone")
            continue
        for field in schema.get("properties", {}):
            if field not in now.get("properties", {}):
                found.append(f"{name}.{field} is gone")
        for value in set(schema.get("enum", ())) - set(now.get("enum", schema.get("enum", ()))):
            found.append(f"{name}: the value {value} is gone")
        if name in sent:
            found += [
                f"{name}.{field} is newly required"
                for field in set(now.get("required", ())) - set(schema.get("required", ()))
            ]
    return found
