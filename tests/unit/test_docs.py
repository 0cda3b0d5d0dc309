"""What README and docs/ name exists: files, make targets, commands, keys of the project file."""

import re
from pathlib import Path

import pytest
import typer

from dropforge.cli.main import app
from dropforge.project import FeaturesSpec, ProjectSpec, Promotion, Resources, Tune

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8"))
    local = [link for link in links if "://" not in link]
    assert [link for link in local if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_make_targets_exist(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = set(
        re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert named <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_exist(page: Path) -> None:
    commands = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    pattern = r"(?:`|^|bin/|: |\()dropforge ([a-z]+)"
    named = set(re.findall(pattern, page.read_text(encoding="utf-8"), re.MULTILINE))
    assert named <= commands


@pytest.mark.parametrize("model", [ProjectSpec, FeaturesSpec, Tune, Promotion, Resources])
def test_every_key_of_a_project_is_in_its_reference(model: type) -> None:
    page = (ROOT / "docs/projects.md").read_text(encoding="utf-8")
    internal = {"features", "contract", "files"}
    keys = set(model.model_fields) - internal  # type: ignore[attr-defined]
    assert [key for key in sorted(keys) if not re.search(rf"\b{key}\b", page)] == []
