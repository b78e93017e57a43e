"""`python -m tools run` and `python -m tools up`: what `make run` and `make up` do."""

import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from adwright_client import Client
from adwright_servicekit.errors import Unauthenticated

from .spans import SpanReceiver, trace_tree
from .stack import ROOT, Stack, StackError, private_environ

_ENDINGS = (signal.SIGTERM, signal.SIGHUP)
_EXAMPLE = ["--brand", "nordlys", "--product", "aurora-trail-2", "--format", "google-rsa"]


def run() -> int:
    """Starts a stack of its own, streams one ad to the terminal, shows its checks and its trace, stops everything."""
    console = Console(highlight=False)
    log = ROOT / ".adwright" / "run.log"
    log.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="adwright-") as folder, SpanReceiver() as receiver:
        environ = private_environ(Path(folder)) | receiver.environ
        begun = time.monotonic()
        console.print("Starting gateway, context, generator and evaluator on loopback…", style="dim")
        with Stack(environ, log) as stack:
            console.print(
                f"Up and seeded in {time.monotonic() - begun:.1f} s.\n"
                f"$ adwright generate {' '.join(_EXAMPLE)} --evaluate\n",
                style="dim",
                soft_wrap=True,
            )
            command = [sys.executable, "-m", "adwright_client", "generate", *_EXAMPLE, "--evaluate"]
            code = subprocess.run(command, cwd=ROOT, env=stack.environ, check=False).returncode
            _show_trace(console, receiver)
        console.print("All services stopped. `make up` keeps them running; `make help` lists the rest.", style="dim")
    return code


def _show_trace(console: Console, receiver: SpanReceiver) -> None:
    # Exporters send every tenth of a second; the client's spans have been flushed when it ended.
    deadline = time.monotonic() + 2.0
    roots = [span for span in receiver.spans() if span.service == "adwright-client"]
    seen = -1
    while roots and len(receiver.spans(roots[0].trace_id)) != seen and time.monotonic() < deadline:
        seen = len(receiver.spans(roots[0].trace_id))
        time.sleep(0.3)
    if roots:
        console.print()
        console.print(trace_tree(receiver.spans(roots[0].trace_id)))
        console.print()


def up() -> int:
    """The stack on its usual addresses, kept running until Ctrl-C or SIGTERM."""
    folder = ROOT / ".adwright"
    folder.mkdir(exist_ok=True)
    environ = dict(os.environ)
    key = environ.get("ADWRIGHT_GATEWAY_BOOTSTRAP_KEY") or _demo_key(folder / "demo.key")
    environ["ADWRIGHT_GATEWAY_BOOTSTRAP_KEY"] = key
    stack = Stack(environ, None)
    stack.check_ports()
    with stack:
        gateway = stack.target("gateway")
        _check_key(gateway, key)
        print(
            "\n"
            f"  adwright is up.\n\n"
            f"  Studio        http://{stack.http_address}/\n"
            f"  API docs      http://{stack.http_address}/docs\n"
            f"  gRPC          {gateway} (with reflection)\n"
            f"  Demo API key  {key}\n\n"
            "  Try it in the browser, or from another terminal:\n\n"
            f"    export ADWRIGHT_API_KEY={key}"
            + ("" if gateway.endswith(":50051") else f" ADWRIGHT_GATEWAY_TARGET={gateway}")
            + f"\n    .venv/bin/adwright generate {' '.join(_EXAMPLE)}\n\n"
            "  Ctrl-C stops everything.\n",
            flush=True,
        )
        return stack.wait()


def _check_key(gateway: str, key: str) -> None:
    """A store keeps the keys it has: a new one is not added to it by itself. Raises StackError."""
    with Client(gateway, key, timeout=10) as client:
        try:
            next(iter(client.list_formats()))
        except Unauthenticated:
            raise StackError(
                "the gateway's store was made with another key: set ADWRIGHT_GATEWAY_BOOTSTRAP_KEY to that one, "
                "or remove .adwright/gateway.db to begin anew"
            ) from None


def _demo_key(path: Path) -> str:
    """The key of the demo tenant, made once and kept readable by its owner alone."""
    if not path.exists():
        with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w") as file:
            file.write(f"adw_{secrets.token_urlsafe(24)}\n")
    return path.read_text(encoding="utf-8").strip()


def _leave(number: int, frame: object) -> None:
    # make hands its own signal on, so one often comes twice: the second must not break into the stopping.
    for ending in _ENDINGS:
        signal.signal(ending, signal.SIG_IGN)
    sys.exit(0)


def main() -> int:
    """Runs the command named on the command line."""
    commands = {"run": run, "up": up}
    if len(sys.argv) != 2 or sys.argv[1] not in commands:
        print(f"usage: python -m tools {'|'.join(commands)}", file=sys.stderr)
        return 2
    # Whoever ends us, also by closing the terminal, ends the services with us.
    for number in _ENDINGS:
        signal.signal(number, _leave)
    # Started in the background, a shell would have us ignore it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return commands[sys.argv[1]]()
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
