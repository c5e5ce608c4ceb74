"""Running processes: one web server on one port, with or without the worker, stopped gracefully by a signal."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import signal
import socket
from collections.abc import Callable, Iterator

import uvicorn

from xrm_core.app import Application, Process
from xrm_core.kernel.errors import XrmError
from xrm_core.kernel.problem import Problem
from xrm_core.worker import Worker

_PATIENCE = 10


async def serve(
    process: Process, announce: Callable[[str], None], *, work: bool, listener: socket.socket | None = None
) -> None:
    """Answer requests until told to stop; `announce` gets the address; with `work` the worker runs too."""
    listener = listener or listen(process.settings.host, process.settings.port)
    host, port = listener.getsockname()[:2]
    server = _Server(uvicorn_config(Application(process)))
    stop = asyncio.Event()
    worker = asyncio.create_task(worker_of(process).run(stop)) if work else None
    running, ready = asyncio.create_task(server.serve(sockets=[listener])), asyncio.create_task(server.up.wait())
    try:
        await asyncio.wait({running, ready}, return_when=asyncio.FIRST_COMPLETED)
        if server.started:
            announce(address(host, port))
        await running
    finally:
        stop.set()
        ready.cancel()
        if worker is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await worker
        listener.close()


async def work(process: Process, announce: Callable[[], None]) -> None:
    """Do background work until told to stop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    announce()
    await worker_of(process).run(stop)


def worker_of(process: Process) -> Worker:
    """The worker of a process."""
    return Worker(process.database, process.units, process.clock, process.services.office)


class PortTaken(XrmError):
    """Something else listens where we wanted to."""

    status = 409
    title = "Port taken"


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # uvicorn raises the signal again when it is done; a graceful stop is a success here.
        with super().capture_signals():
            yield
            self._captured_signals.clear()


def uvicorn_config(application: Application) -> uvicorn.Config:
    """How the server behaves: its own log lines are left out, requests have a few seconds to end."""
    return uvicorn.Config(
        application,
        loop="uvloop",
        http="httptools",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        timeout_graceful_shutdown=_PATIENCE,
        h11_max_incomplete_event_size=64 * 1024,
    )


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; raises PortTaken with what to do."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            problem = Problem(
                "port",
                "",
                f"Port {port} on {host} is in use.",
                f"Stop what uses it, or choose another: --port {port + 1}.",
            )
        elif error.errno == errno.EACCES:
            problem = Problem("port", "", f"This user may not listen on port {port}.", "Choose a port above 1023.")
        else:
            problem = Problem(
                "host", "", f"It is not possible to listen on {host}: {error.strerror}.", "Check XRM_HOST."
            )
        raise PortTaken(problem) from None
    listener.listen(512)
    listener.setblocking(False)
    return listener


def address(host: str, port: int) -> str:
    """The address to open in a browser."""
    shown = "localhost" if host in ("127.0.0.1", "::1", "0.0.0.0", "::") else host
    return f"http://{shown}:{port}"
