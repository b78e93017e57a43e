"""The real stack over HTTP: the embedded model behind events, JSON and OpenAI's words."""

import json

import httpx2
import openai
from tools.stack import Stack

from adwright_client import Client

BODY = {"brand": "nordlys", "products": ["aurora-trail-2"], "format": "push"}


def browser(stack: Stack) -> httpx2.Client:
    headers = {"authorization": f"Bearer {stack.environ['ADWRIGHT_API_KEY']}"}
    return httpx2.Client(base_url=f"http://{stack.http_address}", headers=headers, timeout=60)


def test_events_add_up_to_the_ad(stack: Stack) -> None:
    texts: dict[str, str] = {}
    ads = None
    with browser(stack) as http:
        with http.stream("POST", "/v1/ads:generate", json=BODY, headers={"accept": "text/event-stream"}) as answer:
            for line in answer.iter_lines():
                if not line.startswith("data: "):
                    continue
                event = json.loads(line.removeprefix("data: "))
                if "delta" in event:
                    path = event["delta"]["path"]
                    texts[path] = texts.get(path, "") + event["delta"]["text"]
                if event.get("switched", {}).get("resume") == "RESUME_RESTARTED":
                    texts = {}
                if "completed" in event:
                    ads = event["completed"]["ads"]
        assert ads is not None
        assert {field["path"]: field["text"] for field in ads[0]["fields"]} == texts
        [kept] = http.get("/v1/generations", params={"pageSize": 1}).json()["generations"]
        assert kept["completed"]["ads"] == ads


def test_openais_client_speaks_in_a_brands_voice(stack: Stack) -> None:
    with openai.OpenAI(
        base_url=f"http://{stack.http_address}/v1", api_key=stack.environ["ADWRIGHT_API_KEY"], max_retries=0
    ) as client:
        assert "nordlys/push" in {model.id for model in client.models.list()}
        stream = client.chat.completions.create(
            model="nordlys/push",
            messages=[{"role": "user", "content": "a light tent"}],
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = list(stream)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices).strip()
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens > 0


def test_keys_without_async(stack: Stack) -> None:
    with Client(stack.target("gateway"), stack.environ["ADWRIGHT_API_KEY"]) as client:
        made = client.keys.create(["read"], display_name="sync")
        assert made.key.name in {key.name for key in client.keys.list()}
        turned = client.keys.rotate(made.key.name)
        assert client.keys.revoke(turned.key.name).revoke_time.seconds


def test_a_catalogue_is_imported_by_its_file_in_parts(stack: Stack) -> None:
    rows = [
        json.dumps({"name": f"brands/nordlys/products/upload-{number}", "display_name": f"Tent {number}"}) + "\n"
        for number in range(300)
    ]
    data = "".join([*rows[:150], "not json\n", *rows[150:]]).encode()
    with browser(stack) as http:
        config = {"parent": "brands/nordlys", "fileFormat": "FILE_FORMAT_JSONL"}
        begun = http.post("/v1/imports", json={"collection": "COLLECTION_PRODUCTS", "config": config}).json()
        address = f"/v1/{begun['name']}:upload"
        paused = http.post(address, params={"finish": "false"}, content=data[:5000]).json()
        at = int(paused["metadata"]["committedBytes"])
        assert 0 < at <= 5000
        assert not paused.get("done")
        wrong = http.post(address, params={"offset": at + 1}, content=data[at + 1 :])
        assert (wrong.status_code, wrong.json()["reason"]) == (400, "IMPORT_OFFSET")
        done = http.post(address, params={"offset": at}, content=data[at:]).json()
        assert done["done"]
        assert (done["response"]["importedCount"], done["response"]["failedCount"]) == (300, 1)
        [refused] = http.get(f"/v1/{begun['name']}/errors").json()["errors"]
        assert int(refused["line"]) == 151
        for number in range(300):
            http.delete(f"/v1/brands/nordlys/products/upload-{number}")
