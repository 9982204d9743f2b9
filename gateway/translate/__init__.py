"""Between the APIs, by way of OpenAI's chat completions. Pure functions on parsed JSON; nothing is sent from here.

`inbound` turns what a client sent into a chat request and the chat answer into what the client expects.
`outbound` turns a chat request into what an upstream takes and its answer into a chat answer.
What has no equivalent is refused by name (`UnsupportedError`) if leaving it out would change what the client gets, and left
out if it is only a hint; docs/decisions/071 lists both.
"""

from gateway.translate.faults import UnsupportedError, WrongRequestError

__all__ = ["UnsupportedError", "WrongRequestError"]
