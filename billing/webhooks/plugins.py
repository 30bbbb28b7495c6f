"""A company's own code that is told of events: modules with a table `HANDLERS`, of event types to functions.

from billing.webhooks.occasions import Occasion

def grant_access(occasion: Occasion) -> None:
    ...

HANDLERS = {"invoice.paid": grant_access, "customer.subscription.*": look_again, "*": log}
"""

import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from billing.errors import UsageError
from billing.webhooks.occasions import BY_TYPE, Occasion

Handler = Callable[[Occasion], None]


@dataclass(frozen=True)
class Handlers:
    """Functions with the types that they are for: one, all below a prefix (`invoice.*`), or all (`*`)."""

    entries: Sequence[tuple[str, Handler]] = ()

    def of(self, type_: str) -> Iterator[Handler]:
        """Those for a type, in the order in which they were named."""
        for pattern, handler in self.entries:
            if pattern in ("*", type_) or (pattern.endswith(".*") and type_.startswith(pattern[:-1])):
                yield handler


def load(modules: Iterable[str]) -> Handlers:
    """The handlers of modules, by name.

    Raises:
        UsageError: a module can't be imported, has no table, or names a type that nothing follows from.
    """
    return Handlers([entry for name in modules for entry in _entries(name)])


def _entries(name: str) -> Iterator[tuple[str, Handler]]:
    try:
        module = importlib.import_module(name)
    except Exception as error:  # whatever the company's own module raises while it is imported
        raise UsageError(f"The plug-in {name} can't be imported: {type(error).__name__}: {error}.") from error
    table = getattr(module, "HANDLERS", None)
    if not isinstance(table, Mapping):
        raise UsageError(f"The plug-in {name} has no HANDLERS, a table of event types to functions.")
    for pattern, handler in table.items():
        if not callable(handler) or not _is_known(str(pattern)):
            raise UsageError(
                f"The plug-in {name} names '{pattern}', which is no event that is handed on, or no function for it. "
                "docs/webhooks.md lists the events."
            )
        yield str(pattern), handler


def _is_known(pattern: str) -> bool:
    prefix = pattern.removesuffix("*")
    return pattern == "*" or any(
        type_ == pattern or (pattern.endswith(".*") and type_.startswith(prefix)) for type_ in BY_TYPE
    )
