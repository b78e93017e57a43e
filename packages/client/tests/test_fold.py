from client_events import completed, delta, restarted, started, switched
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adwright.type.v1.ad_event_pb2 import AdEvent, AdSwitched
from adwright.type.v1.format_pb2 import FormatField
from adwright_client import AdView, text_length

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
PATHS = st.sampled_from(["headlines[0]", "headlines[1]", "descriptions[0]", "text"])
ADS = st.lists(st.dictionaries(PATHS, TEXTS, min_size=1), min_size=1, max_size=3)


def folded(events: list[AdEvent]) -> AdView:
    view = AdView()
    for event in events:
        view.apply(event)
    return view


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[AdEvent], dict[tuple[int, str], str]]:
    """A stream of several variants, cut anywhere, interleaved, started again; and the texts it must end in."""
    ads = draw(ADS)
    lanes: list[list[AdEvent]] = []
    for variant, ad in enumerate(ads):
        lane: list[AdEvent] = []
        for wrong in draw(st.lists(st.dictionaries(PATHS, TEXTS), max_size=2)):
            lane += [delta(path, text, variant) for path, text in wrong.items()]
            lane.append(restarted(variant))
        for path, text in ad.items():
            cuts = sorted(draw(st.sets(st.integers(1, len(text)), max_size=5)) | {len(text)})
            begin = 0
            for cut in cuts:
                lane.append(delta(path, text[begin:cut], variant))
                begin = cut
            if draw(st.booleans()):
                lane.append(switched(variant, AdSwitched.RESUME_CONTINUED))
        lanes.append(lane)
    events = [started(len(ads))]
    while lanes := [lane for lane in lanes if lane]:
        events.append(draw(st.sampled_from(lanes)).pop(0))
    final = {(variant, path): text for variant, ad in enumerate(ads) for path, text in ad.items()}
    return [*events, completed(*ads)], final


# No deadline: a busy machine is not a defect.
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(streams())
def test_deltas_add_up_to_the_final_texts_however_they_are_cut_mixed_and_started_again(
    stream: tuple[list[AdEvent], dict[tuple[int, str], str]],
) -> None:
    events, final = stream
    view = folded(events)
    assert view.texts == final
    assert view.completed is not None
    assert {(ad.variant, f.path): f.text for ad in view.completed.ads for f in ad.fields} == final


def test_a_restart_clears_its_variant_alone() -> None:
    view = folded([started(2), delta("text", "a", 0), delta("text", "b", 1), restarted(0)])
    assert view.texts == {(1, "text"): "b"}
    assert view.variants == (0, 1)


def test_other_switches_clear_nothing() -> None:
    for resume in (AdSwitched.RESUME_EXACT_PREFIX, AdSwitched.RESUME_CONTINUED):
        view = folded([started(), delta("text", "Li"), switched(0, resume), delta("text", "ght")])
        assert view.texts == {(0, "text"): "Light"}


def test_the_active_text_is_the_one_written_last_and_none_when_all_is_done() -> None:
    events = [started(), delta("headlines[0]", "a"), delta("headlines[1]", "b")]
    assert folded(events).active == (0, "headlines[1]")
    assert folded([*events, restarted()]).active is None
    assert folded([*events, completed({})]).active is None


def test_an_event_of_a_kind_from_the_future_changes_nothing() -> None:
    view = folded([started(), delta("text", "a"), AdEvent()])
    assert view.texts == {(0, "text"): "a"}


def test_meters_count_as_the_format_says() -> None:
    view = folded([started()])
    assert view.length_of("headlines[3]", "軽い山") == (6, 30)
    assert view.length_of("unheard_of", "軽い山") == (3, 0)


def test_lengths_are_those_of_the_composed_text() -> None:
    assert text_length("a\u0308", FormatField.COUNTING_CODE_POINTS) == 1
    assert text_length("⛺ Zelt", FormatField.COUNTING_EAST_ASIAN_WIDE_AS_TWO) == 7
