"""The archives of a release: the same bytes whoever builds them, and what the repository holds."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from scripts import web_build
from scripts.release import building, contents, repository
from scripts.release.__main__ import faults_of, release

ROOT = Path(__file__).parents[2]
EPOCH = 1_700_000_000


def work_tree() -> str:
    """A commit of the tracked files as they lie there, which is in no branch."""
    author = ("-c", "user.name=test", "-c", "user.email=test@example.invalid")
    command = ["git", *author, "stash", "create"]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return made.stdout.strip() or "HEAD"


def exported(folder: Path, commit: str) -> Path:
    """The sources in a folder, with the pages as they are built here."""
    repository.export(ROOT, folder, commit)
    shutil.copytree(ROOT / contents.PAGES, folder / contents.PAGES)
    return folder


def built(source: Path, output: Path, umask: int) -> list[Path]:
    before = os.umask(umask)
    try:
        return building.build(source, output, EPOCH)
    finally:
        os.umask(before)


def digests(archives: list[Path]) -> list[str]:
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in archives]


def both(folder: Path) -> tuple[Path, list[Path], list[Path]]:
    """Sources and the archives of two builds: in different places, with different modes and dates of the files."""
    commit = work_tree()
    one = exported(folder / "one", commit)
    other = exported(folder / "quite" / "another" / "place", commit)
    for path in other.rglob("*"):
        if path.is_file():
            path.chmod(path.stat().st_mode & 0o700)
            os.utime(path, (1, 1))
    return one, built(one, folder / "first", 0o022), built(other, folder / "second", 0o077)


@pytest.fixture
def pages() -> None:
    """The web pages, built of the sources that lie there."""
    web_build.build(ROOT)


@pytest.mark.usefixtures("pages")
def test_the_archives_hold_the_repository_and_every_build_gives_the_same(tmp_path: Path) -> None:
    source, first, second = both(tmp_path)
    assert [path.name.rpartition(".")[2] for path in first] == ["whl", "gz"]
    assert digests(first) == digests(second)
    tracked = repository.files_of(ROOT, work_tree())
    assert faults_of(first, tracked, source) == []
    check_that_it_installs_a_typed_package_with_its_pages(contents.wheel_files(first[0]))
    check_that_faults_are_found(first[0], tracked, source)


def check_that_it_installs_a_typed_package_with_its_pages(files: dict[str, bytes]) -> None:
    (metadata,) = (content.decode() for name, content in files.items() if name.endswith(".dist-info/METADATA"))
    assert {"codenex/py.typed", "codenex/control/static/index.html"} <= files.keys()
    assert any(re.fullmatch(r"codenex/control/static/assets/index-.+\.js\.br", name) for name in files)
    assert "Requires-Python: >=3.11" in metadata


def check_that_faults_are_found(wheel: Path, tracked: dict[str, bytes], source: Path) -> None:
    files = contents.wheel_files(wheel)
    pages = {
        path.relative_to(source).as_posix(): path.read_bytes()
        for path in (source / contents.PAGES).rglob("*")
        if path.is_file()
    }
    (metadata,) = {name.partition("/")[0] for name in files if ".dist-info/" in name}
    damages: dict[str, dict[str, bytes]] = {
        "start.pth would run": {"start.pth": b"import os"},
        "codenex/extra.py is in no commit": {"codenex/extra.py": b""},
        "codenex/asgi.py differs": {"codenex/asgi.py": b""},
        "index.html differs": {"codenex/control/static/index.html": b""},
        "its licence is another one": {f"{metadata}/licenses/LICENSE": b""},
        "other commands than codenex": {f"{metadata}/entry_points.txt": b"[console_scripts]\n"},
        "its metadata is": {f"{metadata}/extra": b""},
        "RECORD has another hash": {"codenex/asgi.py": b"x"},
    }
    for fault, change in damages.items():
        assert any(fault in found for found in contents.faults_of_wheel({**files, **change}, tracked, pages)), fault
    del files["codenex/py.typed"]
    assert "codenex/py.typed is missing" in contents.faults_of_wheel(files, tracked, pages)


@pytest.mark.deep
@pytest.mark.timeout(600)
def test_two_releases_are_the_same_pages_bill_and_checksums_included(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What building the pages takes is here already; npm has nobody to ask.
    export = repository.export
    monkeypatch.setattr(repository, "export", lambda root, folder: with_packages(export, root, folder))
    commit, found = work_tree(), []
    for place, umask in (("one", 0o022), ("quite/another", 0o077)):
        folder = tmp_path / place
        root = clone(folder / "repository", commit)
        before = os.umask(umask)
        try:
            made = release(root, folder / "dist", folder / "work")
        finally:
            os.umask(before)
        assert {path.name for path in (folder / "dist").iterdir()} == {path.name for path in made}
        subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=folder / "dist", check=True)
        found.append({path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in made})
    assert found[0] == found[1]
    check_that_the_source_archive_gives_the_same_wheel_without_node(made, tmp_path, repository.time_of(root))


def check_that_the_source_archive_gives_the_same_wheel_without_node(made: list[Path], folder: Path, epoch: int) -> None:
    (wheel,) = (path for path in made if path.suffix == ".whl")
    (archive,) = (path for path in made if path.name.endswith(".tar.gz"))
    with tarfile.open(archive) as sources:
        sources.extractall(folder / "unpacked", filter="data")
    (source,) = (folder / "unpacked").iterdir()
    environment = {"PATH": str(folder), "HOME": str(folder), "SOURCE_DATE_EPOCH": str(epoch)}
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder / "again")]
    subprocess.run(command, cwd=source, env=environment, check=True)
    assert (folder / "again" / wheel.name).read_bytes() == wheel.read_bytes()


def clone(folder: Path, commit: str) -> Path:
    """A repository of its own, with a commit checked out."""
    for command in (
        ["clone", "--quiet", "--shared", "--no-checkout", str(ROOT), str(folder)],
        ["-C", str(folder), "checkout", "--quiet", commit],
    ):
        subprocess.run(["git", *command], check=True)
    return folder


def with_packages(export: Callable[[Path, Path], None], root: Path, folder: Path) -> None:
    export(root, folder)
    subprocess.run(["cp", "-al", str(ROOT / "web" / "node_modules"), str(folder / "web" / "node_modules")], check=True)


def test_a_release_is_made_of_commits_only(tmp_path: Path) -> None:
    root = tmp_path / "repository"
    root.mkdir()
    for command in (["init", "--quiet"], ["add", "--all"]):
        (root / "file").write_text("changed")
        subprocess.run(["git", *command], cwd=root, check=True)
    with pytest.raises(SystemExit, match="made of a commit"):
        release(root, tmp_path / "dist", tmp_path / "work")
    assert not (tmp_path / "dist").exists()
