"""The evaluator of NetworkPolicies, held against what Kubernetes' documentation says they mean."""

from collections.abc import Iterable
from textwrap import dedent

import pytest
from tools.deploy_check.network import Party, Policies, Port, selects
from tools.deploy_check.objects import Render

WEB = Port(8080, name="web")
ADMIN = Port(9000, name="admin")
CLIENT = Party("client", "shop", {"app": "client", "tier": "front"}, "10.0.0.1")
SERVER = Party("server", "shop", {"app": "server"}, "10.0.0.2", (WEB, ADMIN, Port(53, "UDP", "dns")))
STRANGER = Party("stranger", "other", {"app": "client"}, "10.0.9.1")
INTERNET = Party("internet", ip="203.0.113.7")
METADATA = Party("metadata", ip="169.254.169.254")


def policies(*specs: str, blocks_reach_pods: bool = False, namespaces: str = "") -> Policies:
    """NetworkPolicies of the namespace `shop`, each given by its spec."""
    documents = [
        f"kind: NetworkPolicy\nmetadata: {{name: p{place}, namespace: shop}}\nspec:\n"
        + "\n".join(f"  {line}" for line in dedent(spec).strip().splitlines())
        for place, spec in enumerate(specs)
    ]
    return Policies(Render.parse("\n---\n".join([*documents, namespaces])), blocks_reach_pods=blocks_reach_pods)


DENY_ALL = """
podSelector: {}
policyTypes: [Ingress, Egress]
"""


def to_server(rule: str) -> str:
    """A policy for the server with one ingress rule."""
    return f"podSelector: {{matchLabels: {{app: server}}}}\npolicyTypes: [Ingress]\ningress:\n  - {rule}"


def from_client(rule: str) -> str:
    """A policy for the client with one egress rule."""
    return f"podSelector: {{matchLabels: {{app: client}}}}\npolicyTypes: [Egress]\negress:\n  - {rule}"


def test_without_policies_everything_is_open() -> None:
    assert policies().allow(STRANGER, SERVER, WEB)
    assert policies().allow(SERVER, INTERNET, Port(443))


def test_a_policy_without_rules_shuts_its_direction() -> None:
    shut = policies(DENY_ALL)
    assert not shut.allow(CLIENT, SERVER, WEB)
    assert not shut.allow(CLIENT, INTERNET, Port(443))
    assert not shut.allow(INTERNET, SERVER, WEB)


def test_a_policy_concerns_its_own_namespace_only() -> None:
    assert policies(DENY_ALL).allow(STRANGER, INTERNET, Port(443))


def test_a_pod_that_no_policy_selects_stays_open() -> None:
    assert policies(to_server("{}")).allow(SERVER, CLIENT, WEB)


def test_a_direction_that_is_not_named_stays_open() -> None:
    assert policies("podSelector: {}\npolicyTypes: [Ingress]").allow(CLIENT, INTERNET, Port(443))


def test_without_policy_types_ingress_is_meant_and_egress_where_it_has_rules() -> None:
    without = policies("podSelector: {}")
    assert not without.allow(STRANGER, SERVER, WEB)
    assert without.allow(SERVER, INTERNET, Port(443))
    assert not policies("podSelector: {}\negress: []").allow(SERVER, INTERNET, Port(443))


def test_an_empty_rule_lets_everybody_in() -> None:
    assert policies(to_server("{}")).allow(INTERNET, SERVER, ADMIN)


def test_a_connection_needs_both_ends() -> None:
    ingress = to_server("from: [{podSelector: {matchLabels: {app: client}}}]")
    egress = from_client("to: [{podSelector: {matchLabels: {app: server}}}]")
    assert not policies(DENY_ALL, ingress).allow(CLIENT, SERVER, WEB)
    assert not policies(DENY_ALL, egress).allow(CLIENT, SERVER, WEB)
    assert policies(DENY_ALL, ingress, egress).allow(CLIENT, SERVER, WEB)


def test_policies_add_up() -> None:
    both = policies(
        to_server("{from: [{podSelector: {}}], ports: [{port: 8080}]}"),
        to_server("{from: [{podSelector: {}}], ports: [{port: 9000}]}"),
    )
    assert both.allow(CLIENT, SERVER, WEB)
    assert both.allow(CLIENT, SERVER, ADMIN)
    assert not both.allow(CLIENT, SERVER, Port(1))


def test_peer_and_port_have_to_be_of_one_rule() -> None:
    crossed = policies(
        "podSelector: {matchLabels: {app: server}}\ningress:\n"
        "  - {from: [{podSelector: {matchLabels: {app: client}}}], ports: [{port: 9000}]}\n"
        "  - {from: [{podSelector: {matchLabels: {app: nobody}}}], ports: [{port: 8080}]}"
    )
    assert not crossed.allow(CLIENT, SERVER, WEB)


def test_a_pod_selector_alone_means_the_same_namespace() -> None:
    own = policies(to_server("from: [{podSelector: {matchLabels: {app: client}}}]"))
    assert own.allow(CLIENT, SERVER, WEB)
    assert not own.allow(STRANGER, SERVER, WEB)


def test_two_selectors_in_one_entry_are_both_needed_and_in_two_either() -> None:
    other = "namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: other}}"
    together = policies(to_server(f"from: [{{{other}, podSelector: {{matchLabels: {{app: x}}}}}}]"))
    apart = policies(to_server(f"from: [{{{other}}}, {{podSelector: {{matchLabels: {{app: x}}}}}}]"))
    assert not together.allow(STRANGER, SERVER, WEB)
    assert apart.allow(STRANGER, SERVER, WEB)
    assert not apart.allow(CLIENT, SERVER, WEB)


def test_an_empty_namespace_selector_means_every_namespace_but_no_address_outside() -> None:
    anywhere = policies(to_server("from: [{namespaceSelector: {}}]"))
    assert anywhere.allow(STRANGER, SERVER, WEB)
    assert anywhere.allow(CLIENT, SERVER, WEB)
    assert not anywhere.allow(INTERNET, SERVER, WEB)


def test_labels_of_namespaces_come_from_the_render() -> None:
    trusted = to_server("from: [{namespaceSelector: {matchLabels: {trust: high}}}]")
    labelled = "kind: Namespace\nmetadata: {name: other, labels: {trust: high}}"
    assert not policies(trusted).allow(STRANGER, SERVER, WEB)
    assert policies(trusted, namespaces=labelled).allow(STRANGER, SERVER, WEB)


def test_an_address_block_means_what_is_inside_and_not_what_is_excepted() -> None:
    outside = policies(DENY_ALL, from_client("to: [{ipBlock: {cidr: 0.0.0.0/0, except: [169.254.0.0/16]}}]"))
    assert outside.allow(CLIENT, INTERNET, Port(443))
    assert not outside.allow(CLIENT, METADATA, Port(80))
    assert not policies(from_client("to: [{ipBlock: {cidr: 10.0.0.0/8}}]")).allow(CLIENT, INTERNET, Port(443))


def test_whether_a_block_reaches_pods_is_a_question_of_the_plugin() -> None:
    block = from_client("to: [{ipBlock: {cidr: 10.0.0.0/8}}]")
    assert not policies(block).allow(CLIENT, SERVER, WEB)
    assert policies(block, blocks_reach_pods=True).allow(CLIENT, SERVER, WEB)


def test_blocks_of_the_other_address_family_match_nothing() -> None:
    assert not policies(from_client("to: [{ipBlock: {cidr: '::/0'}}]")).allow(CLIENT, INTERNET, Port(443))


@pytest.mark.parametrize(
    ("ports", "open_ports"),
    [
        ("[{port: 8080}]", {WEB}),
        ("[{port: web}]", {WEB}),
        ("[{port: nothing}]", set()),
        ("[{port: 8000, endPort: 9000}]", {WEB, ADMIN}),
        ("[{port: 8000, endPort: 8999}]", {WEB}),
        ("[{protocol: UDP, port: 53}]", {Port(53, "UDP", "dns")}),
        ("[{protocol: UDP}]", {Port(53, "UDP", "dns")}),
        ("[{port: 53}]", set()),
        ("[{protocol: TCP}]", {WEB, ADMIN}),
        ("[]", set(SERVER.ports)),
        ("[{port: dns, protocol: UDP}]", {Port(53, "UDP", "dns")}),
        ("[{port: dns}]", set()),
    ],
)
def test_ports_by_number_name_range_and_protocol(ports: str, open_ports: set[Port]) -> None:
    ingress = policies(to_server(f"{{ports: {ports}}}"))
    egress = policies(from_client(f"{{ports: {ports}}}"))
    assert {port for port in SERVER.ports if ingress.allow(CLIENT, SERVER, port)} == open_ports
    # A name in an egress rule is that of the pod which is called.
    assert {port for port in SERVER.ports if egress.allow(CLIENT, SERVER, port)} == open_ports


def test_a_name_of_a_port_means_nothing_outside() -> None:
    assert not policies(from_client("ports: [{port: https}]")).allow(CLIENT, INTERNET, Port(443))


@pytest.mark.parametrize(
    ("expression", "labels", "selected"),
    [
        ({"key": "a", "operator": "In", "values": ["1", "2"]}, {"a": "1"}, True),
        ({"key": "a", "operator": "In", "values": ["1"]}, {}, False),
        ({"key": "a", "operator": "NotIn", "values": ["1"]}, {"a": "1"}, False),
        ({"key": "a", "operator": "NotIn", "values": ["1"]}, {}, True),
        ({"key": "a", "operator": "Exists"}, {"a": ""}, True),
        ({"key": "a", "operator": "Exists"}, {}, False),
        ({"key": "a", "operator": "DoesNotExist"}, {}, True),
        ({"key": "a", "operator": "DoesNotExist"}, {"a": ""}, False),
    ],
)
def test_expressions_of_selectors(expression: dict[str, object], labels: dict[str, str], selected: bool) -> None:
    assert selects({"matchExpressions": [expression]}, labels) is selected


def test_all_parts_of_a_selector_have_to_hold() -> None:
    selector = {"matchLabels": {"app": "a"}, "matchExpressions": [{"key": "b", "operator": "Exists"}]}
    assert not selects(selector, {"app": "a"})
    assert selects(selector, {"app": "a", "b": ""})


def test_an_unknown_operator_is_not_taken_for_one_that_selects() -> None:
    with pytest.raises(ValueError, match="unknown operator 'Like'"):
        selects({"matchExpressions": [{"key": "a", "operator": "Like"}]}, {"a": "1"})


def brute_force(policy_peers: Iterable[str], party: Party) -> bool:
    """An independent reading of `from: [podSelector app=…]` inside of one namespace, for the property below."""
    return party.namespace == "shop" and party.labels.get("app") in set(policy_peers)


@pytest.mark.parametrize("peers", [(), ("client",), ("server",), ("client", "server"), ("nobody",)])
@pytest.mark.parametrize("party", [CLIENT, SERVER, STRANGER, INTERNET], ids=lambda party: party.name)
def test_lists_of_peers_mean_any_of_them(peers: tuple[str, ...], party: Party) -> None:
    rule = ", ".join(f"{{podSelector: {{matchLabels: {{app: {name}}}}}}}" for name in peers)
    allowed = policies(to_server(f"from: [{rule}]")).allow(party, SERVER, WEB)
    # An empty list is no list: everybody.
    assert allowed is (not peers or brute_force(peers, party))
