"""spec → prometheus/tests/*.yml: promtool tests of every alert, with the thresholds the spec has."""

from stackctl.render.rule_tests.generate import rule_test_files

__all__ = ["rule_test_files"]
