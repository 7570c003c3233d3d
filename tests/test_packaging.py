"""The distribution and its locks: what is installed is what was reviewed, from wherever it comes."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
EXTRAS = PROJECT["project"]["optional-dependencies"]
LOCKS = sorted((REPOSITORY / "requirements").glob("*.txt"))
NODE_LOCK = REPOSITORY / "tests" / "node" / "package-lock.json"
WEB_LOCK = REPOSITORY / "web" / "package-lock.json"

PIN = re.compile(r"^(?P<name>[a-z0-9][a-z0-9-]*)==(?P<version>\S+)(?: ; [^\\]+)? \\$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}(?: \\)?$")
FOREIGN = re.compile(r"://|index-url|find-links|trusted-host|file:|(?:^|\s|=)/")


def pins(lock: Path) -> dict[str, str]:
    """Package → exact version of a lock."""
    found = (PIN.match(line) for line in lock.read_text().splitlines())
    return {match["name"]: match["version"] for match in found if match is not None}


def normal_name(requirement: str) -> str:
    """The name of a requirement, as locks write it: `SQLAlchemy[asyncio]>=2; …` is `sqlalchemy`."""
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert match is not None, requirement
    return re.sub(r"[-_.]+", "-", match[0]).lower()


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_is_exact_versions_with_hashes_and_nothing_else(lock: Path) -> None:
    lines = lock.read_text().splitlines()

    assert lines
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        assert PIN.match(line) or HASH.match(line), line
        assert not FOREIGN.search(line), line
        if line.endswith("\\"):
            assert HASH.match(following), f"{line} has no hash"


@pytest.mark.parametrize(
    ("lock", "requirements"),
    [
        ("runtime.txt", PROJECT["project"]["dependencies"]),
        ("postgresql.txt", [*PROJECT["project"]["dependencies"], *EXTRAS["postgresql"]]),
        ("encryption.txt", [*PROJECT["project"]["dependencies"], *EXTRAS["encryption"]]),
        ("otel.txt", [*PROJECT["project"]["dependencies"], *EXTRAS["otel"]]),
        ("build.txt", PROJECT["dependency-groups"]["build"] + PROJECT["build-system"]["requires"]),
        ("docs.txt", PROJECT["dependency-groups"]["docs"]),
        ("test.txt", [*PROJECT["dependency-groups"]["test"], *EXTRAS["postgresql"]]),
    ],
)
def test_a_lock_holds_what_the_project_names(lock: str, requirements: list[str]) -> None:
    missing = {normal_name(requirement) for requirement in requirements} - pins(
        REPOSITORY / "requirements" / lock
    ).keys()

    assert missing == set(), "run: make lock"


@pytest.mark.parametrize("lock", ["runtime.txt", "postgresql.txt", "encryption.txt", "build.txt"])
def test_tests_run_with_the_versions_that_are_shipped(lock: str) -> None:
    shipped = pins(REPOSITORY / "requirements" / lock)

    assert shipped.items() <= pins(REPOSITORY / "requirements" / "test.txt").items()


@pytest.mark.parametrize("lock", [NODE_LOCK, WEB_LOCK], ids=["tests", "web"])
def test_a_node_lock_names_no_registry_and_has_hashes(lock: Path) -> None:
    packages = json.loads(lock.read_text())["packages"]

    for name, package in packages.items():
        assert "resolved" not in package, name
        assert name == "" or package["integrity"].startswith("sha512-"), name


def test_the_web_pages_are_made_of_exact_versions() -> None:
    project = json.loads((WEB_LOCK.parent / "package.json").read_text())

    for version in (project["dependencies"] | project["devDependencies"]).values():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version), version


def test_the_node_sdks_are_exact_versions() -> None:
    versions = json.loads((NODE_LOCK.parent / "package.json").read_text())["dependencies"]

    assert {"openai", "@anthropic-ai/sdk", "@google/genai"} <= versions.keys()
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in versions.values())
