"""Compiled templates, kept where Python keeps its own compiled modules.

Compiling the dozen templates of a bundle anew takes a tenth of the whole rendering. Like a `.pyc`, a compiled
template is made at its first use, belongs to one version of its source, and is done without where the installation
cannot be written to.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from importlib.util import cache_from_source
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2

if TYPE_CHECKING:
    from jinja2.bccache import Bucket


class _BesideTheModule(jinja2.FileSystemBytecodeCache):
    def dump_bytecode(self, bucket: Bucket) -> None:
        if not sys.dont_write_bytecode:
            with suppress(OSError):
                super().dump_bytecode(bucket)


def compiled_templates(module: str, variant: str = "") -> jinja2.BytecodeCache | None:
    """The store of an environment that `module` (a module's `__file__`) sets up; None where Python keeps none.

    A compiled template holds decisions of its environment: `variant` tells two of a module apart, and the time of the
    module's last change those from before it.
    """
    compiled = Path(cache_from_source(module))
    settings = f"{compiled.stem}{variant}-{Path(module).stat().st_mtime_ns:x}"
    if not compiled.parent.is_dir():
        return None
    return _BesideTheModule(str(compiled.parent), f"{settings}-%s.jinja")
