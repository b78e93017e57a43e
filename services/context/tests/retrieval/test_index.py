"""Searching the products of a brand."""

import hashlib
import random
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adwright_context.retrieval.document import embedding_text, product_document
from adwright_context.retrieval.index import ProductIndex
from adwright_context.retrieval.model import Document, Hit, Tuning
from adwright_encoder import PackagedEncoder


class FakeEncoder:
    """A fake: each word has a direction drawn by lot, and a text the sum of its words'."""

    version = "fake"
    idle = True

    def encode(self, text: str) -> bytes:
        total = np.zeros(512)
        for word in text.lower().split():
            seed = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=4).digest())
            total += np.random.default_rng(seed).standard_normal(512)
        return (total * (127 / max(np.abs(total).max(), 1e-9))).astype(np.int8).tobytes()

    def encode_many(self, texts: Sequence[str]) -> list[bytes]:
        return [self.encode(text) for text in texts]


FAKE = FakeEncoder()
WORDS = ("tent", "stove", "light", "warm", "steel", "winter", "gas", "pan")

Item = tuple[str, Document, bytes | None]


def item(id: str, name: str, text: str, language: str = "en", vector: bool = True) -> Item:
    document = Document((name,), ((language, name), (language, text)))
    return id, document, FAKE.encode(text) if vector else None


ITEMS = st.builds(
    lambda number, words, vector: item(f"p{number}", f"Name {number}", " ".join(words), vector=vector),
    st.integers(0, 12),
    st.lists(st.sampled_from(WORDS), max_size=5),
    st.booleans(),
)
CHANGES = st.lists(st.one_of(ITEMS, st.integers(0, 12).map(lambda number: f"p{number}")), max_size=40)

SHOP = (
    item("tent", "Aurora Trail 2", "A light tent for two people"),
    item("stove", "Kessel", "A gas stove for camping"),
    item("pan", "Nest+", "Cast iron pan for the kitchen"),
)


@settings(deadline=None)
@given(CHANGES, st.lists(st.sampled_from((*WORDS, "tnet", "stoves", "Name 3")), max_size=5))
def test_equal_content_has_equal_hits_whatever_came_before(changes: list[Item | str], brief: list[str]) -> None:
    lived, content = ProductIndex(FAKE), dict[str, Item]()
    for change in changes:
        if isinstance(change, str):
            lived.remove(change)
            content.pop(change, None)
        else:
            lived.put(*change)
            content[change[0]] = change
    fresh = ProductIndex.build(content.values(), FAKE)
    text = " ".join(brief)
    assert len(lived) == len(fresh) == len(content)
    assert lived.search(text, languages=["en"], limit=20) == fresh.search(text, languages=["en"], limit=20)
    assert lived.likeness(text, content) == fresh.likeness(text, content)


@settings(deadline=None)
@given(st.lists(ITEMS, max_size=12), st.text(max_size=40))
def test_hits_are_sorted_and_scored_from_nothing_to_all(items: list[Item], brief: str) -> None:
    hits = ProductIndex.build(items, FAKE).search(brief, languages=["en"], limit=3)
    assert len(hits) <= 3
    assert hits == sorted(hits, key=lambda hit: (-hit.score, hit.id))
    assert all(0 < hit.score <= 1 and 0 <= hit.bm25 <= 1 for hit in hits)


def test_thousands_that_are_equal_are_cut_without_regard_to_their_order() -> None:
    items = [item(f"p{number}", "", "a steel pan") for number in range(2000)]
    forth = ProductIndex.build(items, FAKE).search("steel pan", limit=5)
    assert len(forth) == 5
    random.Random(1).shuffle(items)
    assert ProductIndex.build(items, FAKE).search("steel pan", limit=5) == forth


def test_what_the_brief_names_comes_first() -> None:
    hits = ProductIndex.build(SHOP, FAKE).search("A light tent, like the Nest+", languages=["en"], limit=3)
    assert [(hit.id, hit.score == 1) for hit in hits] == [("pan", True), ("tent", False)]
    assert hits[0].reason == "named in the brief"


def test_a_hit_says_why() -> None:
    [hit, *_] = ProductIndex.build(SHOP, FAKE).search("Light tents for the weekend", languages=["en"], limit=3)
    assert hit.id == "tent"
    assert hit.words == ["light", "tents"]
    assert hit.cosine is not None
    assert hit.reason == f"words: light, tents; meaning {hit.cosine:.2f}"


def test_misspelt_words_are_understood_and_named_as_they_stand() -> None:
    [hit] = ProductIndex.build(SHOP).search("gaz stoev", languages=["en"])
    assert (hit.id, hit.words) == ("stove", ["stoev"])


def test_without_an_encoder_or_vectors_words_alone_decide() -> None:
    bare = ProductIndex.build(item(id, *d.names, d.texts[1][1], vector=False) for id, d, _ in SHOP)
    unable = ProductIndex.build(((id, document, None) for id, document, _ in SHOP), FAKE)
    for index in (bare, unable):
        [hit] = index.search("light tent", languages=["en"])
        assert (hit.id, hit.cosine, hit.reason) == ("tent", None, "words: light, tent")
    assert bare.search("light tent") == unable.search("light tent")


def test_a_vector_may_come_later() -> None:
    index = ProductIndex.build(((id, document, None) for id, document, _ in SHOP), FAKE)
    for id, _, vector in SHOP:
        assert vector is not None
        index.put_vector(id, vector)
    assert index.search("light tent") == ProductIndex.build(SHOP, FAKE).search("light tent")
    before = index.search("light tent")
    index.put_vector("none", FAKE.encode("light tent"))
    assert index.search("light tent") == before


def test_a_brief_that_nothing_answers_finds_nothing() -> None:
    index = ProductIndex.build(SHOP, FAKE)
    for brief in ("", "?!", "motor insurance"):
        assert index.search(brief, languages=["en"]) == []
    assert ProductIndex.build(SHOP).search("the and for with", languages=["en"]) == []
    assert ProductIndex(FAKE).search("tent") == []
    assert index.search("tent", limit=0) == []


def test_a_stop_word_counts_where_few_products_have_it() -> None:
    items = [item(f"p{number}", "", f"a chair for the garden number {number}") for number in range(40)]
    index = ProductIndex.build([*items, item("divider", "", "a screen that parts a room")])
    assert [hit.id for hit in index.search("for the room", languages=["en"])] == ["divider"]


def test_texts_of_each_language_are_met_by_briefs_of_any() -> None:
    index = ProductIndex.build([item("zelt", "", "Leichte Zelte", "de"), item("talt", "", "lätta tält", "sv")])
    assert [hit.id for hit in index.search("das Zelt", languages=["de"])] == ["zelt"]
    assert [hit.id for hit in index.search("tälten", languages=["sv"])] == ["talt"]
    assert [hit.id for hit in index.search("Zelt", languages=["en"])] == ["zelt"]


def test_likeness_is_told_for_those_asked_and_is_the_score_of_the_search() -> None:
    index = ProductIndex.build(SHOP, FAKE)
    alike = index.likeness("a gas stove", ["stove", "pan", "nobody"], languages=["en"])
    assert set(alike) == {"stove", "pan"}
    assert alike["stove"] == index.search("a gas stove", languages=["en"])[0].score
    assert alike["stove"] > alike["pan"]


def test_a_wrong_vector_is_refused_and_changes_nothing() -> None:
    index = ProductIndex.build(SHOP, FAKE)
    before = index.search("light tent")
    with pytest.raises(ValueError, match=r"vector: has 1 bytes, not 512; make it with Encoder\.encode"):
        index.put("tent", Document((), ()), b"x")
    assert index.search("light tent") == before


def test_memory_follows_the_content() -> None:
    index = ProductIndex(FAKE)
    for number in range(300):
        index.put(*item(f"p{number}", f"Name {number}", f"text word{number}"))
    full = index.memory_bytes()
    for number in range(1, 300):
        index.remove(f"p{number}")
    assert (len(index), "p0" in index, "p1" in index) == (1, True, False)
    assert index.memory_bytes() < full / 2


def test_weights_can_be_chosen() -> None:
    words = ProductIndex.build(SHOP, FAKE, tuning=Tuning(lexical=1.0)).search("light tent")[0]
    assert words.score == words.bm25


def test_the_packaged_encoder_finds_products_in_another_language_and_other_words() -> None:
    encoder = PackagedEncoder()
    contents = {
        "pan": {"display_name": "Nest", "category": "Pfanne", "description": "Bratpfanne aus Gusseisen"},
        "tent": {
            "display_name": "Aurora Trail 2",
            "category": "Zelt",
            "description": "Ein leichtes Zelt für zwei Personen",
            "features": ["wasserdicht"],
            "localizations": {"sv": {"display_name": "Norrsken", "description": "Ett lätt tält"}},
        },
    }
    index = ProductIndex(encoder)
    for id, content in contents.items():
        index.put(id, product_document(content, "de"), encoder.encode(embedding_text(content)))

    def first(brief: str) -> Hit:
        return index.search(brief, languages=["en", "de", "sv"])[0]

    assert first("a cast iron frying pan").id == "pan"
    assert first("lätta tält").words == ["lätta", "tält"]
    assert first("Norrsken är tillbaka").name == "norrsken"


def test_meaning_hardly_counts_between_texts_that_the_encoder_does_not_understand() -> None:
    vector = FAKE.encode("lampa")

    def score(product: str, brief: str) -> float:
        index = ProductIndex(FAKE, tuning=Tuning(least=0.01))
        index.put("lamp", Document((), [(product, "skruv")]), vector)
        [hit] = index.search("lampa", languages=[brief])
        assert hit.cosine == pytest.approx(1)
        return hit.score

    assert score("sv", "sv") == pytest.approx(0.1)
    assert score("en", "sv") == score("sv", "en") == score("und", "sv") == score("de-AT", "en") == pytest.approx(0.5)
