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

from pydantic import Field, model_validator

from billing import documents
from billing.documents import Part
from billing.errors import UsageError
from models.policy import PRESETS, MetricPolicy, PolicyError, changed, preset
from pipelines.errors import SettingsError

YAML = (".yaml", ".yml")


class _File(Part):
    """What a file of rules holds; the rules are checked by the policy itself. An empty one changes none."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")] | None = None
    extends: str = "default"
    rules: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _or_nothing(cls, told: object) -> object:
        return {} if told is None else told


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
        return documents.read(file, _File, "REVENUE_POLICY")
    except UsageError as error:
        raise SettingsError(str(error)) from None
