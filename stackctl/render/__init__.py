"""spec + catalogue → bundle."""

from stackctl.render.bundle import Bundle, render_bundle
from stackctl.render.disk import Change, Drift, drift, unified_diff, write

__all__ = ["Bundle", "Change", "Drift", "drift", "render_bundle", "unified_diff", "write"]
