"""The other pages of docs/ keep up with the code: checks, faults, options and links are all there."""

import re
from pathlib import Path
from typing import get_args

import pytest
import typer

from models.checks import CHECKS, FOUND_ON_THE_WAY
from pipelines.cli import app
from pipelines.warehouse import findings
from sandbox.__main__ import main as sandbox
from sandbox.api.faults import Kind

DOCS = Path(__file__).parents[2] / "docs"
STAGING_CHECKS = (findings.SHAPE, findings.WHOLE, findings.FIT, findings.KEYS, findings.STAGED, findings.SENT)


def page(name: str) -> str:
    return (DOCS / f"{name}.md").read_text()


@pytest.mark.parametrize(
    "check", sorted({check.name for check in CHECKS} | {name for name, _, _ in FOUND_ON_THE_WAY} | {*STAGING_CHECKS})
)
def test_the_runbook_says_what_to_do_about_every_check(check: str) -> None:
    assert f"`{check}`" in page("runbook")


@pytest.mark.parametrize("fault", get_args(Kind))
def test_the_sandbox_page_names_every_fault(fault: str) -> None:
    assert f"`{fault}`" in page("sandbox")


def test_the_sandbox_page_names_every_option() -> None:
    asker = typer.Typer(add_completion=False)
    asker.command()(sandbox)
    options = [option.opts[0] for option in typer.main.get_command(asker).params if option.opts[0] != "--help"]
    assert [option for option in options if f"`{option}`" not in page("sandbox")] == []


def test_the_pages_use_no_command_that_does_not_exist() -> None:
    known = {command.name or getattr(command.callback, "__name__", "") for command in app.registered_commands}
    known |= {group.name for group in app.registered_groups if group.name}
    used = {
        word
        for name in ("runbook", "sandbox", "metrics", "benchmarks")
        for word in re.findall(r"`(?:[A-Z_]+=\S+ )*revenue ([a-z]+)", page(name))
    }
    assert used <= known


@pytest.mark.parametrize("name", sorted(file.stem for file in DOCS.glob("*.md")))
def test_links_between_pages_lead_somewhere(name: str) -> None:
    for target in re.findall(r"\]\(([\w\-./]+\.md)(?:#[\w\-]+)?\)", page(name)):
        assert target == "data-dictionary.md" or (DOCS / target).is_file(), f"{name}.md links to {target}"
