"""The catalogue file: YAML read into values with faults told by their line, values written as YAML, and its schema.

`catalog.schema.json` is the file's JSON Schema, made from the classes of `entries.py`.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from billing.catalog.account import DEFAULT
from billing.catalog.entries import Catalog, Product
from billing.errors import UsageError

SCHEMA = "catalog.schema.json"
HEADER = f"# yaml-language-server: $schema={SCHEMA}\n"


class _Loader(yaml.SafeLoader):
    """Plain values alone, no key twice; what has decimals and what is an instant stays the text that it is."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        for place, (key, _) in enumerate(node.value):
            if key.value in keys[:place]:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} stands twice", key.start_mark)
        return {key: self.construct_object(value, deep=deep) for key, (_, value) in zip(keys, node.value, strict=True)}


def _as_text(loader: _Loader, node: yaml.ScalarNode) -> str:
    return str(loader.construct_scalar(node))


_Loader.add_constructor("tag:yaml.org,2002:float", _as_text)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _as_text)


def load(file: Path) -> Catalog:
    """The catalogue of a file.

    Raises:
        UsageError: the file can't be read, is no YAML, or says what no catalogue can; the message names the lines.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{file} can't be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{file} is no UTF-8 text.") from None
    return read(text, str(file))


def read(text: str, name: str = "the catalogue") -> Catalog:
    """The catalogue that a text says.

    Raises:
        UsageError: as `load` does.
    """
    try:
        node = yaml.compose(text, _Loader)
        told = yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        raise UsageError(f"{name} is no YAML: {' '.join(str(error).split())}.") from None
    try:
        catalog = Catalog.model_validate(told)
    except ValidationError as error:
        found = [(tuple(each["loc"]), each["msg"].removeprefix("Value error, ")) for each in error.errors()]
        raise UsageError(_told(name, node, found)) from None
    if found := list(_dangling(catalog)):
        raise UsageError(_told(name, node, found))
    return catalog


def written(catalog: Catalog) -> str:
    """The catalogue as a file."""
    told = {"version": catalog.version} | catalog.model_dump(exclude_defaults=True)
    return HEADER + yaml.dump(told, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def schema() -> dict[str, Any]:
    """The JSON Schema of the file."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Catalog.model_json_schema()}


def schema_text() -> str:
    """The JSON Schema as the file beside the catalogue."""
    return json.dumps(schema(), indent=1) + "\n"


class _Dumper(yaml.SafeDumper):
    """Tuples as lists, without anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_Dumper.add_representer(tuple, lambda dumper, value: dumper.represent_list(value))

Place = tuple[int | str, ...]


def _dangling(catalog: Catalog) -> Iterator[tuple[Place, str]]:
    """What names something that the file does not have, and prices of one key."""
    for product_id, product in catalog.products.items():
        yield from _dangling_in_product(catalog, ("products", product_id), product)
    for code, promotion in catalog.promotion_codes.items():
        if promotion.coupon not in catalog.coupons and not promotion.archived:
            yield ("promotion_codes", code, "coupon"), f"{promotion.coupon} is none of the coupons of the file"
    yield from _dangling_in_archive(catalog)
    first: dict[str, str] = {}
    for product_id, key, price in catalog.prices():
        here: Place = ("products", product_id, "prices", key)
        if first.setdefault(key, product_id) != product_id:
            yield here, f"{first[key]} has a price of this key too; lookup keys are the account's"
        if price.tier and price.tier not in catalog.tiers:
            yield (*here, "tier"), f"{price.tier} is none of the tiers at the top of the file"
        if price.meter and price.meter not in catalog.meters and not price.archived:
            yield (*here, "meter"), f"{price.meter} is none of the meters of the file"
    yield from _dangling_in_portals(catalog, first)


def _dangling_in_archive(catalog: Catalog) -> Iterator[tuple[Place, str]]:
    for section, keys in catalog.keys().items():
        for place, key in enumerate(getattr(catalog.archive, section)):
            if key in keys:
                yield ("archive", section, place), f"{key} has an entry: say archived there, or take the entry out"
    if DEFAULT in catalog.archive.portals or (DEFAULT in catalog.portals and catalog.portals[DEFAULT].archived):
        yield ("portals", DEFAULT), "the default portal can't be archived"


def _dangling_in_product(catalog: Catalog, here: Place, product: Product) -> Iterator[tuple[Place, str]]:
    if product.tier and product.tier not in catalog.tiers:
        yield (*here, "tier"), f"{product.tier} is none of the tiers at the top of the file"
    if product.default_price and product.default_price not in product.prices:
        yield (*here, "default_price"), f"{product.default_price} is none of its prices"
    elif product.default_price and product.prices[product.default_price].archived:
        yield (*here, "default_price"), f"{product.default_price} is archived"
    for place, feature in enumerate(product.features):
        if feature not in catalog.features:
            yield (*here, "features", place), f"{feature} is none of the features at the top of the file"


def _dangling_in_portals(catalog: Catalog, product_of: dict[str, str]) -> Iterator[tuple[Place, str]]:
    for key, portal in catalog.portals.items():
        for product_id, each in portal.subscription_update.products.items() if portal.subscription_update else ():
            here: Place = ("portals", key, "subscription_update", "products", product_id)
            for place, price in enumerate(each.prices):
                if product_of.get(price, product_id) != product_id:
                    yield (*here, "prices", place), f"{price} is a price of {product_of[price]}"
                elif price not in product_of and not price.startswith("price_"):
                    yield (*here, "prices", place), f"{price} is none of the prices of the file"


def _told(name: str, node: yaml.Node | None, found: Sequence[tuple[Place, str]]) -> str:
    lines = [f"  line {_line(node, place)}, {_where(place)}: {words}" for place, words in found]
    return f"{name} makes no sense:\n" + "\n".join(dict.fromkeys(lines))


def _where(place: Place) -> str:
    return ".".join(map(str, place)) or "the whole file"


def _line(node: yaml.Node | None, place: Place) -> int:
    """The line of the deepest part of the place that the file has."""
    line = node.start_mark.line + 1 if node is not None else 1
    for step in place:
        found = _step(node, step)
        if found is None:
            break
        line, node = found
    return line


def _step(node: yaml.Node | None, step: int | str) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        pairs = [(key.start_mark.line + 1, value) for key, value in node.value if key.value == str(step)]
        return pairs[0] if pairs else None
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step].start_mark.line + 1, node.value[step]
    return None
