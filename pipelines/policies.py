"""The policy that `REVENUE_POLICY` names: a preset, or a YAML file that changes single rules of one.

The file:

    name: board             # without it the file's name
    extends: stripe         # without it `default`
    rules:
      grace_days: 7
      counted_discounts: [forever, repeating]
"""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from models.policy import PRESETS, MetricPolicy, PolicyError, changed, preset
from pipelines.errors import SettingsError

YAML = (".yaml", ".yml")


class _File(BaseModel):
    """What a file of rules holds; the rules are checked by the policy itself."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")] | None = None
    extends: str = "default"
    rules: dict[str, Any] = Field(default_factory=dict)


class _Loader(yaml.SafeLoader):
    """Plain values alone, and no key twice: of two the last would win without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        twice = sorted({str(key) for key in keys if keys.count(key) > 1})
        if twice:
            raise yaml.constructor.ConstructorError(None, None, f"{twice[0]!r} stands twice", node.start_mark)
        return super().construct_mapping(node, deep)


def chosen(named: str) -> MetricPolicy:
    """The policy of that name, or of that file.

    Raises:
        SettingsError: no preset and no file, a file that is not of the form above, or a rule that no policy can have.
    """
    if named in PRESETS:
        return preset(named)
    file = Path(named)
    if file.suffix.lower() not in YAML and not file.is_file():
        raise SettingsError(
            f"REVENUE_POLICY is {named!r}; it must be a preset ({', '.join(PRESETS)}) or a YAML file of rules."
        )
    told = _read(file)
    name = told.name or file.stem
    if name in PRESETS:
        raise SettingsError(f"{file} is named {name!r}, as a preset is; give it a `name` of its own.")
    try:
        return replace(changed(preset(told.extends), **told.rules), name=name)
    except PolicyError as error:
        raise SettingsError(f"{file}: {error}.") from None


def _read(file: Path) -> _File:
    try:
        told = yaml.load(file.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - a SafeLoader
    except OSError as error:
        raise SettingsError(f"REVENUE_POLICY names {file}, which can't be read: {error.strerror}.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file} is no YAML: {' '.join(str(error).split())}.") from None
    try:
        return _File.model_validate({} if told is None else told)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole file"
        raise SettingsError(
            f"{file} makes no sense at {where}: {first['msg']}. It may hold `name`, `extends` and `rules`."
        ) from None
