"""`python -m deploy.autoscaling` as people run it, over the manifests as they are."""

import json
from pathlib import Path

import pytest
from deploy.autoscaling.__main__ import main
from deploy.autoscaling.bursts import BURSTS
from deploy.autoscaling.inputs import Inputs, InputsError
from deploy.autoscaling.manifests import ScaledObject, Serving
from deploy.autoscaling.report import rows
from deploy.autoscaling.simulation import simulate
from deploy.autoscaling.sweep import KNOBS

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
    ],
)
def test_what_cannot_be_simulated_is_one_line_and_exit_code_2(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--no-sweep"]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert says in line


@pytest.mark.parametrize("rows", ["0,1\n0,2\n", "0,1\n", "0,x\n5,1\n", "0,-1\n5,1\n", "1,1\n5,1\n", "0,0\n5,0\n"])
def test_a_load_that_is_none_is_refused_by_its_line(
    rows: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    load = tmp_path / "mine.csv"
    load.write_text("minute,requests_per_second\n" + rows)
    assert main(["--burst", str(load), "--no-sweep"]) == 2
    assert "mine.csv: " in capsys.readouterr().err


def test_a_number_without_a_source_is_refused(tmp_path: Path) -> None:
    wrong = tmp_path / "inputs.yaml"
    wrong.write_text(INPUTS.read_text().replace("  assumption: as above\n", ""))
    with pytest.raises(InputsError, match="api_token_rate: say where it comes from"):
        Inputs.load(wrong)
