"""`python -m deploy.autoscaling` as people run it, over the manifests as they are."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from deploy.autoscaling.__main__ import main
from deploy.autoscaling.bursts import BURSTS
from deploy.autoscaling.inputs import Inputs, InputsError
from deploy.autoscaling.manifests import ScaledObject, Serving
from deploy.autoscaling.report import rows
from deploy.autoscaling.simulation import simulate
from deploy.autoscaling.sweep import KNOBS, swept

INPUTS = Path("deploy/autoscaling/inputs.yaml")
GUIDE = Path("docs/guides/autoscaling.md")


def test_a_load_of_ones_own_becomes_a_table_figures_and_a_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    load = tmp_path / "mine.csv"
    load.write_text("minute,requests_per_second\n0,0.5\n10,2\n20,0\n")
    assert main(["--burst", str(load), "--no-sweep", "--output", str(tmp_path / "build")]) == 0
    said = json.loads((tmp_path / "build" / "autoscaling.json").read_text())
    assert said["bursts"]["mine"]["summary"]["requests"] > 500
    printed = capsys.readouterr().out
    assert "spilled to the API" in printed
    if "matplotlib is not installed" not in printed:
        assert "</svg>" in (tmp_path / "build" / "autoscaling.svg").read_text()


def test_the_manifests_are_read_and_every_number_that_is_swept_is_theirs() -> None:
    setting = (ScaledObject.load(), Serving.load())
    assert {trigger.name for trigger in setting[0].triggers} == {"demand", "wanted", "queue", "batch"}
    for knob in KNOBS:
        chosen = knob.read(setting)
        assert min(knob.tried) <= chosen <= max(knob.tried), f"{knob.name}: nothing beside {chosen} is tried"
        for value in knob.tried:
            assert knob.read(knob.turn(setting, value)) == value


def test_the_guide_shows_what_the_manifests_numbers_give_today() -> None:
    scaled, serving, inputs = ScaledObject.load(), Serving.load(), Inputs.load()
    results = [simulate(burst, inputs, scaled, serving) for burst in BURSTS]
    guide = GUIDE.read_text()
    for label, cells in rows(results):
        line = f"| {label} | {' | '.join(cells)} |"
        assert line in guide, f"{GUIDE}: expected `{line}`, as `make simulate` has it"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--burst", "nobody"], "--burst nobody: there are campaign, office, trickle"),
        (["--burst", "missing.csv"], "missing.csv: cannot be read: No such file or directory"),
        (["--scaled-object", "deploy/autoscaling/inputs.yaml"], "expected one ScaledObject"),
        (["--inputs", "nosuch.yaml"], "nosuch.yaml: cannot be read: No such file or directory"),
        (["--inputs", "deploy/autoscaling"], "deploy/autoscaling: cannot be read: Is a directory"),
        (["--output", "/proc/nope"], "--output /proc/nope: cannot be written to: "),
        (["--output", "Makefile"], "--output Makefile: cannot be written to: File exists; name another folder"),
    ],
)
def test_what_cannot_be_simulated_is_one_line_and_exit_code_2(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--no-sweep"]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert says in line


@pytest.mark.parametrize(
    "rows",
    [
        "0,1\n0,2\n",
        "0,1\n",
        "0,x\n5,1\n",
        "0,nan\n5,1\n",
        "0,1\nnan,1\n",
        "0,1\n5,inf\n",
        "0,-1\n5,1\n",
        "1,1\n5,1\n",
        "0,0\n5,0\n",
    ],
)
def test_a_load_that_is_none_is_refused_by_its_line(
    rows: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    load = tmp_path / "mine.csv"
    load.write_text("minute,requests_per_second\n" + rows)
    assert main(["--burst", str(load), "--no-sweep"]) == 2
    assert "mine.csv: " in capsys.readouterr().err


SAID = INPUTS.read_text()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [1", "is not YAML: while parsing"),
        ("", "expected a mapping of names to numbers, as deploy/autoscaling/inputs.yaml has it"),
        ("- 1", "expected a mapping of names to numbers"),
        (SAID.replace("value: 75", "value: .nan"), "model_load: expected `value`, a finite number above 0, not nan"),
        (SAID.replace("value: 75", "value: .inf"), "model_load: expected `value`, a finite number above 0, not inf"),
        (SAID.replace("value: 75", f"value: {10**400}"), "model_load: expected `value`, a finite number above 0"),
        (SAID.replace("value: 75", "value: often"), "model_load: expected `value`, a finite number above 0, not often"),
        (SAID.replace("model_load:\n", "model_loads:\n"), "model_loads: is not known; did you mean model_load?"),
        (SAID + "\ncolour: {value: 1}\n", "colour: is not known; there are prompt_tokens, "),
        ("tolerance: {value: 0.1, assumption: mine}\ncolour: 1\n", "colour: is not known; there are prompt_tokens, "),
        ("tolerance: {value: 0.1, assumption: mine}\n", "api_token_rate, hpa_sync: missing; take what is not yours"),
        (
            re.sub(r"tolerance:[\s\S]*", "tolerance: 0.1\n", SAID),
            "tolerance: expected `value`, and where it comes from",
        ),
    ],
)
def test_inputs_that_are_none_are_one_line_that_names_file_field_and_remedy(
    text: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = tmp_path / "mine.yaml"
    wrong.write_text(text)
    assert main(["--inputs", str(wrong), "--no-sweep", "--output", str(tmp_path)]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"simulate: {wrong}: ")
    assert says in line


def test_a_manifest_that_is_not_yaml_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = tmp_path / "tgi.yaml"
    wrong.write_text("kind: [ScaledObject\n")
    assert main(["--scaled-object", str(wrong), "--no-sweep"]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"simulate: {wrong}: expected one ScaledObject")


@pytest.mark.parametrize(
    ("said", "instead", "says"),
    [
        ("pollingInterval: 15", "pollingInterval: 0", "pollingInterval: expected a finite number above 0, not 0"),
        ('threshold: "150"', 'threshold: "nan"', "threshold of wanted: expected a finite number above 0, not nan"),
        ("name: wanted", "name: mine", "trigger mine: the simulation does not know"),
    ],
)
def test_a_manifest_that_cannot_be_replayed_is_one_line(
    said: str, instead: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = Path("deploy/kustomize/components/autoscaling-tgi/tgi.yaml").read_text()
    wrong = tmp_path / "tgi.yaml"
    wrong.write_text(text.replace(said, instead))
    assert main(["--scaled-object", str(wrong), "--no-sweep", "--output", str(tmp_path)]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert says in line


def test_a_sweep_over_a_manifest_without_a_trigger_that_it_turns_says_so() -> None:
    scaled = ScaledObject.load()
    fewer = replace(scaled, triggers=tuple(trigger for trigger in scaled.triggers if trigger.name != "wanted"))
    with pytest.raises(InputsError, match=r"no trigger of the ScaledObject is called wanted, .* add --no-sweep"):
        list(swept(BURSTS, Inputs.load(), (fewer, Serving.load()), 1))


def test_a_number_without_a_source_is_refused(tmp_path: Path) -> None:
    wrong = tmp_path / "inputs.yaml"
    wrong.write_text(INPUTS.read_text().replace("  assumption: as above\n", ""))
    with pytest.raises(InputsError, match="api_token_rate: say where it comes from"):
        Inputs.load(wrong)
