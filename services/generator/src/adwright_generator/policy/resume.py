"""How a text that broke off goes on elsewhere: so that no character is lost or sent twice, or else from the start."""

from dataclasses import replace

from ..backends.base import BackendInfo, BackendRequest, Continuation, Resume
from ..backends.json_rest import rest_pattern

__all__ = ["SentText", "how_to_resume", "is_whole", "request_for"]


class SentText:
    """The output of one call so far, in whole code points.

    The beginning of a code point is held back until the rest of it comes: a reader never has half of one when another
    backend has to go on.
    """

    def __init__(self) -> None:
        self._data = bytearray()
        self._held = b""
        self.tokens = 0

    def take(self, data: bytes, tokens: int) -> bytes:
        """What of `data`, and of what was held back before, may be sent now."""
        self.tokens += tokens
        if self._held or (data and data[-1] >= 0x80):
            data = self._held + data
            cut = len(data) - _begun_code_point(data)
            data, self._held = data[:cut], data[cut:]
        self._data += data
        return data

    def held(self) -> bytes:
        """What is still held back; at the end of a generation it is all there will be."""
        return self._held

    @property
    def size(self) -> int:
        """Bytes that have been sent."""
        return len(self._data)

    @property
    def text(self) -> str:
        """What has been sent. Raises UnicodeDecodeError when a backend sent something that is not UTF-8."""
        return self._data.decode()

    def __bool__(self) -> bool:
        return bool(self._data)


def _begun_code_point(data: bytes) -> int:
    """How many bytes at the end of `data` are the beginning of a code point without its end: 0 to 3."""
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte >= 0xC0:
            size = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return back if back < size else 0
        if byte < 0x80:
            return 0
    return 0


def how_to_resume(request: BackendRequest, sent: str, source: BackendInfo, target: BackendInfo) -> Resume:
    """How `target` can go on behind `sent`, which `source` wrote in answer to `request`."""
    same_model = source.model == target.model
    if not sent:
        # The prefix is empty, and the texts of earlier calls stay as they are.
        return Resume.EXACT_PREFIX if same_model else Resume.CONTINUED
    exact = target.continuation is Continuation.EXACT
    if request.json_schema is not None:
        if not (exact and target.continues_json and rest_pattern(request.json_schema, request.prefix + sent)):
            return Resume.RESTARTED
    elif target.continuation is Continuation.NONE:
        return Resume.RESTARTED
    return Resume.EXACT_PREFIX if exact and same_model else Resume.CONTINUED


def is_whole(request: BackendRequest, sent: str) -> bool:
    """Whether `sent` is a whole answer already, so that nothing is left to be generated."""
    return request.json_schema is not None and rest_pattern(request.json_schema, request.prefix + sent) == ""


def request_for(request: BackendRequest, sent: str, tokens: int, resume: Resume) -> BackendRequest:
    """The request that goes on behind `sent`, which took so many tokens; or the same again, to start anew."""
    if resume is Resume.RESTARTED or not sent:
        return request
    return replace(request, prefix=request.prefix + sent, max_tokens=max(1, request.max_tokens - tokens))
