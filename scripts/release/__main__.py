"""``python -m scripts.release [FOLDER]``: makes a release of the last commit in ``dist``, or says what is wrong.

The sources are taken from git into a folder of their own, so that nothing of the work tree gets in; packages come from
the registries, by the locks.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path
from typing import Final

from scripts import web_build
from scripts.release import building, contents, repository, sbom

ROOT: Final = Path(__file__).resolve().parents[2]
SUMS: Final = "SHA256SUMS"


def release(root: Path, output: Path, work: Path) -> list[Path]:
    """Build, check and describe the last commit of ``root``. ``work`` is a folder that is made, and left behind.

    Returns the files in ``output``, which holds nothing else afterwards. Raises ``SystemExit`` with what is wrong.
    """
    if changed := repository.changes(root):
        sys.exit("A release is made of a commit, and these files differ from it:\n" + "\n".join(changed))
    epoch = repository.time_of(root)
    repository.export(root, work)
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    archives = building.build(work, output, epoch)
    version = sbom.version_of(work)
    document = output / f"codenex_ai_proxy_api-{version}.cdx.json"
    document.write_text(sbom.bill(work, version, epoch), "utf-8")
    if fault := sbom.fault_of(document.read_text("utf-8")):
        sys.exit(f"The bill of materials isn't valid: {fault}")
    if faults := faults_of(archives, repository.files_of(root), work):
        sys.exit("The archives aren't what the repository is:\n" + "\n".join(faults))
    files = [*archives, document]
    sums = output / SUMS
    sums.write_text("".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files))
    return [*files, sums]


def faults_of(archives: list[Path], tracked: dict[str, bytes], source: Path) -> list[str]:
    """Return what is wrong with the archives that were built of the sources in ``source``."""
    built = source / contents.PAGES
    pages = {
        path.relative_to(source).as_posix(): path.read_bytes() for path in sorted(built.rglob("*")) if path.is_file()
    }
    faults = [] if web_build.is_built(source) else ["the pages weren't built of these sources"]
    for path in archives:
        if path.suffix == ".whl":
            found = contents.faults_of_wheel(contents.wheel_files(path), tracked, pages)
        else:
            found = contents.faults_of_source(contents.source_files(path), tracked, pages)
        faults += [f"{path.name}: {fault}" for fault in found]
    return faults


if __name__ == "__main__":
    folder = ROOT / "build" / "release"
    shutil.rmtree(folder, ignore_errors=True)
    for made in release(ROOT, Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "dist"), folder):
        sys.stdout.write(f"{made}\n")
