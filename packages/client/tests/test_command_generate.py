import asyncio
import json
import signal

import pytest
from client_events import (
    GENERATE,
    TRACE,
    Adwright,
    completed,
    delta,
    restarted,
    spawn,
    started,
    switched,
    withheld,
)
from google.protobuf.json_format import Parse

from adwright.evaluator.v1.evaluator_service_pb2 import EvaluateTextRequest
from adwright.gateway.v1.ad_service_pb2 import GenerateAdRequest
from adwright.type.v1.ad_event_pb2 import AdEvent, AdSwitched
from adwright.type.v1.priority_pb2 import PRIORITY_BATCH
from adwright_client.testing import FakeGateway
from adwright_servicekit import errors
from adwright_servicekit.errors import AdwrightError


async def test_json_is_one_event_a_line_and_nothing_else(adwright_process: Adwright, gateway: FakeGateway) -> None:
    gateway.script[1:1] = [delta("headlines[0]", "Lätt ⛺ 👩\u200d👧")]
    outcome = await adwright_process(*GENERATE, "--json")
    lines = outcome.out.splitlines()
    assert [Parse(line, AdEvent()) for line in lines] == gateway.script
    assert "Lätt ⛺ 👩\u200d👧" in lines[1], "text is readable, not escaped"
    assert json.loads(lines[-1])["completed"]["usage"]["estimated"] is False, "empty fields are printed"
    assert (outcome.code, outcome.err) == (0, "")


async def test_json_lines_leave_at_once(gateway: FakeGateway) -> None:
    gateway.script = [started(), delta("text", "Light"), 30.0]
    process = await spawn(gateway, *GENERATE, "--json")
    assert process.stdout is not None
    lines = [await asyncio.wait_for(process.stdout.readline(), 10) for _ in range(2)]
    assert json.loads(lines[1]) == {"delta": {"variant": 0, "path": "text", "text": "Light"}}
    process.kill()
    await process.wait()


async def test_options_reach_the_gateway_and_what_is_not_said_stays_unsaid(
    adwright: Adwright, gateway: FakeGateway
) -> None:
    await adwright(*GENERATE)
    full = ["--language", "sv", "--brief", "lätt", "--audience", "hikers", "--tone", "dry", "--variants", "2"]
    more = ["--backend", "b", "--prompt-version", "ad/v1", "--seed", "0", "--product", "aurora-trail-3"]
    more += ["--adapter", "nordlys-voice", "--batch"]
    await adwright(*GENERATE, *full, *more)
    assert gateway.requests == [
        GenerateAdRequest(brand="nordlys", products=["aurora-trail-2"], format="google-rsa", variant_count=1),
        GenerateAdRequest(
            brand="nordlys",
            products=["aurora-trail-2", "aurora-trail-3"],
            format="google-rsa",
            language="sv",
            brief="lätt",
            audience="hikers",
            tone="dry",
            variant_count=2,
            backend="b",
            adapter="nordlys-voice",
            priority=PRIORITY_BATCH,
            prompt_version="ad/v1",
            seed=0,
        ),
    ]


async def test_without_a_terminal_text_grows_on_plain_lines(adwright_process: Adwright) -> None:
    outcome = await adwright_process(*GENERATE)
    assert outcome.out.splitlines() == [
        "-- formats/google-rsa en: SmolLM2-135M-Instruct on embedded --",
        "headlines[0]: Heavy",
        "-- repair: variant 0 starts again --",
        "headlines[0]: Light as a summer night",
        "headlines[1]: Weighs 2 kg",
        "",
        "-- variant 0: not valid --",
        "headlines[0]    23/30  Light as a summer night",
        "headlines[1]    11/30  Weighs 2 kg",
        "",
        "-- checks --",
        "– banned_terms: the brand bans no terms",
        "✗ facts headlines[1]: '2 kg' stands in no fact of the product: say 1.9 kg (0.50)",
        "! language: the detector did not answer",
        "✓ limits: all texts fit (1.00)",
        "",
        "tokens:     412 in, 96 out, 2 model calls",
        "time:       0.42 s to the first words, 2.10 s in all, 80.0 tokens/s",
        "cost:       0.000123 USD",
        "model:      SmolLM2-135M-Instruct on embedded",
        "prompt:     ad/v1@0123456789ab, context 9f86d081884c7d65",
        "generation: generations/01jd8",
        f"trace:      {TRACE}",
    ]
    assert (outcome.code, outcome.err) == (0, "")


async def test_plain_text_is_there_before_the_field_is_whole(gateway: FakeGateway) -> None:
    gateway.script = [started(), delta("headlines[0]", "Light as"), 30.0]
    process = await spawn(gateway, *GENERATE)
    assert process.stdout is not None
    await asyncio.wait_for(process.stdout.readuntil(b"headlines[0]: Light as"), 10)
    process.kill()
    await process.wait()


async def test_variants_written_at_once_take_turns_on_lines(adwright: Adwright, gateway: FakeGateway) -> None:
    gateway.script = [
        started(2),
        delta("headlines[0]", "Light ", 0),
        delta("headlines[0]", "Night ", 1),
        delta("headlines[0]", "as air", 0),
        withheld("headlines[1]", 1),
        switched(1, AdSwitched.RESUME_EXACT_PREFIX),
        delta("headlines[0]", "sky", 1),
        restarted(1),
        delta("headlines[0]", "Day", 1),
        completed({"headlines[0]": "Light as air"}, {"headlines[0]": "Day"}, checks=[]),
    ]
    outcome = await adwright(*GENERATE, "--variants", "2")
    assert outcome.out.splitlines()[1:12] == [
        "0 headlines[0]: Light ",
        "1 headlines[0]: Night ",
        "0 headlines[0]: …as air",
        "-- withheld: variant 1 headlines[1], by the rule banned_terms --",
        "-- repair: variant 1 goes on where it was --",
        "1 headlines[0]: …sky",
        "-- repair: variant 1 starts again --",
        "1 headlines[0]: Day",
        "",
        "-- variant 0: valid --",
        "headlines[0]    12/30  Light as air",
    ]


async def test_what_a_model_writes_does_not_command_the_terminal(adwright: Adwright, gateway: FakeGateway) -> None:
    evil = "a\x1b[2Jb\x07\u202ec"
    gateway.script = [started(), delta("text", evil), completed({"text": evil}, checks=[])]
    outcome = await adwright(*GENERATE)
    assert "text: a�[2Jb��c" in outcome.out
    assert "\x1b" not in outcome.out


async def test_evaluate_adds_what_the_scorers_say_in_the_same_trace(adwright: Adwright, gateway: FakeGateway) -> None:
    outcome = await adwright(*GENERATE, "--brief", "short", "--evaluate")
    assert outcome.code == 0
    tail = outcome.out.partition("-- evaluation --\n")[2].splitlines()
    assert tail[-1] == "not passed, mean score 0.75"
    assert "✓ limits: all texts fit (1.00)" in tail
    asked = gateway.requests[-1]
    assert isinstance(asked, EvaluateTextRequest)
    assert asked.brand.name == "brands/nordlys"
    assert [product.name for product in asked.products] == ["brands/nordlys/products/aurora-trail-2"]
    assert (asked.format, asked.language, asked.brief) == ("formats/google-rsa", "en", "short")
    assert [field.text for field in asked.fields] == ["Light as a summer night", "Weighs 2 kg"]
    assert len(gateway.traces) == 4
    assert len({*gateway.traces}) == 1


async def test_evaluate_and_json_do_not_go_together(adwright: Adwright, gateway: FakeGateway) -> None:
    outcome = await adwright(*GENERATE, "--evaluate", "--json")
    assert (outcome.code, outcome.out, gateway.requests) == (2, "", [])
    assert outcome.err == (
        "adwright: --json prints the events alone: run 'adwright evaluate' for the scorers [USAGE]\n"
    )


ERRORS: list[tuple[AdwrightError, int]] = [
    (errors.InvalidInput.of("brief", "say more", reason="BRIEF_MISSING"), 2),
    (errors.NotFound("there is no format formats/x"), 2),
    (errors.AlreadyExists("taken"), 2),
    (errors.PermissionDenied("this key may not generate", reason="SCOPE_MISSING"), 2),
    (errors.Unauthenticated("this key was revoked", reason="API_KEY_REVOKED"), 2),
    (errors.FailedPrecondition("no backend may see this brand", reason="RESIDENCY"), 1),
    (errors.Conflict("changed since"), 1),
    (errors.ResourceExhausted("busy", reason="QUEUE_FULL"), 1),
    (errors.DeadlineTooShort("give it more time"), 1),
    (errors.Unavailable("the backend is gone"), 1),
    (errors.Internal("a defect"), 1),
]


@pytest.mark.parametrize(("error", "code"), ERRORS, ids=lambda value: type(value).__name__)
async def test_an_error_is_one_line_with_its_reason_and_an_exit_code(
    adwright: Adwright, gateway: FakeGateway, error: AdwrightError, code: int
) -> None:
    gateway.script = [started(), delta("text", "Li"), error]
    outcome = await adwright(*GENERATE, "--json")
    assert (outcome.code, outcome.err) == (code, f"adwright: {error.message} [{error.reason}]\n")
    assert len(outcome.out.splitlines()) == 2, "what came before the error is kept"


async def test_an_error_says_when_to_try_again(adwright: Adwright, gateway: FakeGateway) -> None:
    gateway.error = errors.ResourceExhausted("busy", reason="QUEUE_FULL", retry_after=3.0)
    outcome = await adwright(*GENERATE)
    assert outcome.err == "adwright: busy (try again in 3 s) [QUEUE_FULL]\n"


async def test_a_gateway_that_is_not_there_is_one_line(adwright_process: Adwright) -> None:
    outcome = await adwright_process(*GENERATE, ADWRIGHT_GATEWAY_TARGET="127.0.0.1:1")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == (
        "adwright: cannot reach 127.0.0.1:1: is the gateway running? (make up) [GATEWAY_UNREACHABLE]\n"
    )


async def test_a_timeout_is_one_line_with_the_remedy(adwright: Adwright, gateway: FakeGateway) -> None:
    gateway.script = [started(), 30.0]
    outcome = await adwright(*GENERATE, "--timeout", "0.5")
    assert outcome.code == 1
    assert outcome.err.startswith("adwright: ")
    assert "longer timeout" in outcome.err
    assert outcome.err.endswith("[DEADLINE_TOO_SHORT]\n")
    assert outcome.err.count("\n") == 1


async def test_ctrl_c_cancels_the_call_with_one_line(gateway: FakeGateway) -> None:
    gateway.script = [started(), delta("headlines[0]", "Light"), 30.0]
    process = await spawn(gateway, *GENERATE)
    assert process.stdout is not None
    await asyncio.wait_for(process.stdout.readuntil(b"Light"), 10)
    process.send_signal(signal.SIGINT)
    _, err = await asyncio.wait_for(process.communicate(), 10)
    assert (process.returncode, err.decode()) == (1, "adwright: interrupted [INTERRUPTED]\n")
    await asyncio.wait_for(gateway.cancelled.wait(), 5)


@pytest.mark.parametrize("options", [["--json"], []], ids=["json", "plain"])
async def test_a_reader_that_leaves_ends_the_command_without_a_word(gateway: FakeGateway, options: list[str]) -> None:
    gateway.script = [started(), *(delta("text", "more ") for _ in range(20_000)), completed({})]
    process = await spawn(gateway, *GENERATE, *options)
    assert process.stdout is not None
    await asyncio.wait_for(process.stdout.readline(), 10)
    process.stdout._transport.close()  # type: ignore[attr-defined]
    assert process.stderr is not None
    assert (await asyncio.wait_for(process.stderr.read(), 10)) == b""
    assert await process.wait() == 1
