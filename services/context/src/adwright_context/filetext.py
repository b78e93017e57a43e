"""Telling a text file from what is none, before its bytes are read as rows."""

from __future__ import annotations

from typing import Final

from adwright_servicekit.errors import InvalidInput

__all__ = ["FileRefused", "TextGuard", "not_text"]

_UTF_16: Final = "a text in UTF-16"
# First bytes: https://www.garykessler.net/library/file_sigs.html
_KNOWN: Final = (
    (b"PK\x03\x04", "a spreadsheet (XLSX, ODS) or a ZIP archive"),
    (b"\xd0\xcf\x11\xe0", "an old spreadsheet (XLS)"),
    (b"\x89PNG", "an image (PNG)"),
    (b"\xff\xd8\xff", "an image (JPEG)"),
    (b"GIF87a", "an image (GIF)"),
    (b"GIF89a", "an image (GIF)"),
    (b"%PDF-", "a PDF document"),
    (b"\x1f\x8b", "a file packed with gzip"),
    (b"\xff\xfe", _UTF_16),
    (b"\xfe\xff", _UTF_16),
)
_LONGEST: Final = max(len(magic) for magic, _ in _KNOWN)


class FileRefused(InvalidInput):
    """The file as a whole cannot be read: more of it changes nothing."""


class TextGuard:
    """Looks at a file's pieces as they come and raises FileRefused for one that is no text."""

    def __init__(self, offset: int = 0) -> None:
        """`offset`: where in the file the first piece begins."""
        self._head = bytearray()
        self._at_head = offset == 0

    def look(self, piece: bytes) -> None:
        """Raises FileRefused where the file, as far as it is known, cannot be text."""
        if self._at_head:
            self._head += piece[: _LONGEST - len(self._head)]
            self._at_head = len(self._head) < _LONGEST
            for magic, what in _KNOWN:
                if self._head.startswith(magic):
                    raise not_text(f"it looks like {what}")
        if b"\0" in piece:
            raise not_text("it has NUL bytes, as pictures, archives and texts in UTF-16 have")


def not_text(why: str) -> FileRefused:
    """The error for a file that cannot be read as text."""
    return FileRefused(
        f"the file cannot be read: {why}; save it as text in UTF-8 (in a spreadsheet: as CSV UTF-8)",
        reason="FILE_NOT_TEXT",
    )
