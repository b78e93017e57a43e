"""What scanners say, what is excused, and that an excuse does not outlive its reason."""

from pathlib import Path

import pytest
from tests.deploy_check.spoiling import GOOD
from tools.deploy_check.findings import Finding
from tools.deploy_check.objects import Render
from tools.deploy_check.scan import Exceptions, ScanError, checkov, cover, hadolint
from tools.deploy_check.tooling import Scanners, ToolFailed

ROOT = Path(__file__).parents[2]
SCANNERS = Scanners(ROOT)
installed = pytest.mark.skipif(
    not SCANNERS.program("checkov").exists(), reason="the scanners are not installed; make deploy-check installs them"
)
ONE = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\n"
TWO = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: two}\n"


def exceptions(tmp_path: Path, text: str) -> Exceptions:
    """From a file with this text."""
    (tmp_path / "scanners.yaml").write_text(text)
    return Exceptions.load(tmp_path / "scanners.yaml")


def finding(check: str, where: str) -> Finding:
    return Finding(where, check, "is not well", "correct it", "checkov kubernetes")


def test_an_exception_excuses_its_check_in_its_place_alone(tmp_path: Path) -> None:
    given = exceptions(tmp_path, "- {check: C1, where: Deployment/a*, reason: because}")
    found = [finding("C1", "Deployment/ab"), finding("C1", "Deployment/b"), finding("C2", "Deployment/ab")]
    assert given.apply(found) == found[1:]


def test_an_exception_that_excuses_nothing_is_a_finding(tmp_path: Path) -> None:
    given = exceptions(tmp_path, "- {check: C1, reason: because}\n- {check: C2, reason: because}")
    given.apply([finding("C1", "Deployment/a")])
    assert [one.field for one in given.stale()] == ["C2"]


@pytest.mark.parametrize("text", ["- {check: C1}", "- {reason: because}", "- {check: C1, reason: a, wehre: b}", "a: b"])
def test_an_exception_has_a_reason_and_a_mistake_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(ScanError, match=r"^deploy/scanners.yaml: "):
        exceptions(tmp_path, text)


def test_the_exceptions_of_this_repository_can_be_read() -> None:
    Exceptions.load(ROOT / "deploy" / "scanners.yaml")


def test_every_object_is_scanned_once() -> None:
    one, two, both = Render.parse(ONE), Render.parse(TWO), Render.parse(f"{ONE}---\n{TWO}")
    three = Render.parse(f"{TWO}---\n{TWO.replace('two', 'three')}---\n{TWO.replace('two', 'four')}")

    def names(covered: dict[str, Render]) -> dict[str, list[str]]:
        return {name: [thing["metadata"]["name"] for thing in render.objects] for name, render in covered.items()}

    assert names(cover({"one": one, "two": two, "both": both})) == {"both": ["one", "two"]}
    assert names(cover({"both": both, "three": three})) == {"three": ["two", "three", "four"], "both": ["one"]}
    assert cover({}) == {}


@installed
def test_checkov_finds_what_is_wrong_and_nothing_that_is_not(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(GOOD)
    assert {one.field for one in checkov(SCANNERS, "kubernetes", tmp_path)} <= {"CKV_K8S_43", "CKV_K8S_15"}
    (tmp_path / "good.yaml").write_text(GOOD.replace("allowPrivilegeEscalation: false", "privileged: true", 1))
    found = checkov(SCANNERS, "kubernetes", tmp_path)
    assert ("Deployment/gateway", "CKV_K8S_16") in {(one.where, one.field) for one in found}


@installed
def test_a_scan_of_nothing_is_not_taken_for_a_good_one(tmp_path: Path) -> None:
    with pytest.raises(ToolFailed, match="found nothing to check as kubernetes"):
        checkov(SCANNERS, "kubernetes", tmp_path)


@installed
def test_hadolint_names_file_line_and_rule(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM docker.io/library/debian:12\nRUN cd /tmp\n")
    found = next(one for one in hadolint(SCANNERS, [tmp_path / "Dockerfile"], tmp_path) if one.field == "DL3003")
    assert found.line().startswith("Dockerfile DL3003: line 2: Use WORKDIR to switch to a directory;")
    assert "[hadolint]" in found.line()


def test_a_scanner_that_cannot_be_run_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ToolFailed, match=r"^hadolint: .*No such file") as caught:
        hadolint(Scanners(tmp_path), [], tmp_path)
    assert "\n" not in str(caught.value)
