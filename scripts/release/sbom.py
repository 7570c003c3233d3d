"""The bill of materials: what a release is made of, in CycloneDX's JSON, from the locks and nothing else.

``python -m scripts.release.sbom FILE`` writes it. The same locks, pages and date give the same bytes.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import UUID, uuid5

from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL
from scripts.release import locks, repository
from scripts.release.contents import PAGES

VERSION: Final = SchemaVersion.V1_6
NAME: Final = "codenex-ai-proxy-api"
_NAMESPACE: Final = UUID("5f0f5a3c-0b7e-5c1d-9a57-6a1d3c2b8e41")


def bill(root: Path, version: str, epoch: int) -> str:
    """Return the document for the sources in ``root``, whose pages are built. ``epoch`` is its date, in seconds."""
    gateway = Component(
        name=NAME,
        version=version,
        type=ComponentType.APPLICATION,
        bom_ref=f"pkg:pypi/{NAME}@{version}",
        purl=PackageURL("pypi", None, NAME, version),
        licenses=[LicenseExpression("MIT")],
    )
    document = Bom(metadata=BomMetaData(component=gateway, timestamp=datetime.fromtimestamp(epoch, UTC)))
    python = [_python(package) for package in locks.python_packages(root)]
    packages = locks.node_packages(root, root / PAGES)
    node = {package.name: _node(package) for package in packages}
    for component in (*python, *node.values()):
        document.components.add(component)
    direct = json.loads((root / "web" / "package.json").read_text("utf-8"))["dependencies"]
    # The locks don't tell which Python package needs which; of all of them it is said that the gateway does.
    document.register_dependency(gateway, [*python, *(node[name] for name in direct if name in node)])
    for package in packages:
        document.register_dependency(node[package.name], [node[name] for name in package.needs])
    # The number follows from the content, so that the same content has the same number.
    content = "\n".join(sorted(component.bom_ref.value or "" for component in document.components))
    document.serial_number = uuid5(_NAMESPACE, f"{version} {epoch}\n{content}")
    return make_outputter(document, OutputFormat.JSON, VERSION).output_as_string(indent=2) + "\n"


def fault_of(text: str) -> str | None:
    """Return what in a document the standard's own schema doesn't allow; None where all is well."""
    found = JsonStrictValidator(VERSION).validate_str(text)
    return None if found is None else str(found)


def _python(package: locks.PythonPackage) -> Component:
    purl = PackageURL("pypi", None, package.name, package.version)
    told = {"codenex:extra": package.extra, "codenex:marker": package.marker}
    return Component(
        name=package.name,
        version=package.version,
        type=ComponentType.LIBRARY,
        bom_ref=purl.to_string(),
        purl=purl,
        scope=ComponentScope.OPTIONAL if package.extra or package.marker else ComponentScope.REQUIRED,
        properties=[Property(name=name, value=value) for name, value in told.items() if value],
        # Not the component's own hashes: which of these archives is installed depends on the machine.
        external_references=[
            ExternalReference(
                type=ExternalReferenceType.DISTRIBUTION,
                url=XsUri(purl.to_string()),
                comment="any one of these archives",
                hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest) for digest in package.hashes],
            )
        ],
    )


def _node(package: locks.NodePackage) -> Component:
    group, _, name = package.name.rpartition("/")
    purl = PackageURL("npm", group or None, name, package.version)
    return Component(
        group=group or None,
        name=name,
        version=package.version,
        type=ComponentType.LIBRARY,
        bom_ref=purl.to_string(),
        purl=purl,
        scope=ComponentScope.REQUIRED,
        licenses=[LicenseExpression(package.licence)],
        hashes=[HashType(alg=HashAlgorithm.SHA_512, content=package.sha512)],
        properties=[Property(name="codenex:part", value="web pages")],
    )


def version_of(root: Path) -> str:
    """Return the version that the sources say they are."""
    text = (root / "src" / "codenex" / "__init__.py").read_text("utf-8")
    return text.partition('__version__ = "')[2].partition('"')[0]


if __name__ == "__main__":
    here = Path(__file__).resolve().parents[2]
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(bill(here, version_of(here), repository.time_of(here)), "utf-8")
