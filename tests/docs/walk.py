"""Types what a page of docs/ says to type, on a sandbox, and gathers what is printed.

A shell block of `revenue` commands and `export` lines is typed line by line, any other block is one script. What a page
leaves open stands for what was printed last: `act_…` for an action's id, `cus_ada…` for the id of the customer whom the
page made as `ada`.
"""

import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field

from pipelines import settings
from tests.pipelines.houses import House

PLACE = "http://127.0.0.1:12111"
OPEN = re.compile(r"\b([a-z]+)_(\w*)…")
PRINTED = re.compile(r"\b(act_[0-9a-f]{24}|(?:cus|sub|in|price|du|pm|whsec)_(?!card_)\w+)")


def blocks(page: str) -> list[str]:
    """The page's shell blocks."""
    return re.findall(r"```sh\n(.*?)```", page, re.DOTALL)


def commands(page: str) -> Iterator[str]:
    """What is typed, one after the other."""
    for block in blocks(page):
        lines = block.splitlines()
        typed_by_line = all(line.startswith(("revenue ", "export ", "python ")) for line in lines)
        yield from lines if typed_by_line else [block]


@dataclass
class Walk:
    """A walk along a page in a working folder; `folder` is what the page calls it, `told` are settings that it
    exports."""

    house: House
    folder: str
    printed: dict[str, str] = field(default_factory=dict)
    told: dict[str, str] = field(default_factory=dict)
    left_open: dict[str, str] = field(default_factory=dict)

    def type(self, line: str) -> str:
        """What a line prints; it must end well, or as the launch checklist ends where something is to be done."""
        told = self._typed(self._filled(line))
        self.printed[line] = self.printed.get(line, "") + told
        self._remember(line, told)
        return told

    def _typed(self, line: str) -> str:
        if line.startswith("export "):
            given = dict(word.split("=", 1) for word in line.split()[1:])
            assert given.keys() <= {name for name, _, _ in settings.described()}
            known = {"REVENUE_HOME", "STRIPE_API_BASE", "STRIPE_API_KEY", "STRIPE_WRITE_KEY"}
            self.told.update({name: value for name, value in given.items() if name not in known})
            return ""
        if not line.startswith("revenue "):
            done = subprocess.run(["bash", "-euc", line], capture_output=True, text=True, check=False)
            assert done.returncode == 0, (line, done.stderr)
            return done.stdout
        words = shlex.split(line)[1:]
        ended = self.house.revenue(*words, more=self.told)
        assert ended.code in ((0, 3) if "--checklist" in words else (0,)), (line, ended.printed)
        return ended.printed

    def _filled(self, line: str) -> str:
        line = line.replace(PLACE, self.house.sandbox.url).replace(f"{self.folder}/", f"{self.house.home}/")
        return OPEN.sub(
            lambda found: self.left_open[found.group()], line.replace(f" {self.folder}\n", f" {self.house.home}\n")
        )

    def _remember(self, line: str, told: str) -> None:
        for found in reversed(PRINTED.findall(told)):
            self.left_open[f"{found.partition('_')[0]}_…"] = found
        if line.startswith("revenue customers create "):
            self.left_open[f"cus_{line.split()[3]}…"] = self.left_open["cus_…"]
