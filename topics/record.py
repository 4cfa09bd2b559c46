"""Records: what the core itself makes, facts and what a case is made of. Only what is read back is validated, by a TypeAdapter."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, dataclass_transform

from topics.fields import Model

Record = TypeVar("Record")


@dataclass_transform(kw_only_default=True, frozen_default=True)
def record(kind: type[Record]) -> type[Record]:
    """A dataclass that nobody changes; the type checker sees to that, since one frozen at run time takes twice as long to make.

    It is written and read as a message is: camelCase, and a field nobody knows is an error.
    """
    kind.__pydantic_config__ = Model.model_config  # type: ignore[attr-defined]
    return dataclass(kw_only=True)(kind)


def changed(whole: Record, changes: Mapping[str, Any]) -> Record:
    """A copy of a record with other values in some fields."""
    copy: Record = object.__new__(type(whole))
    copy.__dict__ = {**whole.__dict__, **changes}
    return copy
