"""A wheel whose hot path is compiled: `HATCH_BUILD_HOOKS_ENABLE=1 python -m build --wheel` (docs/decisions/172).

Without that variable, and in an editable installation, nothing is compiled and the wheel is pure Python. The checkout is
left as it is: a compiled module beside its source would be imported instead of it, however old it is.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CompiledModules(BuildHookInterface):
    """Compiles the modules named in pyproject.toml with mypyc."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """What the modules import, too: its types are compiled in."""
        project = self.metadata.core
        dev = project.optional_dependencies["dev"]
        types = [name for name in dev if name.startswith(("mypy", "setuptools", "types-")) or "-stubs" in name]
        return [*types, *project.dependencies]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Put what was compiled beside the modules in the wheel, which keeps both."""
        if version == "editable":
            return
        self._scratch = tempfile.TemporaryDirectory()
        scratch = Path(self._scratch.name)
        for built in _compiled(Path(self.root), self.config["modules"], scratch):
            build_data["force_include"][str(built)] = str(built.relative_to(scratch / "lib"))
        build_data["pure_python"], build_data["infer_tag"] = False, True

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        """The wheel is written."""
        if version != "editable":
            self._scratch.cleanup()


def _compiled(root: Path, modules: list[str], scratch: Path) -> list[Path]:
    """The shared objects below `scratch`/lib. Raises SystemExit, with what mypyc found, for code that it refuses."""
    from mypyc.build import mypycify
    from setuptools import Distribution

    with contextlib.chdir(root):
        paths = [str(path) for module in modules for path in sorted(Path().glob(module))]
        extensions = mypycify(
            paths,
            opt_level=os.environ.get("MYPYC_OPT_LEVEL", "3"),
            debug_level="0",
            target_dir=str(scratch / "c"),
            group_name="gateway",
        )
        command: Any = Distribution({"name": "stackctl", "ext_modules": extensions}).get_command_obj("build_ext")
        command.build_lib, command.build_temp = str(scratch / "lib"), str(scratch / "o")
        command.ensure_finalized()
        command.run()
    return sorted((scratch / "lib").rglob("*.so"))
