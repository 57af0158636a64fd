"""A TCP proxy that makes a machine far away: what comes in goes out later, at the same rate."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHUNK = 1 << 16


@contextmanager
def far_away(address: str, port: int, seconds: float) -> Iterator[int]:
    """A port of this host that leads to another one's, with so many seconds more in each direction."""
    loop = asyncio.new_event_loop()

    async def serve() -> asyncio.Server:
        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            there, back = await asyncio.open_connection(address, port)
            with suppress(asyncio.CancelledError):  # somebody hung up for good: that is no news
                await asyncio.gather(_carry(reader, back, seconds), _carry(there, writer, seconds))

        return await asyncio.start_server(accept, "127.0.0.1", 0)

    thread = threading.Thread(target=loop.run_forever, name="far-away", daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(serve(), loop).result()
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        asyncio.run_coroutine_threadsafe(_ended(server), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _ended(server: asyncio.Server) -> None:
    server.close()
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(0)  # transports that were closed take one more turn to go


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
    """Every piece leaves `seconds` after it came, however many are on their way."""
    loop = asyncio.get_running_loop()
    under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def leave() -> None:
        while True:
            due, piece = await under_way.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not piece:
                break
            writer.write(piece)
            await writer.drain()

    leaving = asyncio.ensure_future(leave())
    try:
        with suppress(ConnectionError):
            while piece := await reader.read(_CHUNK):
                under_way.put_nowait((loop.time() + seconds, piece))
        under_way.put_nowait((loop.time() + seconds, b""))
        with suppress(ConnectionError):
            await leaving
    finally:
        leaving.cancel()
        writer.close()
