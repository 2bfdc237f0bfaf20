"""Put the 3D viewer into the package while medseen is built; without npm or a network the build goes on without it."""

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Runs for the wheel and for editable installs."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Fetch the viewer, or say in one line that pages will lack it."""
        del version, build_data
        sys.path.insert(0, str(Path(self.root)))
        try:
            from bench.page import niivue
        finally:
            sys.path.pop(0)
        try:
            niivue.vendor()
        except (niivue.NotFetchedError, OSError) as error:
            self.app.display_warning(f"leaderboards will lack the 3D viewer ({error}); later: {niivue.HOW_TO_GET}")
