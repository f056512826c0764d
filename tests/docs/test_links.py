"""Links lead somewhere: to a file, to a heading, to a page of the menu."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from tests.docs.pages import DOCS, PAGES, ROOT, anchors, prose

_LINK = re.compile(r"(?:\]\(|(?:src|srcset|href)=\")([^)\s\"]+)")


def broken(page: Path) -> list[str]:
    found = []
    for link in _LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, place = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (place and place not in anchors(target)):
            found.append(link)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    assert broken(page) == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# A head\n\n[good](#a-head) [bad](#other) [gone](gone.md) [far](https://x.y)\n"
    )
    assert broken(page) == ["#other", "gone.md"]


def test_each_page_is_in_the_menu() -> None:
    menu = yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))["nav"]
    named = set(re.findall(r"[\w/.-]+\.md", str(menu)))
    pages = {str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md")}
    assert pages == named


def test_each_decision_is_in_the_list() -> None:
    listed = (DOCS / "decisions" / "README.md").read_text("utf-8")
    pages = list((DOCS / "decisions").glob("2*.md"))
    assert len(pages) >= 5
    for page in pages:
        title = page.read_text("utf-8").splitlines()[0].removeprefix("# ")
        assert f"[{title}]({page.name})" in listed
