"""The policies: small named predicates, each one function that yields findings about a render."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from ..facts import Facts
from ..findings import Finding
from ..objects import Render
from . import (
    calls,
    configuration,
    containers,
    lifecycle,
    metrics,
    probes,
    reach,
    references,
    secrecy,
    selectors,
    values,
)

__all__ = ["POLICIES", "Policy", "examine"]

Policy = Callable[[Render, Facts], Iterable[Finding]]

POLICIES: dict[str, Policy] = {
    policy.__name__: policy
    for policy in (
        selectors.selectors_match_own_pods,
        selectors.services_select_one_workload,
        selectors.service_ports_exist,
        containers.images_are_pinned,
        containers.resources_are_bounded,
        containers.pods_are_restricted,
        containers.containers_are_restricted,
        probes.probes_are_there,
        probes.probes_use_declared_ports,
        probes.probes_name_real_services,
        probes.grpc_probes_need_no_tls,
        configuration.variables_are_known,
        configuration.settings_load,
        configuration.listeners_match_ports,
        configuration.stores_can_be_written,
        reach.addresses_have_a_service,
        reach.keys_of_backends_are_given,
        references.references_exist,
        references.mounts_have_volumes,
        references.temporary_files_have_room,
        references.ingresses_reach_services,
        references.objects_are_alone,
        lifecycle.scalers_have_a_target,
        metrics.scalers_ask_for_real_metrics,
        lifecycle.replicas_have_one_owner,
        lifecycle.disruption_budgets_allow_one,
        lifecycle.files_have_one_writer,
        lifecycle.rollouts_keep_serving,
        lifecycle.pods_outlive_their_streams,
        secrecy.secrets_are_not_written_down,
        values.enumerations_are_known,
        values.quantities_parse,
        values.names_are_valid,
        calls.calls_are_as_declared,
    )
}


def examine(render: Render, facts: Facts) -> Iterator[Finding]:
    """What all policies find."""
    for name, policy in POLICIES.items():
        for finding in policy(render, facts):
            yield replace(finding, check=name)
