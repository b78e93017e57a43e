"""From a stream of AdEvents to the texts as they stand.

The one place that knows what the events do to each other; the library, the terminal view and plain output
share it.
"""

from collections.abc import Mapping

from adwright.type.v1.ad_event_pb2 import AdCompleted, AdDelta, AdEvent, AdStarted, AdSwitched, AdWithheld
from adwright.type.v1.format_pb2 import FormatField

from .lengths import text_length

__all__ = ["AdView"]


class AdView:
    """What is known of a generation after the events so far. Feed it with `apply`, in order."""

    def __init__(self) -> None:
        self.started: AdStarted | None = None
        self.completed: AdCompleted | None = None
        self.notices: list[AdSwitched | AdWithheld] = []
        """Switches and withheld texts, in the order in which they came."""
        self.active: tuple[int, str] | None = None
        """The (variant, path) that was written to last."""
        self._texts: dict[int, dict[str, str]] = {}
        self._limits: dict[str, FormatField] = {}

    def apply(self, event: AdEvent) -> None:
        """Takes in one event. Kinds that this version does not know change nothing."""
        match event.WhichOneof("event"):
            case "started":
                self.started = event.started
                self._limits = {field.field: field for field in event.started.fields}
            case "delta":
                self._append(event.delta)
            case "switched":
                self.notices.append(event.switched)
                if event.switched.resume == AdSwitched.RESUME_RESTARTED:
                    self._texts[event.switched.variant] = {}
                    self.active = None
            case "withheld":
                self.notices.append(event.withheld)
            case "completed":
                self.completed = event.completed
                self.active = None

    def _append(self, delta: AdDelta) -> None:
        fields = self._texts.setdefault(delta.variant, {})
        fields[delta.path] = fields.get(delta.path, "") + delta.text
        self.active = (delta.variant, delta.path)

    @property
    def texts(self) -> Mapping[tuple[int, str], str]:
        """The texts by (variant, path), as they stand."""
        return {(variant, path): text for variant, fields in self._texts.items() for path, text in fields.items()}

    @property
    def variants(self) -> tuple[int, ...]:
        """The variants that were announced or written, in order."""
        announced = self.started.variant_count if self.started else 0
        return tuple(sorted({*range(announced), *self._texts}))

    def fields(self, variant: int) -> Mapping[str, str]:
        """The texts of one variant by path, in the order in which they were begun."""
        return dict(self._texts.get(variant, {}))

    def limit_of(self, path: str) -> FormatField | None:
        """The format's field that `path` belongs to: that of `headlines` for `headlines[0]`."""
        return self._limits.get(path.partition("[")[0])

    def length_of(self, path: str, text: str) -> tuple[int, int]:
        """(length, limit) of `text` at `path`, as the platform counts; limit 0 is none."""
        field = self.limit_of(path)
        if field is None:
            return text_length(text, FormatField.COUNTING_CODE_POINTS), 0
        return text_length(text, field.counting), field.max_length
