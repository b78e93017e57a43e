"""What an API key looks like: `adw_`, 30 random characters, and 6 that tell a mistyped key without a look at the store.

36 characters of 62 in the way of GitHub's tokens (https://github.blog/2021-04-05-behind-githubs-new-authentication-token-formats):
178 random bits, and a CRC-32 of what stands before it. A secret scanner needs no more than `adw_[0-9A-Za-z]{36}`.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import string
import zlib
from typing import Final

__all__ = ["fingerprint", "hint", "is_mistyped", "new_secret"]

_ALPHABET: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM, _CHECKSUM = 30, 6
_FORM: Final = re.compile(rf"adw_[0-9A-Za-z]{{{_RANDOM + _CHECKSUM}}}")
_HINT: Final = 8


def new_secret() -> str:
    """A key that nobody can guess."""
    body = "adw_" + "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM))
    return body + _checksum(body)


def is_mistyped(secret: str) -> bool:
    """Whether it has the form of a key and the wrong checksum. Keys of other forms, as people choose, have none."""
    return _FORM.fullmatch(secret) is not None and _checksum(secret[:-_CHECKSUM]) != secret[-_CHECKSUM:]


def fingerprint(secret: str) -> str:
    """What is kept of a key: its SHA-256. Keys are long and random, so a plain hash is as good as a slow one."""
    return hashlib.sha256(secret.encode()).hexdigest()


def hint(secret: str) -> str:
    """Its first characters: enough to tell keys apart, too few to guess the others."""
    return secret[:_HINT]


def _checksum(body: str) -> str:
    number, digits = zlib.crc32(body.encode()), ""
    for _ in range(_CHECKSUM):
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
