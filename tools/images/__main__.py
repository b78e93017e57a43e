"""`python -m tools.images build|check [SERVICE …]`: what `make images` and `make images-check` do.

`BASE` names another base image, of a mirror for example; `BASE=stand-in` makes one on Debian where none can be pulled.
`ENGINE` names the container engine.
"""

import argparse
import json
import os
import sys
import time

from .engine import ROOT, SERVICES, Engine, ImageError, version

_REPORT = ROOT / "build" / "images.json"


def _build(engine: Engine, services: list[str], base: str | None) -> None:
    for service in services:
        tag = f"adwright-{service}:{version()}"
        print(f"== {tag}", flush=True)
        engine.build(service, tag, base=base, show=True)


def _check(engine: Engine, services: list[str], base: str | None) -> None:
    from . import dockerfile
    from .check import check

    measured = []
    for service in services:
        tag = f"adwright-{service}:{version()}"
        begun = time.monotonic()
        engine.build(service, tag, base=base)
        built = time.monotonic() - begun
        standard = dockerfile.read(ROOT / f"services/{service}/Dockerfile").arguments["BASE"]
        found = check(engine, service, tag, base=base or standard)
        measured.append({**found.as_json(), "build": round(built, 1), "base": base or standard})
        print(
            f"{service:10} ok: {found.size / 1e6:.0f} MB ({found.above_base / 1e6:.0f} MB above its base), "
            f"{found.distributions} distributions, {found.modules} modules import; serves after {found.start:.1f} s, "
            f"{found.memory / 1e6:.0f} MB; SIGTERM ends it in {found.stop:.1f} s, "
            f"while it starts in {found.stop_while_starting:.1f} s; built in {built:.0f} s",
            flush=True,
        )
    _REPORT.parent.mkdir(exist_ok=True)
    _REPORT.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Returns the exit code: 0 done, 1 failed, 2 bad input."""
    parser = argparse.ArgumentParser(prog="python -m tools.images", description=__doc__)
    parser.add_argument("command", choices=("build", "check"))
    parser.add_argument("services", nargs="*", metavar="SERVICE", help=f"of {', '.join(SERVICES)}; all when left out")
    options = parser.parse_args(arguments)
    for service in options.services:
        if service not in SERVICES:
            parser.error(f"there is no service '{service}': choose of {', '.join(SERVICES)}")
    services = options.services or list(SERVICES)
    try:
        engine = Engine.find()
        base = os.environ.get("BASE") or None
        if base == "stand-in":
            from .standin import make

            base = make(engine)
        (_build if options.command == "build" else _check)(engine, services, base)
    except ImageError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
