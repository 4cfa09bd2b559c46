"""Field types shared by every message: what may stand in a code, a text, a time.

Codes are opaque strings with a maximum length, never a fixed one: provinces extend them.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any, ParamSpec, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    GetPydanticSchema,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel
from pydantic_core import core_schema


def _printable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("U+0000 cannot be stored; remove it")
    return text


@lru_cache(4096)
def utc_text(at: datetime) -> str:
    """An instant as it goes onto a topic. The same few stand in everything that a moment brings about."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


# What case ids, unit codes and party names may be made of: safe in a key, a header and a topic name.
Code = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]*$")]
# What the router itself named: a task, a reply, a request. It begins with the case's id.
Reference = Annotated[str, StringConstraints(min_length=1, max_length=160, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]*$")]
OrgCode = Annotated[str, StringConstraints(min_length=1, max_length=32, pattern=r"^[A-Za-z0-9]+$")]
CaseId = Annotated[str, StringConstraints(min_length=3, max_length=97, pattern=r"^[A-Za-z0-9]+-[A-Za-z0-9_.:-]+$")]
Name = Annotated[
    str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True), AfterValidator(_printable)
]
Text = Annotated[
    str, StringConstraints(min_length=1, max_length=4000, strip_whitespace=True), AfterValidator(_printable)
]
_AWARE = core_schema.datetime_schema(tz_constraint="aware")
# On the wire a moment is written out, with its zone: the library alone would take any number, and any text of digits, for
# seconds since 1970.
_WRITTEN_OUT = core_schema.chain_schema([core_schema.str_schema(pattern=r"^\d{4}-\d{2}-\d{2}[Tt ]"), _AWARE])
_INSTANT = core_schema.json_or_python_schema(json_schema=_WRITTEN_OUT, python_schema=_AWARE)
Instant = Annotated[
    datetime,
    GetPydanticSchema(lambda source, handler: _INSTANT),
    WithJsonSchema({"type": "string", "format": "date-time"}, mode="validation"),
    PlainSerializer(utc_text, return_type=str, when_used="json"),
]


class Model(BaseModel):
    """Frozen; camelCase on the wire; a field nobody knows is an error, so a misspelt one is never lost."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

    def wire(self) -> bytes:
        """UTF-8 JSON as it goes onto a topic: camelCase, nothing that is absent."""
        return self.__pydantic_serializer__.to_json(self, by_alias=True, exclude_none=True)


Fields = ParamSpec("Fields")
Made = TypeVar("Made", bound=Model)


def trusted(model: Callable[Fields, Made], /, *_: Fields.args, **fields: Fields.kwargs) -> Made:
    """A model of parts that are valid already, made without looking at them again: some fifteen times as fast.

    Only for what the program itself puts together out of validated models; whatever comes from outside is validated. The type
    checker still sees every field, and the tests read back all that the core makes.
    """
    unset, names = _forms[model]
    made: Made = _new(model)
    _set_values(made, unset | fields)
    _set_fields_set(made, names)
    _set_extra(made, None)
    _set_private(made, None)
    return made


class _Forms(dict[Any, tuple[dict[str, Any], set[str]]]):
    """What a model's fields are while they are not set, in their order, and their names: looked up once for each model."""

    def __missing__(self, model: type[BaseModel]) -> tuple[dict[str, Any], set[str]]:
        unset = {name: field.get_default() for name, field in model.model_fields.items()}
        self[model] = unset, set(unset)
        return self[model]


_forms = _Forms()
_new: Any = object.__new__
# All that pydantic keeps of an instance: set past the frozen models' own way, and past the look-up of each name.
_set_values, _set_fields_set, _set_extra, _set_private = (vars(BaseModel)[slot].__set__ for slot in BaseModel.__slots__)
