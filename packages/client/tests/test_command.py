import json
import os
import subprocess
import sys
from pathlib import Path

from client_events import CHECKS, Adwright

import adwright_client
from adwright.evaluator.v1.evaluator_service_pb2 import EvaluateTextRequest, EvaluateTextResponse
from adwright.type.v1.ad_pb2 import AdField
from adwright_client.testing import FakeGateway


async def test_lists_are_tab_separated_lines(adwright: Adwright) -> None:
    outcome = await adwright("brands", "list")
    assert outcome.out.splitlines() == [
        "ciclobruma\tCiclobruma\ten, sv\tanywhere\t",
        "kesselfink\tKesselfink\ten, sv\tanywhere\t",
        "nordlys\tNordlys\ten, sv\tanywhere\t",
    ]
    outcome = await adwright("products", "list", "--brand", "nordlys")
    assert outcome.out.splitlines()[0] == "aurora-trail-2\tAurora Trail 2\t\t249.00 EUR\t\t"
    outcome = await adwright("exemplars", "list", "--brand", "nordlys")
    assert outcome.out.splitlines() == ["plain-en\tplain\ten\t5/5\tLätt som en sommarnatt. ⛺"]
    outcome = await adwright("formats", "list")
    assert outcome.out.splitlines()[0] == (
        "google-rsa\tGoogle-Rsa\tgoogle-rsa\theadlines 3 to 15 of 30, descriptions 2 to 4 of 90"
    )


async def test_lists_and_single_resources_come_as_json_where_asked_for(adwright: Adwright) -> None:
    outcome = await adwright("products", "list", "--brand", "nordlys", "--json")
    assert [json.loads(line)["displayName"] for line in outcome.out.splitlines()] == [
        "Aurora Trail 2",
        "Aurora Trail 3",
    ]
    outcome = await adwright("products", "get", "aurora-trail-2", "--brand", "nordlys", "--json")
    assert json.loads(outcome.out)["price"] == {"currencyCode": "EUR", "units": "249"}


async def test_a_single_resource_is_shown_field_by_field(adwright: Adwright) -> None:
    outcome = await adwright("products", "get", "brands/nordlys/products/aurora-trail-2")
    assert outcome.out.splitlines() == [
        "name: brands/nordlys/products/aurora-trail-2",
        "display_name: Aurora Trail 2",
        "specs: weight: 1.9 kg",
        "price: 249.00 EUR",
        "etag: e2",
    ]
    assert outcome.code == 0


async def test_what_is_not_there_is_bad_input(adwright: Adwright) -> None:
    outcome = await adwright("brands", "get", "nowhere")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == "adwright: there is no brands/nowhere: list what there is [NOT_FOUND]\n"
    outcome = await adwright("products", "get", "aurora-trail-2")
    assert outcome.code == 2
    assert "is short: say which brand" in outcome.err


async def test_delete_says_what_is_gone_and_force_takes_what_belongs_to_it(adwright: Adwright) -> None:
    outcome = await adwright("brands", "delete", "nordlys")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.endswith("[BRAND_NOT_EMPTY]\n")
    outcome = await adwright("products", "delete", "aurora-trail-3", "--brand", "nordlys")
    assert (outcome.code, outcome.out) == (0, "aurora-trail-3 deleted\n")
    outcome = await adwright("brands", "delete", "nordlys", "--force")
    assert (outcome.code, outcome.out) == (0, "nordlys deleted\n")


async def test_evaluate_prints_findings_and_fails_when_a_required_scorer_does(
    adwright: Adwright, gateway: FakeGateway
) -> None:
    arguments = ("evaluate", "--field", "headlines[0]=a=b", "--field", "headlines[1]=Light", "-f", "google-rsa")
    outcome = await adwright(*arguments, "-b", "nordlys", "-p", "aurora-trail-2", "--scorer", "facts")
    assert (outcome.code, outcome.err) == (1, "")
    assert outcome.out.splitlines()[-1] == "not passed, mean score 0.75"
    asked = gateway.requests[-1]
    assert isinstance(asked, EvaluateTextRequest)
    assert list(asked.fields) == [
        AdField(path="headlines[0]", text="a=b"),
        AdField(path="headlines[1]", text="Light"),
    ]
    assert (asked.brand.name, asked.products[0].display_name, *asked.scorers) == (
        "brands/nordlys",
        "Aurora Trail 2",
        "facts",
    )
    gateway.verdict = EvaluateTextResponse(passed=True, checks=CHECKS[3:])
    outcome = await adwright("evaluate", "--text", "Light", "--json")
    assert (outcome.code, json.loads(outcome.out)["passed"]) == (0, True)


async def test_evaluate_wants_a_text_or_fields(adwright: Adwright) -> None:
    for arguments in ((), ("--text", "a", "--field", "b=c"), ("--field", "headlines")):
        outcome = await adwright("evaluate", *arguments)
        assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)


async def test_without_a_key_nothing_is_asked(adwright: Adwright, gateway: FakeGateway) -> None:
    outcome = await adwright("brands", "list", ADWRIGHT_API_KEY="")
    assert (outcome.code, gateway.requests) == (2, [])
    assert outcome.err.startswith("adwright: ADWRIGHT_API_KEY is not set")
    assert outcome.err.endswith("[API_KEY_MISSING]\n")


async def test_a_bad_setting_names_its_variable(adwright: Adwright) -> None:
    outcome = await adwright("brands", "list", ADWRIGHT_GATEWAY_TARGET="")
    assert outcome.code == 2
    assert outcome.err.startswith("adwright: ADWRIGHT_GATEWAY_TARGET: ")


async def test_wrong_usage_is_one_line_and_exit_code_2(adwright: Adwright) -> None:
    for arguments in (
        ("generate", "--brand", "nordlys"),
        ("generate", "--nonsense"),
        ("generate", "-b", "n", "-f", "plain", "--variants", "9"),
        ("brands",),
        ("nothing",),
    ):
        outcome = await adwright(*arguments)
        assert (outcome.code, outcome.out) == (2, "")
        assert outcome.err.endswith("see --help [USAGE]\n")
        assert outcome.err.count("\n") == 1


async def test_a_collector_that_is_not_there_neither_delays_nor_speaks(adwright_process: Adwright) -> None:
    outcome = await adwright_process("brands", "list", OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1")
    assert (outcome.code, outcome.err) == (0, "")
    assert len(outcome.out.splitlines()) == 3


async def test_marks_that_an_encoding_lacks_are_replaced(adwright_process: Adwright) -> None:
    outcome = await adwright_process("evaluate", "--text", "a", PYTHONUTF8="0", PYTHONIOENCODING="ascii")
    assert "? limits: all texts fit" in outcome.out


def test_help_and_version_need_neither_grpc_nor_telemetry() -> None:
    script = (
        "import sys; from adwright_client.cli import main; main(sys.argv[1:]); "
        "print(sorted({'grpc', 'opentelemetry', 'google.protobuf'} & set(sys.modules)), file=sys.stderr)"
    )
    for arguments in (["--help"], ["version"], ["--version"], ["generate", "--help"], []):
        done = subprocess.run(
            [sys.executable, "-c", script, *arguments], env=os.environ, capture_output=True, text=True, check=True
        )
        assert done.stderr == "[]\n"
        assert "adwright" in done.stdout


async def test_the_version_is_that_of_the_package(adwright: Adwright) -> None:
    assert (await adwright("version")).out == f"adwright {adwright_client.__version__}\n"
    project = (Path(__file__).parents[1] / "pyproject.toml").read_text()
    assert f'\nversion = "{adwright_client.__version__}"\n' in project
