"""A YAML file of the company's as a checked value; what is wrong in it is told by its place."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from billing.errors import UsageError

Whole = TypeVar("Whole", bound=BaseModel)


class Part(BaseModel):
    """A part of a file: nothing else may stand in it, and nothing is taken for what it is not."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Loader(yaml.SafeLoader):
    """Plain values alone, and no key twice: of two the last would win without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        twice = sorted({str(key) for key in keys if keys.count(key) > 1})
        if twice:
            raise yaml.constructor.ConstructorError(None, None, f"{twice[0]!r} stands twice", node.start_mark)
        return super().construct_mapping(node, deep)


def read(file: Path, whole: type[Whole], setting: str) -> Whole:
    """What a file says, which a setting of that name may have named.

    Raises:
        UsageError: the file can't be read, is no YAML, or says what makes no sense; the message names the place.
    """
    try:
        told = yaml.load(file.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - a SafeLoader
    except OSError as error:
        raise UsageError(f"{setting} names {file}, which can't be read: {error.strerror}.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} is no YAML: {' '.join(str(error).split())}.") from None
    try:
        return whole.model_validate(told)
    except ValidationError as error:
        raise UsageError(f"{file} makes no sense:\n" + "\n".join(faults(error))) from None


def faults(error: ValidationError) -> Iterator[str]:
    """What is wrong, one line a place."""
    for each in error.errors():
        where = ".".join(map(str, each["loc"])) or "the whole file"
        yield f"  {where}: {each['msg'].removeprefix('Value error, ')}"
