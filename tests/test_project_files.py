"""Makefile, workflows and hooks: what they name is there, and they agree with one another."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
FORMS = sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml"))
WITH_COMMANDS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "data/README.md", ".ci/run")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *WORKFLOWS,
]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z][a-z0-9-]*):(?! *export)", MAKEFILE, re.MULTILINE))


def read(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_make_help_lists_every_target_once():
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    told = re.findall(r"^make (\S+) +\S", done.stdout, re.MULTILINE)
    assert sorted(told) == sorted(TARGETS)
    phony = re.search(r"\.PHONY: ((?:.*\\\n)*.*)", MAKEFILE)[1]
    assert set(phony.replace("\\", "").split()) == TARGETS


def test_help_is_the_first_target():
    assert re.search(r"^([a-z-]+):(?! *export)", MAKEFILE, re.MULTILINE)[1] == "help"


@pytest.mark.parametrize("path", WITH_COMMANDS, ids=lambda path: path.name)
def test_every_make_target_that_a_text_names_exists(path):
    named = set()
    for line in path.read_text(encoding="utf-8").splitlines():
        code = re.findall(r"`(make [^`]*)`|^\s*(?:- run: )?(make [a-z].*)", line)
        for command in ("".join(pair) for pair in code):
            words = command.split("#")[0].split()[1:]
            named |= {word for word in words if "=" not in word}
    assert named <= TARGETS, f"{path.name}: the Makefile has no {', '.join(named - TARGETS)}"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_only_read_unless_a_job_says_more(path):
    workflow = read(path)
    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        assert job["timeout-minutes"] <= 60, name
        more = job.get("permissions", {})
        assert more == ({"id-token": "write"} if name == "publish" else {}), name
        for step in job["steps"]:
            assert re.fullmatch(r"[\w.-]+/[\w.-]+@(release/)?v\d+", step.get("uses", "a/b@v1"))


def test_only_a_tag_publishes():
    workflow = read(ROOT / ".github/workflows/release.yml")
    assert workflow[True] == {"push": {"tags": ["v*"]}}  # YAML reads `on` as true
    publish = workflow["jobs"]["publish"]
    assert publish["environment"] == "pypi"
    assert publish["needs"] == "build"


def test_continuous_integration_runs_every_python_of_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    matrix = read(ROOT / ".github/workflows/ci.yml")["jobs"]["tests"]["strategy"]["matrix"]
    versions = [c.split(" :: ")[-1] for c in project["classifiers"] if "Python :: 3." in c]
    assert versions == matrix["python"]
    assert project["requires-python"] == f">={versions[0]}"
    assert {row["torch"] for row in matrix["include"]} == {"oldest"}


def test_the_oldest_constraints_are_the_lower_bounds_of_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    bounds = dict(re.findall(r"^([\w-]+)>=([\d.]+)", "\n".join(project["dependencies"]), re.M))
    lines = (ROOT / "constraints-oldest.txt").read_text(encoding="utf-8").splitlines()
    oldest = dict(line.split("==") for line in lines if "==" in line)
    assert {"torch", "torchvision", "pytorch-lightning"} <= set(oldest)
    for name, version in oldest.items():
        assert version.startswith(bounds[name]), name


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.name)
def test_an_issue_form_asks_something_and_names_each_field_once(path):
    form = read(path)
    if path.name == "config.yml":
        assert form == {"blank_issues_enabled": True}
        return
    names = [field["id"] for field in form["body"]]
    assert names
    assert len(set(names)) == len(names)
    assert any(field.get("validations", {}).get("required") for field in form["body"])


def test_the_local_hooks_are_tools_that_make_check_runs():
    hooks = [
        hook for repo in read(ROOT / ".pre-commit-config.yaml")["repos"] for hook in repo["hooks"]
    ]
    entries = {hook["id"]: hook.get("entry", "") for hook in hooks}
    for name, tool in {
        "ruff": ".venv/bin/ruff check",
        "ruff-format": ".venv/bin/ruff format",
        "mypy": ".venv/bin/mypy",
        "workflows": ".venv/bin/check-jsonschema",
    }.items():
        assert entries[name].startswith(tool)
        assert tool.replace(".venv/bin", "$(BIN)") in MAKEFILE
    assert "actionlint" in entries


def test_the_image_is_built_from_files_that_the_build_may_see():
    seen = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    kept = {line[1:].rstrip("/") for line in seen if line.startswith("!")}
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    copied = re.findall(r"^COPY (?!--from)(\S+)", text, re.MULTILINE)
    assert set(copied) - {"."} <= kept
    assert {"snl_video", "configs", "pyproject.toml", "README.md"} <= kept
    assert all((ROOT / name).exists() for name in kept)


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_has_a_hash_of_everything_and_keeps_the_ranges(name):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ")
    locked: dict[str, list[Requirement]] = {}
    for line in text.splitlines():
        wanted, *hashes = line.split("--hash=")
        assert hashes
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}\s*", one) for one in hashes)
        requirement = Requirement(wanted)
        locked.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    wanted = project["dependencies"]
    if "dev" in name:
        wanted = [*wanted, *project["optional-dependencies"]["dev"]]
    for requirement in map(Requirement, wanted):
        if canonicalize_name(requirement.name) == "snl-video":
            continue
        for found in locked[canonicalize_name(requirement.name)]:
            (version,) = found.specifier
            assert requirement.specifier.contains(version.version), found
    assert "://" not in text
