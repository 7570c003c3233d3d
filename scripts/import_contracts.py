"""Two kinds of import contract that import-linter lacks; `[tool.importlinter]` in pyproject.toml uses them.

The built-in `forbidden` contract needs a list of who may not import a module. These need a list of who, or what, may:
a package added tomorrow is bound by them without anybody remembering to add it.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, ClassVar

from importlinter import Contract, ContractCheck, fields, output

if TYPE_CHECKING:
    from grimp import ImportGraph

ROOT = "codenex"


def is_within(module: str, package: str) -> bool:
    """Whether `module` is `package` or stands inside it."""
    return module == package or module.startswith(f"{package}.")


def violations(graph: ImportGraph, importer: str, imported: str) -> list[str]:
    """One line of text for every place where `importer` imports `imported`."""
    details = graph.get_import_details(importer=importer, imported=imported)
    return [f"{importer}:{detail['line_number']} imports {imported}" for detail in details]


class _DirectImportsContract(Contract):
    """Base: collects violations as text and prints them."""

    def find(self, graph: ImportGraph) -> list[str]:
        raise NotImplementedError

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        found = self.find(graph)
        return ContractCheck(kept=not found, metadata={"violations": found})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for violation in check.metadata["violations"]:
            output.print_error(f"- {violation}", bold=False)
        output.new_line()


class ConfinedContract(_DirectImportsContract):
    """External packages that only the named importers, or nobody, may import.

    Options:
        packages: names of top-level external packages; they need not be installed.
        allowed_importers: our packages that may import them. Default: none.
    """

    type_name: ClassVar[str] = "confined"

    packages = fields.ListField(subfield=fields.StringField())
    allowed_importers = fields.ListField(subfield=fields.StringField(), required=False, default=[])

    def find(self, graph: ImportGraph) -> list[str]:
        found: list[str] = []
        for package in self.packages:
            if package not in graph.modules:
                continue
            for importer in sorted(graph.find_modules_that_directly_import(package)):
                if not any(is_within(importer, allowed) for allowed in self.allowed_importers):
                    found += violations(graph, importer, package)
        return found


class ExternalsContract(_DirectImportsContract):
    """Packages of ours that may import the standard library and a short list of external packages, nothing else.

    Options:
        source_modules: the packages bound by the contract.
        allowed: names of top-level external packages they may import. Default: none.
        standalone: whether they may not import other packages of ours either. Default: false.
    """

    type_name: ClassVar[str] = "externals"

    source_modules = fields.ListField(subfield=fields.StringField())
    allowed = fields.ListField(subfield=fields.StringField(), required=False, default=[])
    standalone = fields.BooleanField(required=False, default=False)

    def find(self, graph: ImportGraph) -> list[str]:
        found: list[str] = []
        for source in self.source_modules:
            for importer in sorted({source} | graph.find_descendants(source)):
                for imported in sorted(graph.find_modules_directly_imported_by(importer)):
                    if not self._is_permitted(imported, source):
                        found += violations(graph, importer, imported)
        return found

    def _is_permitted(self, imported: str, source: str) -> bool:
        if is_within(imported, ROOT):
            return not self.standalone or is_within(imported, source)
        return imported in self.allowed or imported in sys.stdlib_module_names
