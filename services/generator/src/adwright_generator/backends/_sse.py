"""Server-sent events, as model servers stream them. Source of the format: WHATWG HTML, section 9.2.6."""

from .errors import BackendFailed

__all__ = ["SseParser"]

_MAX_EVENT_BYTES = 1024 * 1024


class SseParser:
    """Gives the payloads of events from bytes that are cut anywhere. Fields other than `data` are of no use here."""

    def __init__(self, max_event_bytes: int = _MAX_EVENT_BYTES) -> None:
        self._max = max_event_bytes
        self._rest = b""
        self._data: list[bytes] = []

    def feed(self, data: bytes) -> list[bytes]:
        """Payloads of the events that are whole with these bytes. Raises BackendFailed when one grows too large."""
        whole, newline, rest = data.rpartition(b"\n")
        if not newline:
            self._rest += data
            self._check(len(self._rest))
            return []
        text, self._rest = self._rest + whole, rest
        lines = text.splitlines()
        # An empty line at the very end is one that splitlines does not tell.
        if not text or text.endswith(b"\n"):
            lines.append(b"")
        payloads = []
        for line in lines:
            if not line:
                if self._data:
                    payloads.append(b"\n".join(self._data))
                    self._data.clear()
            elif line.startswith(b"data:"):
                self._data.append(line[6:] if line[5:6] == b" " else line[5:])
        if self._data:
            self._check(sum(map(len, self._data)))
        return payloads

    def _check(self, size: int) -> None:
        if size > self._max:
            raise BackendFailed(f"the model server sent an event of more than {self._max} bytes")
