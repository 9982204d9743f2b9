"""stack.yaml: its types, its loading and its positions."""

from stackctl.spec.load import SpecFile, load_spec, parse_spec
from stackctl.spec.model import Spec
from stackctl.spec.quantity import Duration
from stackctl.spec.secret import Secret

__all__ = ["Duration", "Secret", "Spec", "SpecFile", "load_spec", "parse_spec"]
