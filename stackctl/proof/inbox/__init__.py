"""The embedded receiver: takes Slack-shaped and webhook messages, keeps them and shows them (docs/inbox.md)."""

from stackctl.proof.inbox.app import create_app
from stackctl.proof.inbox.message import Message
from stackctl.proof.inbox.store import Store, StoreInUseError

__all__ = ["Message", "Store", "StoreInUseError", "create_app"]
