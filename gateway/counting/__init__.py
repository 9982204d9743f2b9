"""Tokens that no provider told: which texts they are in (`texts`), counted by a process of its own (`counter`), asked
by the workers (`link`), estimated where it is away (`estimate`). See docs/decisions/145."""

from gateway.counting.link import TokenCounter
from gateway.counting.texts import Texts, of_answer, of_prompt, of_stream

__all__ = ["Texts", "TokenCounter", "of_answer", "of_prompt", "of_stream"]
