"""How each alert is provoked: traffic through the front door where that is possible, an injected alert where not."""

from stackctl.proof.drivers.base import Stimulus, Traffic
from stackctl.proof.drivers.registry import DriverEntry, entry_for, registry
from stackctl.proof.drivers.stimuli import key_settings, make_stimulus

__all__ = ["DriverEntry", "Stimulus", "Traffic", "entry_for", "key_settings", "make_stimulus", "registry"]
