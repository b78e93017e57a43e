"""What people do wrong is told in one line, with the remedy; exit code 2 for input, 1 for failures."""

import subprocess
import sys
from pathlib import Path

import pytest
from commands import AD, adwright
from tools.stack import Stack


@pytest.mark.parametrize(
    ("arguments", "code", "reason", "words"),
    [
        (("--brand", "nordlis", *AD[2:]), 2, "BRAND_NOT_FOUND", "nordlys"),
        ((*AD[:2], "--product", "aurora-trial-2", *AD[4:]), 2, "PRODUCT_NOT_FOUND", "aurora-trail-2"),
        (
            (*AD[:2], "--product", "brands/kesselfink/products/x", *AD[4:]),
            2,
            "PRODUCT_OF_ANOTHER_BRAND",
            "brands/nordlys",
        ),
        (("--brand", "nordlys", "--format", "plain"), 2, "BRIEF_REQUIRED", "brief"),
        ((*AD[:4], "--format", "google-rsaa"), 2, "FORMAT_NOT_FOUND", "google-rsa"),
        ((*AD, "--language", "english!"), 2, "INVALID_INPUT", "BCP-47"),
        ((*AD, "--language", "ja"), 2, "LANGUAGE_NOT_OFFERED", "sv"),
        ((*AD, "--variants", "99"), 2, "USAGE", "variant"),
        ((*AD, "--backend", "nowhere"), 2, "BACKEND_NOT_FOUND", "embedded"),
        ((*AD, "--prompt-version", "ad/v99"), 2, "PROMPT_NOT_FOUND", "ad/v1"),
        ((*AD, "--brief", "x" * 5000), 2, "INVALID_INPUT", "brief"),
        ((*AD, "--timeout", "0.3"), 1, "DEADLINE_TOO_SHORT", "longer"),
    ],
)
def test_wrong_input_is_one_line_with_reason_and_remedy(
    stack: Stack, arguments: tuple[str, ...], code: int, reason: str, words: str
) -> None:
    done = adwright(stack, "generate", *arguments)
    lines = done.stderr.strip().splitlines()
    assert done.returncode == code, done.stderr
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("adwright: ")
    assert reason in lines[0]
    assert words in lines[0]


@pytest.mark.parametrize(
    ("environ", "code", "says"),
    [
        ({"ADWRIGHT_API_KEY": "adw_this_is_not_the_key"}, 2, "API_KEY_INVALID"),
        ({"ADWRIGHT_API_KEY": ""}, 2, "ADWRIGHT_API_KEY"),
        ({"ADWRIGHT_GATEWAY_TARGET": "127.0.0.1:1"}, 1, "is the gateway running"),
    ],
)
def test_a_wrong_environment_is_one_line(stack: Stack, environ: dict[str, str], code: int, says: str) -> None:
    done = adwright(stack, "generate", *AD, **environ)
    assert done.returncode == code
    assert len(done.stderr.strip().splitlines()) == 1
    assert says in done.stderr


def test_a_context_service_that_is_down_is_named(own_stack: Stack) -> None:
    # Stopped dead, not ended: honcho would end the others with it.
    context = own_stack.process("context")
    context.suspend()
    try:
        done = adwright(own_stack, "generate", *AD, "--timeout", "2")
    finally:
        context.resume()
    assert done.returncode == 1
    assert "DEADLINE_TOO_SHORT" in done.stderr or "CONTEXT_UNAVAILABLE" in done.stderr


@pytest.mark.parametrize(
    ("module", "environ", "says"),
    [
        ("adwright_generator", {"ADWRIGHT_EMBEDDED_MODEL": "/nowhere/model.gguf"}, "/nowhere/model.gguf"),
        ("adwright_generator", {"ADWRIGHT_GENERATOR_CONFIG": "/nowhere.yaml"}, "ADWRIGHT_GENERATOR_CONFIG"),
        ("adwright_context", {"ADWRIGHT_CONTEXT_STORE": "oracle"}, "ADWRIGHT_CONTEXT_STORE"),
        ("adwright_gateway", {"ADWRIGHT_GATEWAY_LISTEN": "nonsense"}, "ADWRIGHT_GATEWAY_LISTEN"),
        ("adwright_evaluator", {"ADWRIGHT_MAX_DEADLINE": "soon"}, "ADWRIGHT_MAX_DEADLINE"),
    ],
)
def test_a_service_that_cannot_start_says_why_in_one_line(
    tmp_path: Path, module: str, environ: dict[str, str], says: str
) -> None:
    listen = f"{module.upper()}_LISTEN"
    done = subprocess.run(
        [sys.executable, "-m", module],
        cwd=tmp_path,
        env={"PATH": "", listen: "127.0.0.1:0"} | environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    lines = [line for line in done.stderr.splitlines() if line.startswith(module.replace("_", "-"))]
    assert done.returncode in (1, 2)
    assert len(lines) == 1, done.stderr
    assert says in lines[0]
    assert "Traceback" not in done.stderr
