"""The gateway's spokes under the names that the scripted vendors use."""

from __future__ import annotations

from tests.support.vendors.dialects import ProtocolName

from codenex.core.spoke import Spoke
from codenex.gateway.spokes import SPOKES


def spoke_of(protocol: ProtocolName | str) -> Spoke:
    """The spoke of a protocol; the gateway writes its name with a hyphen."""
    return SPOKES[protocol.replace("_", "-")]
