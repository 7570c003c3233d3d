"""A hundred JSON schemas as real tools and answers use them, by theme; written for these tests."""

from __future__ import annotations

from tests.models.schema_corpus.case import Case
from tests.models.schema_corpus.composition import COMPOSITION
from tests.models.schema_corpus.lists import LISTS
from tests.models.schema_corpus.maps import MAPS
from tests.models.schema_corpus.names import NAMES
from tests.models.schema_corpus.outputs import OUTPUTS
from tests.models.schema_corpus.references import REFERENCES
from tests.models.schema_corpus.scalars import SCALARS
from tests.models.schema_corpus.tools import TOOLS
from tests.models.schema_corpus.unions import UNIONS
from tests.models.schema_corpus.values import VALUES

__all__ = ["CORPUS", "Case"]

CORPUS: tuple[Case, ...] = (
    *REFERENCES,
    *UNIONS,
    *NAMES,
    *VALUES,
    *MAPS,
    *LISTS,
    *COMPOSITION,
    *SCALARS,
    *TOOLS,
    *OUTPUTS,
)
