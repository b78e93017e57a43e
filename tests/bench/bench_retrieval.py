"""How well and how fast the context service finds the products that a brief means.

Quality: the labelled set in `retrieval_data` (its README says how it was made), in which each brief is asked of an
English, a German and a Swedish catalogue of 5,100 products. `same` is the catalogue of the brief's language, `cross`
the other two. Means over briefs; intervals are 95% bootstraps of paired differences over briefs. Units of the scale:
seconds, MB (10^6 bytes), milliseconds; a search includes the encoding of its brief, unless it was
asked before (`again`).
"""

from __future__ import annotations

import gc
import json
import multiprocessing
import random
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from retrieval_data.metrics import ndcg, recall
from retrieval_data.products import LANGUAGES, catalogue, grade
from rich.console import Console
from rich.table import Table

from adwright_context.retrieval.document import embedding_text, product_document
from adwright_context.retrieval.index import ProductIndex
from adwright_context.retrieval.model import Document, Tuning
from adwright_encoder import CachedEncoder, PackagedEncoder

__all__ = ["measure", "show"]

_DEPTH = 5
_SIZES = (1_000, 10_000, 100_000)
_SEARCHES = 500
_CHANGES = 200
_SAMPLES = 2_000
_ALMOST_NOTHING = 1e-9

_SYSTEMS = {
    "words": Tuning(lexical=1.0, least=_ALMOST_NOTHING),
    "meaning": Tuning(lexical=0.0, lexical_beyond=0.0, least=_ALMOST_NOTHING),
    "both": Tuning(least=_ALMOST_NOTHING),
}
"""Ranked without a threshold; only `both` knows names. What `as served` adds is the threshold."""

Brief = dict[str, Any]


def measure(folder: Path) -> dict[str, Any]:
    """All figures."""
    encoder = PackagedEncoder()
    begun = time.perf_counter()
    encoder.load()
    loaded = time.perf_counter() - begun
    return {"load_s": round(loaded, 2), "quality": _quality(encoder), "scale": [_alone(n) for n in _SIZES]}


def _briefs() -> list[Brief]:
    text = (Path(__file__).parent / "retrieval_data" / "briefs.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) | {"half": ("tuned", "held out")[at % 2]} for at, line in enumerate(text.splitlines())]


def _quality(encoder: PackagedEncoder) -> dict[str, Any]:
    briefs, cached = _briefs(), CachedEncoder(encoder)
    scores: dict[tuple[str, str, str], dict[str, tuple[float, float]]] = defaultdict(dict)
    answered: dict[str, list[bool]] = defaultdict(list)
    for language in LANGUAGES:
        items = catalogue(language)
        vectors = encoder.encode_many([embedding_text(item.content) for item in items])
        documents = [product_document(item.content, language) for item in items]
        indices = {
            name: ProductIndex.build(
                (
                    (item.id, document if name in ("both", "served") else Document((), document.texts), vector)
                    for item, document, vector in zip(items, documents, vectors, strict=True)
                ),
                cached,
                tuning=tuning,
            )
            for name, tuning in (_SYSTEMS | {"served": Tuning()}).items()
        }
        for brief in briefs:
            where = "same" if brief["language"] == language else "cross"
            grades = {item.id: grade(item, brief["wanted"]) for item in items}
            for name, index in indices.items():
                hits = index.search(brief["text"], languages=[brief["language"]], limit=_DEPTH)
                if name == "served":
                    answered[f"{where}, {'nothing there' if brief['kind'] == 'none' else 'something there'}"].append(
                        bool(hits)
                    )
                elif brief["kind"] != "none":
                    found, there = [grades[hit.id] for hit in hits], list(grades.values())
                    figures = (ndcg(found, there, _DEPTH), recall(found, there, _DEPTH))
                    scores[name, where, language][brief["id"]] = figures
    return {
        "groups": _groups(briefs, scores),
        "share_answered": {name: round(statistics.fmean(values), 3) for name, values in sorted(answered.items())},
    }


def _groups(
    briefs: Sequence[Brief], scores: dict[tuple[str, str, str], dict[str, tuple[float, float]]]
) -> list[dict[str, Any]]:
    """For each group of briefs each system's means, and what `both` adds to the others."""
    kinds = [kind for kind in dict.fromkeys(b["kind"] for b in briefs) if kind != "none"]
    groups = [(where, "half", half) for where in ("same", "cross") for half in ("tuned", "held out")]
    groups += [(where, "language", tag) for where in ("same", "cross") for tag in LANGUAGES]
    groups += [("same", "kind", kind) for kind in kinds]
    found = []
    for where, key, name in groups:
        ids = [b["id"] for b in briefs if b[key] == name and b["kind"] != "none"]
        means = {
            system: np.array(
                [
                    np.mean(
                        [scores[system, where, tag][id] for tag in LANGUAGES if id in scores[system, where, tag]], 0
                    )
                    for id in ids
                ]
            )
            for system in _SYSTEMS
        }
        row: dict[str, Any] = {"where": where, "group": name, "briefs": len(ids)}
        for system, values in means.items():
            row[system] = {"ndcg": round(float(values[:, 0].mean()), 3), "recall": round(float(values[:, 1].mean()), 3)}
        for system in ("words", "meaning"):
            row[f"ndcg_both_less_{system}"] = _interval(means["both"][:, 0] - means[system][:, 0])
        found.append(row)
    return found


def _interval(differences: np.ndarray[Any, np.dtype[np.float64]]) -> list[float]:
    """The 95% interval of the mean."""
    draws = np.random.default_rng(1).choice(differences, (_SAMPLES, len(differences))).mean(axis=1)
    return [round(float(at), 3) for at in np.quantile(draws, (0.025, 0.975))]


def _alone(size: int) -> dict[str, Any]:
    """In a process of its own, for memory that was used before is used again."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_scale, size).result(timeout=600)


def _scale(size: int) -> dict[str, Any]:
    encoder = PackagedEncoder()
    encoder.load()
    gc.collect()
    before = psutil.Process().memory_info().rss
    random_ = random.Random(size)
    begun = time.perf_counter()
    made = sum(1 for _ in _products(size))
    making = time.perf_counter() - begun
    assert made == size
    begun = time.perf_counter()
    index = ProductIndex.build(_products(size), CachedEncoder(encoder))
    built = time.perf_counter() - begun - making
    gc.collect()
    after = psutil.Process().memory_info().rss
    briefs = [brief["text"] for brief in _briefs()]
    asked = [f"{briefs[at % len(briefs)]} {at}" for at in range(_SEARCHES)]
    searches, again = ([_timed(index.search, brief, languages=LANGUAGES) for brief in asked] for _ in range(2))
    changed = [
        _timed(index.put, f"product-{random_.randrange(size)}", document, vector)
        for _, document, vector in _products(_CHANGES)
    ]
    return {
        "products": size,
        "build_s": round(built, 2),
        "rss_mb": round((after - before) / 1e6, 1),
        "index_mb": round(index.memory_bytes() / 1e6, 1),
        "search_ms": _percentiles(searches),
        "search_again_ms": _percentiles(again),
        "replace_ms": _percentiles(changed),
    }


def _timed(call: Callable[..., object], *arguments: object, **named: object) -> float:
    begun = time.perf_counter()
    call(*arguments, **named)
    return (time.perf_counter() - begun) * 1000


def _percentiles(values: Sequence[float]) -> dict[str, float]:
    cuts = statistics.quantiles(values, n=100)
    return {"p50": round(cuts[49], 2), "p99": round(cuts[98], 2)}


def _products(size: int) -> Iterator[tuple[str, Document, bytes]]:
    """Products of some 60 words: those of the labelled set, and rarer and rarer words (Zipf) that nobody knows."""
    random_, numbers = random.Random(7), np.random.default_rng(7)
    items = [(item, product_document(item.content, "en")) for item in catalogue("en")]
    for at in range(size):
        item, document = items[at % len(items)]
        more = " ".join(_word(int(rank)) for rank in numbers.zipf(1.3, 38) if rank < 200_000)
        name = f"{item.name}-{at // len(items)} {_word(random_.randrange(10**6))}"
        yield (
            f"product-{at}",
            Document((name,), [("en", name), *document.texts[1:], ("en", more)]),
            numbers.integers(-127, 128, 512, dtype=np.int8).tobytes(),
        )


def _word(number: int) -> str:
    """A word that can be said, another one for each number."""
    word = ""
    number += 20 * 5
    while number:
        number, at = divmod(number, 100)
        word += "bdfghjklmnprstvwzcqx"[at // 5] + "aeiou"[at % 5]
    return word


def show(results: dict[str, Any], console: Console) -> None:
    """Prints what `measure` found."""
    quality = Table("catalogue", "briefs", "n", title=f"nDCG@{_DEPTH} / recall@{_DEPTH}")
    for name in (*_SYSTEMS, "both - words", "both - meaning"):
        quality.add_column(name)
    for row in results["quality"]["groups"]:
        cells = [f"{row[system]['ndcg']:.3f} / {row[system]['recall']:.3f}" for system in _SYSTEMS]
        for system in ("words", "meaning"):
            low, high = row[f"ndcg_both_less_{system}"]
            cells.append(f"{low:+.3f} to {high:+.3f}")
        quality.add_row(row["where"], row["group"], str(row["briefs"]), *cells)
    console.print(quality)
    for name, share in results["quality"]["share_answered"].items():
        console.print(f"answered, as served ({name}): {share:.0%}")
    scale = Table("products", "build, s", "process, MB", "index, MB", "search p50 / p99, ms", "again", "replace")
    for row in results["scale"]:
        times = [f"{row[key]['p50']} / {row[key]['p99']}" for key in ("search_ms", "search_again_ms", "replace_ms")]
        scale.add_row(str(row["products"]), str(row["build_s"]), str(row["rss_mb"]), str(row["index_mb"]), *times)
    console.print(scale)
    console.print(f"the encoder loads in {results['load_s']} s")
