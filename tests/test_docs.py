"""Pages that would age in silence: links, weights that tables name, and what CONTRIBUTING promises."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from lab.index import EXTRA_FOLDER, make_index
from unshrink.models import registry, zoo

ROOT = Path(__file__).parents[1]
PARTS = ROOT / "docs" / "results"
"""Prose that other pages are put together from."""
PAGES = sorted(
    {*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "lab" / "speed" / "README.md", ROOT / "zoo" / "README.md"}
    - {*PARTS.glob("*.md")}
)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def _name(page):
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_link_leads_somewhere(page):
    text = re.sub(r"^(```.*?^```|    .*?$)", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    links = re.findall(r"\]\(([^)\s]+)\)", text)
    assert [link for link in links if not _leads_somewhere(page, link)] == []


def _leads_somewhere(page, link):
    if "://" in link:
        return True
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    return target.exists() and (not anchor or anchor in _anchors(target))


def _anchors(page):
    heads = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def test_no_page_names_weights_that_nobody_holds():
    held = {entry["sha256"] for folder in (zoo.OWN, EXTRA_FOLDER) for entry in _entries(folder)}
    named = [
        (_name(page), digest)
        for page in PAGES
        for digest in re.findall(r"weights `?([0-9a-f]{12,64})\b", page.read_text(encoding="utf-8"))
    ]
    assert named
    assert [(page, digest) for page, digest in named if not any(full.startswith(digest) for full in held)] == []


def _entries(folder):
    return [entry for entries in make_index(folder)["models"].values() for entry in entries]


def test_the_glossary_knows_the_words_of_the_first_ten_minutes():
    page = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    heads = " ".join(re.findall(r"^\| ([^|]+) \|", page, re.MULTILINE))
    words = [
        "HR",
        "LR",
        "payload",
        "carrier",
        "latent",
        "plane",
        "symbol",
        "dial",
        "effort",
        "guide",
        "weights",
        "scale",
    ]
    assert [word for word in [*words, "exact block"] if word not in heads] == []


def test_workflows_cover_the_stated_versions_of_python():
    """From the lowest that the metadata state; every job runs steps."""
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "check.yml").read_text(encoding="utf-8"))["jobs"]
    lowest = PROJECT["project"]["requires-python"].removeprefix(">=")
    assert jobs["test"]["strategy"]["matrix"]["python"][0] == lowest
    assert set(jobs) == {"lint", "test", "lowest", "smoke", "wheels"}
    assert all(any("run" in step for step in job["steps"]) for job in jobs.values())


def test_both_distributions_ask_for_the_same_python():
    extra = tomllib.loads((ROOT / "zoo" / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert extra["requires-python"] == PROJECT["project"]["requires-python"]
    (wanted,) = PROJECT["project"]["optional-dependencies"]["zoo"]
    assert wanted == f"{extra['name']}>={extra['version']}"


def test_forms_for_issues_are_sound():
    forms = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
    assert len(forms) >= 3
    for path in forms:
        form = yaml.safe_load(path.read_text(encoding="utf-8"))
        if path.stem != "config":
            assert {"name", "description", "body"} <= set(form)
            assert all({"type", "attributes"} <= set(field) for field in form["body"])


def test_the_targets_that_contributors_are_told_of_exist():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    told = set(re.findall(r"\bmake ([a-z]+)\b", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")))
    assert {"test", "check", "coverage"} <= told <= targets


def test_the_files_that_contributors_are_told_of_exist():
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    paths = re.findall(r"`((?:src|tests|docs|lab|zoo)/[\w./-]+)`", page)
    assert len(paths) > 10
    assert [path for path in paths if "NAME" not in path and not (ROOT / path).exists()] == []


def test_the_changelog_begins_with_what_is_not_released_yet():
    heads = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert heads[0] == "Not yet released"


def test_every_default_model_is_in_the_readme():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    defaults = [name for name in registry.names() if registry.get(name).default]
    assert [name for name in defaults if f"`{name}`" not in text] == []
