"""`python -m tools.images build|check [SERVICE …]`: what `make images` and `make images-check` do.

`VERSION` is the images' tag and label; the release's when left out. `BASE` names another base image, of a mirror for
example; `BASE=stand-in` makes one on Debian where none can be pulled. `ENGINE` names the container engine. `check` with
`ENGINE=none`, or where no engine answers, rehearses without one.
"""

import argparse
import json
import os
import sys
import time
from typing import TYPE_CHECKING

from . import dockerfile
from .engine import ROOT, SERVICES, Engine, ImageError, version

if TYPE_CHECKING:
    from .host import Host

_NONE = "none"


def _build(services: list[str]) -> None:
    engine = _engine()
    base = _base(engine)
    for service in services:
        tag = f"adwright-{service}:{version()}"
        print(f"== {tag}", flush=True)
        try:
            engine.build(service, tag, base=base, show=True)
        except ImageError as error:
            raise ImageError(f"{error}; {_remedy(service, base)}") from None


def _remedy(service: str, base: str | None) -> str:
    """For what a build fails by most often."""
    base = base or dockerfile.read(ROOT / f"services/{service}/Dockerfile").arguments["BASE"]
    return (
        f"where that is a base image which cannot be pulled ({base}), "
        f"BASE=… names one that can, of a mirror for example: make images BASE=registry.example.com/{_path(base)}"
    )


def _path(image: str) -> str:
    """`library/python:3.11` of `docker.io/library/python:3.11`: as a mirror has it."""
    host, slash, path = image.partition("/")
    return path if slash and ("." in host or ":" in host) else image


def _engine() -> Engine:
    if os.environ.get("ENGINE") == _NONE:
        raise ImageError("images are built by an engine: ENGINE=none is for make images-check")
    return Engine.find()


def _base(engine: Engine) -> str | None:
    base = os.environ.get("BASE") or None
    if base == "stand-in":
        from .standin import make

        return make(engine)
    return base


def _check(services: list[str]) -> None:
    # What they need beyond the standard library is not there where `build` runs.
    from .venv import CANNOT_SHOW, Rehearsal

    asked = os.environ.get("ENGINE") == _NONE
    try:
        engine = None if asked else Engine.find()
    except ImageError:
        if os.environ.get("ENGINE") or os.environ.get("BASE"):
            raise
        engine = None
    if engine:
        print(f"images: built and run by {engine.command}", flush=True)
        _measure(engine, services, _base(engine), "images.json")
        return
    if os.environ.get("BASE"):
        raise ImageError("BASE is for an engine, which ENGINE=none goes without: leave one of them out")
    why = "ENGINE=none" if asked else "no container engine answers"
    print(f"images: a rehearsal ({why}): the Dockerfiles' steps in a virtual environment a service, in build/images")
    print(f"images: it cannot show {CANNOT_SHOW}", flush=True)
    _measure(Rehearsal(), services, None, "images-rehearsal.json")


def _measure(host: "Host", services: list[str], base: str | None, report: str) -> None:
    from .check import check

    measured = []
    for service in services:
        tag = f"adwright-{service}:{version()}"
        begun = time.monotonic()
        host.build(service, tag, base=base)
        built = time.monotonic() - begun
        standard = dockerfile.read(ROOT / f"services/{service}/Dockerfile").arguments["BASE"]
        found = check(host, service, tag, base=base or standard)
        there = (base or standard) if host.has_base else None
        measured.append({**found.as_json(), "build": round(built, 1), "base": there})
        size = f"{found.size / 1e6:.0f} MB, " if found.size is not None else ""
        print(
            f"{service:10} ok: {size}{found.above_base / 1e6:.0f} MB above a base, "
            f"{found.distributions} distributions, {found.modules} modules import; serves after {found.start:.1f} s, "
            f"{found.memory / 1e6:.0f} MB; SIGTERM ends it in {found.stop:.1f} s, "
            f"while it starts in {found.stop_while_starting:.1f} s; built in {built:.0f} s",
            flush=True,
        )
    path = ROOT / "build" / report
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")


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
        version()
    except ImageError as error:
        print(error, file=sys.stderr)
        return 2
    try:
        (_build if options.command == "build" else _check)(services)
    except ImageError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
