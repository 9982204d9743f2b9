"""The exporter process: reads the multiprocess files and hands out the page on a Unix socket.

One question per connection (`page` or `ping`), answered by a line with the length and the bytes.
"""

from __future__ import annotations

import asyncio
import logging

from gateway.metrics.page import Page
from gateway.state import StateDirectory

_log = logging.getLogger("gateway.exporter")


async def run(state: StateDirectory, stop: asyncio.Event) -> None:
    """Be the exporter until `stop`."""
    page = Page(state.metrics)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            question = await reader.readline()
            answer = page.render() if question == b"page\n" else b"pong"
            writer.write(b"%d\n" % len(answer))
            writer.write(answer)
            await writer.drain()
        except ConnectionError:
            pass
        except Exception:
            _log.exception("the page cannot be rendered")
        finally:
            writer.close()

    state.exporter_socket.unlink(missing_ok=True)
    server = await asyncio.start_unix_server(connected, path=state.exporter_socket)
    state.exporter_socket.chmod(0o600)
    await stop.wait()
    server.close()
