"""In a good installation no policy finds anything; and there is none without a case in which it complains."""

from tests.deploy_check import test_cluster, test_settings, test_workloads
from tests.deploy_check.spoiling import FACTS, GOOD
from tools.deploy_check.objects import Render
from tools.deploy_check.policies import POLICIES, examine
from tools.deploy_check.schema import Schemas


def test_a_good_installation_has_no_findings() -> None:
    assert [finding.line() for finding in examine(Render.parse(GOOD), FACTS)] == []


def test_a_good_installation_meets_the_schemas() -> None:
    schemas = Schemas("1.37")
    assert [finding.line() for thing in Render.parse(GOOD).objects for finding in schemas.check(thing)] == []


def test_every_policy_has_a_case_in_which_it_complains_and_says_what_it_is_for() -> None:
    cases = [*test_workloads.CASES, *test_settings.CASES, *test_cluster.CASES]
    assert {case.policy for case in cases} == set(POLICIES)
    assert all(policy.__doc__ for policy in POLICIES.values())
