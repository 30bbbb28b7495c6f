"""The folder of files that a build leaves behind."""

import json
import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from dashboards import site
from dashboards.page import Basis, Column, Page, Row, Section, Table, TableBlock
from dashboards.theme import ROLES
from dashboards.values import Link

BASIS = Basis("Acme & Sons", "15 Nov 2026, 07:00 EST", "America/New_York", "USD", "default", "9f2c41d07ab3", "", "")
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)> {{ 7 * 7 }}'


def page(name: str, text: str = "Acme") -> Page:
    table = Table(f"{name}-table", "Customers", (Column("Customer"), Column("Name")), (Row((text, text)),))
    return Page(name, name, (text,), (Section("All", (TableBlock("All", table, "Text", "None.", "mrr"),)),))


def test_names_from_outside_never_become_markup() -> None:
    one = page("index", HOSTILE)
    html = site.render(one, [one], BASIS)
    assert html.count("<script") == 1
    assert "<img" not in html
    assert "{{ 7 * 7 }}" in html


def test_a_page_allows_its_own_style_and_script_by_hash_and_nothing_else() -> None:
    one = page("index")
    html = site.render(one, [one], BASIS)
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', html)
    assert policy is not None
    assert policy[1].startswith("default-src &#39;none&#39;")
    assert "unsafe" not in policy[1]
    assert policy[1].count("sha256-") == 2
    assert not re.search(r"\sstyle=|\son\w+=", html)


def test_a_failed_check_puts_a_banner_on_every_page() -> None:
    basis = replace(BASIS, banner="2 checks failed: books_agree")
    pages = [page("index"), page("mrr")]
    assert all("2 checks failed: books_agree" in site.render(one, pages, basis) for one in pages)
    assert all('role="alert"' not in site.render(one, pages, BASIS) for one in pages)


def test_the_foot_of_every_printed_sheet_says_policy_and_as_of_and_stays_text() -> None:
    """A name that would end the string, the rule or the style element is written by its code points."""
    basis = replace(BASIS, company='"}</style><b>', fresh="15 Nov 2026, 06:00 EST")
    html = site.render(page("index"), [page("index")], basis)
    sheet = html.split("@bottom-left", 1)[1].split("</style>", 1)[0]
    said = re.search(r'content: "([^"]*)"', sheet)
    assert said is not None
    text = re.sub(r"\\([0-9a-f]+) ", lambda found: chr(int(found[1], 16)), said[1])
    assert text == (
        '"}</style><b> · data as of 15 Nov 2026, 07:00 EST · read from Stripe 15 Nov 2026, 06:00 EST · '
        "policy default 9f2c41d07ab3"
    )


def test_a_very_long_name_is_cut_to_a_few_lines_with_all_of_it_at_hand() -> None:
    html = site.render(page("index", "W" * 201), [page("index")], BASIS)
    assert html.count(f'<span class="clamped" title="{"W" * 201}">{"W" * 201}</span>') == 2
    assert 'class="clamped"' not in site.render(page("index", "W" * 200), [page("index")], BASIS)


def test_a_build_leaves_pages_and_downloads_and_names_the_first_page_first(tmp_path: Path) -> None:
    files = site.write([page("mrr"), page("index")], BASIS, tmp_path / "site")
    assert files[0] == tmp_path / "site" / "index.html"
    assert sorted(file.relative_to(tmp_path / "site").as_posix() for file in files) == [
        "data/index-table.csv",
        "data/mrr-table.csv",
        "index.html",
        "mrr.html",
    ]
    assert [entry.name for entry in tmp_path.iterdir()] == ["site"]


def test_a_second_build_removes_what_the_first_made_and_leaves_strangers_alone(tmp_path: Path) -> None:
    site.write([page("index"), page("old")], BASIS, tmp_path / "site")
    (tmp_path / "site" / "mine.txt").write_text("kept")
    site.write([page("index")], BASIS, tmp_path / "site")
    assert not (tmp_path / "site" / "old.html").exists()
    assert not (tmp_path / "site" / "data" / "old-table.csv").exists()
    assert (tmp_path / "site" / "mine.txt").read_text() == "kept"


def test_a_build_that_fails_leaves_the_site_as_it_was(tmp_path: Path) -> None:
    site.write([page("index", "before")], BASIS, tmp_path / "site")
    broken = Page("mrr", "MRR", (), (Section("x", (Link("not", "a block"),)),))  # type: ignore[arg-type]
    with pytest.raises(Exception, match="paragraphs"):
        site.write([page("index", "after"), broken], BASIS, tmp_path / "site")
    assert "before" in (tmp_path / "site" / "index.html").read_text()
    assert json.loads((tmp_path / "site" / "files.json").read_text()) == ["data/index-table.csv", "index.html"]


def test_each_file_is_on_the_disk_before_it_takes_its_place_and_the_first_page_comes_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[int] = []
    names: list[str] = []
    sync, rename = os.fsync, os.replace

    def synced(descriptor: int) -> None:
        sync(descriptor)
        steps.append(os.fstat(descriptor).st_ino)

    def renamed(old: Path, new: Path) -> None:
        rename(old, new)
        assert steps[-1] == new.stat().st_ino
        names.append(new.name)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", renamed)
    out = tmp_path / "site"
    site.write([page("index"), page("mrr")], BASIS, out)
    assert names == ["files.json", "index-table.csv", "mrr-table.csv", "mrr.html", "index.html", "files.json"]
    assert set(steps[-2:]) == {out.stat().st_ino, (out / "data").stat().st_ino}


@pytest.mark.parametrize("moves", range(1, 6))
def test_a_build_that_is_killed_while_its_files_take_their_places_leaves_whole_files_and_the_next_clears_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moves: int
) -> None:
    """Files that only the killed build had are gone after the next one, and so is the folder they were made in."""
    site.write([page("index"), page("old")], BASIS, tmp_path / "site")
    rename, done = os.replace, 0

    def dying(old: Path, new: Path) -> None:
        nonlocal done
        done += 1
        if done > moves:
            raise KeyboardInterrupt
        rename(old, new)

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", dying)
        patched.setattr(shutil, "rmtree", lambda *_, **__: None)
        with pytest.raises(KeyboardInterrupt):
            site.write([page("index"), page("brief")], BASIS, tmp_path / "site")
    assert (tmp_path / "site" / "index.html").read_text().rstrip().endswith("</html>")
    site.write([page("index"), page("new")], BASIS, tmp_path / "site")
    there = {
        file.relative_to(tmp_path / "site").as_posix() for file in (tmp_path / "site").rglob("*") if file.is_file()
    }
    assert there == {"files.json", "index.html", "new.html", "data/index-table.csv", "data/new-table.csv"}
    assert not (tmp_path / "site" / site.UNFINISHED).exists()


def test_a_list_of_files_that_was_cut_stops_no_build(tmp_path: Path) -> None:
    site.write([page("index")], BASIS, tmp_path / "site")
    manifest = tmp_path / "site" / "files.json"
    manifest.write_text(manifest.read_text()[:9])
    site.write([page("index")], BASIS, tmp_path / "site")
    assert json.loads(manifest.read_text()) == ["data/index-table.csv", "index.html"]


def test_the_same_pages_give_the_same_bytes(tmp_path: Path) -> None:
    one, other = (site.write([page("index")], BASIS, tmp_path / name) for name in ("one", "other"))
    assert [file.read_bytes() for file in one] == [file.read_bytes() for file in other]


@pytest.mark.parametrize("scope", ["light", "print"])
def test_the_style_sheet_has_the_colours_of_the_theme(scope: str) -> None:
    css = (Path(site.HERE) / "static" / "site.css").read_text(encoding="utf-8")
    block = css.split("@media print" if scope == "print" else ":root {", 1)[1].split("}", 1)[0]
    assert dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6});", block)).items() >= ROLES.items()
