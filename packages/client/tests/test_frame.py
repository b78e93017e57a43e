import io

from client_events import completed, delta, restarted, started, withheld
from rich.console import Console

from adwright.type.v1.ad_event_pb2 import AdEvent
from adwright_client import AdView
from adwright_client.cli._frame import fitted, frame
from adwright_client.cli._words import Heading

HEADING = Heading("nordlys", "google-rsa", "127.0.0.1:50051")


def view_of(*events: AdEvent) -> AdView:
    view = AdView()
    for event in events:
        view.apply(event)
    return view


def lines(view: AdView, status: str, width: int = 100) -> list[str]:
    console = Console(record=True, width=width, file=io.StringIO())
    console.print(frame(view, HEADING, status))
    return [line.rstrip() for line in console.export_text().splitlines()]


def test_before_anything_came_the_address_is_shown() -> None:
    shown = lines(view_of(), "waiting")
    assert shown[0].split() == ["nordlys", "·", "google-rsa", "127.0.0.1:50051"]
    assert shown[1:] == ["  waiting"]


def test_text_grows_beside_its_meter_and_texts_to_come_have_their_place() -> None:
    shown = lines(view_of(started(), delta("headlines[0]", "Light"), delta("headlines[1]", "Wei")), "writing")
    assert shown[2].split("│")[1].split() == ["headlines[0]", "Light", "━━────────", "5/30"]
    assert shown[3].split("│")[1].split() == ["headlines[1]", "Wei▌", "━─────────", "3/30"]
    assert shown[4].split("│")[1].split() == ["descriptions[0]", "…", "90"]
    assert shown[-1] == "  writing"


def test_a_text_over_its_limit_is_marked_without_colour_too() -> None:
    shown = lines(view_of(started(), delta("headlines[0]", "x" * 31)), "writing")
    assert "31/30 ✗" in shown[2]


def test_notices_say_what_happened() -> None:
    shown = lines(view_of(started(), withheld("headlines[1]"), restarted()), "writing")
    assert shown[-3:-1] == [
        "  ⊘ withheld: variant 0 headlines[1], by the rule banned_terms",
        "  ↻ repair: variant 0 starts again",
    ]


def test_a_finished_ad_has_its_verdict_checks_and_facts() -> None:
    shown = "\n".join(lines(view_of(started(), completed({"headlines[0]": "Light"}, valid=False)), ""))
    for part in ("✗ not valid", " 5/30", "'2 kg' stands in no fact", "80.0 tokens/s", "0.000123 USD"):
        assert part in shown


def test_what_was_interrupted_shows_no_more_to_come() -> None:
    shown = "\n".join(lines(view_of(started(2), delta("headlines[0]", "Light")), ""))
    assert "Light" in shown
    for part in ("▌", "…", "variant 1", "descriptions"):
        assert part not in shown


def test_markup_in_a_text_is_text() -> None:
    shown = "\n".join(lines(view_of(started(), delta("headlines[0]", "[red]Light[/red] :tent:")), "w"))
    assert "[red]Light[/red] :tent:" in shown


def test_a_frame_never_grows_taller_than_the_terminal() -> None:
    view = view_of(
        started(8),
        *(delta(f"headlines[{i}]", "Light as a summer night", v) for v in range(8) for i in range(15)),
    )
    for height in (12, 16, 24, 60):
        console = Console(width=80, height=height, file=io.StringIO())
        painted = console.render_lines(fitted(console, view, HEADING, "writing"), pad=False)
        assert len(painted) < height
        text = "".join(segment.text for line in painted for segment in line)
        assert "headlines[14]" in text, "where it is being written stays in sight"


def test_of_a_text_taller_than_the_terminal_the_end_stays_in_sight() -> None:
    view = view_of(started(), delta("text", "word " * 1000), delta("text", "and the end"))
    console = Console(width=60, height=20, file=io.StringIO())
    painted = console.render_lines(fitted(console, view, HEADING, "writing"), pad=False)
    text = "".join(segment.text for line in painted for segment in line)
    assert len(painted) < 20
    assert "the end▌" in text
    assert "writing" in text
