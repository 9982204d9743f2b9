"""Every error the gateway raises on purpose.

GatewayError
├── ConfigError        the config file cannot be used; the message names file and field
├── StartError         a process cannot start or stay up (port taken, directory unusable)
├── AccountantGoneError     the accountant does not answer; the request cannot be admitted
├── SpoolFullError          a ledger row could not be appended to its spool
├── ApiError           an answer to a client: HTTP status, error type, message
└── UpstreamError      one attempt at one deployment failed
"""

from __future__ import annotations

from collections.abc import Sequence


class GatewayError(Exception):
    """Base of all errors in this module."""


class ConfigError(GatewayError):
    """The config file cannot be used. Holds one line per problem."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class StartError(GatewayError):
    """A process of the gateway cannot start or stay up."""


class AccountantGoneError(GatewayError):
    """The accountant did not answer in time."""


class SpoolFullError(GatewayError):
    """A ledger row could not be appended (no space, or the file is gone)."""


class ApiError(GatewayError):
    """An answer to a client in OpenAI's error shape."""

    def __init__(
        self,
        status: int,
        kind: str,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        headers: Sequence[tuple[bytes, bytes]] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.message = message
        self.param = param
        self.code = code
        self.headers = tuple(headers)


class UpstreamError(GatewayError):
    """One attempt failed. `status` is what a client would be told, `kind` its error type.

    `retryable` says whether another deployment may do better: a malformed request will not. `code` is a machine's word
    for the error where the provider has one that clients act upon (`context_length_exceeded`); `param` the field at
    fault. `message` is for the client: it never holds a credential or an address. `unheard`: it went out on a kept
    connection that the upstream closed without a word, which says nothing about the deployment; `unread`: and before
    any program there can have read it whole.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        message: str,
        *,
        retryable: bool = True,
        retry_after: bytes | None = None,
        code: str | None = None,
        param: str | None = None,
        unheard: bool = False,
        unread: bool = False,
    ) -> None:
        super().__init__(message)
        self.unheard = unheard
        self.unread = unread
        self.status = status
        self.kind = kind
        self.message = message
        self.retryable = retryable
        self.retry_after = retry_after
        self.code = code
        self.param = param
