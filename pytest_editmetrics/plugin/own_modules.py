"""What is imported of this package later is read by Python alone, and not by pytest.

pytest reads a plugin's modules itself, to rewrite their assertions, by ``Path.read_bytes``, and
keeps what it made of them: under a test's mock of that a module would be the mock's text, also in
all later sessions.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

_PACKAGE = __name__.partition(".")[0]
_REWRITTEN = f"{_PACKAGE}.testing"


class OwnModules(MetaPathFinder):
    """Finds the modules of this package, but those whose assertions are for users."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return where Python reads a module of ours from, ``None`` for any other."""
        if not fullname.startswith(f"{_PACKAGE}.") or fullname.startswith(_REWRITTEN):
            return None
        return PathFinder.find_spec(fullname, path, target)

    def begin(self) -> None:
        """Find them from now on."""
        sys.meta_path.insert(0, self)

    def end(self) -> None:
        """Leave that to pytest again."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)
