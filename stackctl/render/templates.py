"""The Jinja2 environment for `templates/`.

Delimiters are `[[ ]]`, `[% %]` and `[# #]`, because the rendered files hold Prometheus' and Go's own `{{ }}`.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import jinja2

from stackctl.compiled_templates import compiled_templates
from stackctl.resources import data_dir


@cache
def _environment(*, html: bool = False) -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(data_dir("templates")),
        variable_start_string="[[",
        variable_end_string="]]",
        block_start_string="[%",
        block_end_string="%]",
        comment_start_string="[#",
        comment_end_string="#]",
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=html,  # noqa: S701 configuration is not HTML; pages are escaped
        bytecode_cache=compiled_templates(__file__, "-html" if html else ""),
    )


def fill(template: str, **values: Any) -> str:
    """The text of `templates/<template>` with `values`; an unknown variable is an error."""
    return _environment().get_template(template).render(values)


def fill_html(template: str, **values: Any) -> str:
    """The same for a page: every value is escaped."""
    return _environment(html=True).get_template(template).render(values)


def verbatim(template: str) -> str:
    """The text of a file in `templates/` that another program will interpret."""
    return (data_dir("templates") / template).read_text(encoding="utf-8")
