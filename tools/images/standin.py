"""A base image for machines that no image can be pulled to: Debian 12's Python 3.11, laid out like python:slim.

What differs from `python:3.11-slim-bookworm`: Python is Debian's build of 3.11 in /usr instead of upstream's in
/usr/local, and pip is Debian's 23.0. The Debian release, its libraries, and what is *not* there (compiler, headers,
bytecode of the standard library) are the same. It is for checking images, never for shipping them.
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from .engine import Engine, ImageError

__all__ = ["NAME", "make"]

NAME = "localhost/adwright-stand-in-base:bookworm"
_PACKAGES = (
    "python3.11",
    "python3.11-venv",
    "python3-pip-whl",
    "python3-setuptools-whl",
    "python3-wheel-whl",
    "ca-certificates",
    "netbase",
    "tzdata",
)
_CA_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
_APT = (
    'Dir::Cache::pkgcache ""; Dir::Cache::srcpkgcache ""; DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb"; };'
)
# As docker-library/python has it: `python` in /usr/local/bin, pip beside it, no bytecode.
_STEPS = (
    'rm -f "$1/usr/lib/python3.11/EXTERNALLY-MANAGED"',
    'find "$1/usr/lib" -name "*.pyc" -delete',
    'ln -s /usr/bin/python3.11 "$1/usr/local/bin/python3"',
    'ln -s python3 "$1/usr/local/bin/python"',
    'chroot "$1" sh -c "PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=\\$(echo /usr/share/python-wheels/pip-*.whl)'
    " python -m pip --isolated install --quiet --no-compile --root-user-action ignore --no-index"
    ' --find-links /usr/share/python-wheels pip setuptools wheel"',
    # As in Debian's own images, apt keeps neither its caches nor what it downloaded.
    f"printf '%s' '{_APT}' > \"$1/etc/apt/apt.conf.d/docker-clean\"",
    'rm -f "$1"/var/cache/apt/*.bin',
    # Where this machine trusts more authorities than Debian does, so must pip in there to reach its index.
    f"copy-in {_CA_BUNDLE} /etc/ssl/certs/",
    f'printf "[global]\\ncert = {_CA_BUNDLE}\\n" > "$1/etc/pip.conf"',
)


def make(engine: Engine) -> str:
    """Makes it unless the engine has it, and gives its name. Raises ImageError."""
    if engine.call("images", "--quiet", NAME).strip():
        return NAME
    if shutil.which("mmdebstrap") is None:
        raise ImageError("BASE=stand-in needs mmdebstrap, and Debian: apt-get install mmdebstrap")
    with tempfile.TemporaryDirectory(prefix="adwright-base-") as folder:
        tree = Path(folder) / "base.tar"
        command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(_PACKAGES)}"]
        command += [f"--dpkgopt=path-exclude=/usr/share/{part}/*" for part in ("doc", "man", "locale")]
        command += [f"--customize-hook={step}" for step in _STEPS]
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON"))}
        done = subprocess.run(
            [*command, "bookworm", str(tree)], env=environ, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise ImageError(f"mmdebstrap failed: {done.stderr.strip()[-500:]}")
        path = "ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
        engine.call("import", "--change", path, "--change", "ENV LANG=C.UTF-8", str(tree), NAME)
    return NAME
