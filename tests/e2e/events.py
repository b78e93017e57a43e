"""The AdEvent contract, as a reader of `adwright generate --json` can hold it."""

from typing import Any

__all__ = ["hold_contract"]

Event = dict[str, Any]


def hold_contract(events: list[Event]) -> dict[str, Any]:
    """Asserts that a stream is as AdEvent says, and gives its `completed`."""
    kinds = [next(iter(event)) for event in events]
    assert all(len(event) == 1 for event in events)
    assert kinds[0] == "started"
    assert kinds[-1] == "completed"
    assert kinds.count("started") == kinds.count("completed") == 1
    texts: dict[tuple[int, str], str] = {}
    for event in events:
        if delta := event.get("delta"):
            assert delta["text"]
            key = (delta["variant"], delta["path"])
            texts[key] = texts.get(key, "") + delta["text"]
        elif (switched := event.get("switched")) and switched["resume"] == "RESUME_RESTARTED":
            texts = {key: text for key, text in texts.items() if key[0] != switched["variant"]}
    completed: dict[str, Any] = events[-1]["completed"]
    assert texts == {(ad["variant"], field["path"]): field["text"] for ad in completed["ads"] for field in ad["fields"]}
    assert [ad["variant"] for ad in completed["ads"]] == list(range(events[0]["started"]["variantCount"]))
    return completed
