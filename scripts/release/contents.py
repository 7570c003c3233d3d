"""Whether an archive holds what the repository holds: every file of it, the same bytes, and nothing else."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import re
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_PACKAGE: Final = "src/"
PAGES: Final = "src/codenex/control/static/"
#: What a wheel has besides the package, in its folder of metadata.
_METADATA: Final = frozenset({"METADATA", "WHEEL", "entry_points.txt", "RECORD", "licenses/LICENSE"})
_ENTRY_POINTS: Final = "[console_scripts]\ncodenex = codenex.__main__:main\n"


def wheel_files(path: Path) -> dict[str, bytes]:
    """Return name → content of a wheel's files."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}


def source_files(path: Path) -> dict[str, bytes]:
    """Return name → content of a source archive's files, without the folder that all of them are in."""
    with tarfile.open(path) as archive:
        members = [member for member in archive if not member.isdir()]
        contents = {member.name.partition("/")[2]: archive.extractfile(member) for member in members}
        return {name: b"" if content is None else content.read() for name, content in contents.items()}


def faults_of_wheel(files: Mapping[str, bytes], tracked: Mapping[str, bytes], pages: Mapping[str, bytes]) -> list[str]:
    """Return what is wrong with a wheel, in words. ``tracked`` and ``pages`` are by their path in the repository."""
    expected = {
        name.removeprefix(_PACKAGE): content
        for name, content in {**tracked, **pages}.items()
        if name.startswith(_PACKAGE)
    }
    own = {name for name in files if re.match(r"[^/]+\.dist-info/", name)}
    faults = _differences({name: content for name, content in files.items() if name not in own}, expected)
    metadata = {name.partition("/")[2]: files[name] for name in own}
    if metadata.keys() != _METADATA or len({name.partition("/")[0] for name in own}) != 1:
        faults.append(f"its metadata is {sorted(own)}")
        return faults
    if metadata["licenses/LICENSE"] != tracked["LICENSE"]:
        faults.append("its licence is another one")
    if metadata["entry_points.txt"].decode() != _ENTRY_POINTS:
        faults.append("it installs other commands than codenex")
    # Python runs lines of such a file at every start of whatever program.
    faults += [f"{name} would run at every start of Python" for name in files if name.endswith(".pth")]
    return faults + _faults_of_record(files, metadata["RECORD"])


def faults_of_source(files: Mapping[str, bytes], tracked: Mapping[str, bytes], pages: Mapping[str, bytes]) -> list[str]:
    """Return what is wrong with a source archive: as :func:`faults_of_wheel`."""
    return _differences({name: files[name] for name in files if name != "PKG-INFO"}, {**tracked, **pages})


def _differences(found: Mapping[str, bytes], expected: Mapping[str, bytes]) -> list[str]:
    return [
        *(f"{name} is in no commit" for name in sorted(found.keys() - expected.keys())),
        *(f"{name} is missing" for name in sorted(expected.keys() - found.keys())),
        *(f"{name} differs" for name in sorted(found.keys() & expected.keys()) if found[name] != expected[name]),
    ]


def _faults_of_record(files: Mapping[str, bytes], record: bytes) -> list[str]:
    """A wheel lists its own files with their hashes, which installers compare."""
    rows = {name: digest for name, digest, _ in csv.reader(io.StringIO(record.decode()))}
    if rows.keys() != files.keys():
        return [f"RECORD and archive disagree about {sorted(rows.keys() ^ files.keys())}"]
    return [
        f"RECORD has another hash of {name}"
        for name, digest in rows.items()
        if digest != _digest(files[name]) and not name.endswith("/RECORD")
    ]


def _digest(content: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
