"""Compose, HAProxy, Kubernetes, Zabbix, the package: what their own tools say of the files, and whether what they name exists."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

TOP = Path(__file__).resolve().parents[2]
DEPLOY = TOP / "deploy"
COMPOSE = (TOP / "docker-compose.yml", DEPLOY / "compose.ha.yml")
BASE = DEPLOY / "kubernetes" / "base"
YAML = [
    path
    for folder in ("prometheus", "grafana", "deploy")
    for path in sorted((TOP / folder).rglob("*.y*ml"))
] + [TOP / "docker-compose.yml"]
LINT = "{extends: default, rules: {line-length: disable, document-start: disable, comments: disable, comments-indentation: disable, indentation: {spaces: 2, indent-sequences: whatever}, braces: {max-spaces-inside: 1}}}"


def run(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, **more)


@pytest.mark.parametrize("path", YAML, ids=lambda path: str(path.relative_to(TOP)))
def test_yamllint(path):
    result = run("yamllint", "--strict", "-d", LINT, path)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("path", COMPOSE, ids=lambda path: path.name)
def test_compose_accepts(path):
    result = run("docker-compose", "-f", path, "--project-directory", TOP, "config")
    assert result.returncode == 0, result.stderr
    stack = yaml.safe_load(result.stdout)
    for name, service in stack["services"].items():
        for port in service.get("ports", []):
            assert str(port).startswith("127.0.0.1:"), f"{name}: {port}"
        assert not service.get("privileged")
        for secret in service.get("secrets", []):
            assert (secret["source"] if isinstance(secret, dict) else secret) in stack["secrets"]
    for text in re.findall(r"\./[\w./-]+", path.read_text()):
        if not text.startswith("./secrets/"):
            assert (TOP / text).exists(), text


@pytest.mark.parametrize("spoilt", [{"imag": "x"}, {"cap_drop": "ALL"}, {"healthcheck": {"intervall": "5s"}}], ids=str)
def test_compose_notices(tmp_path, spoilt):
    """docker-compose has the schema of compose-spec inside: keys and kinds of values are checked."""
    stack = yaml.safe_load(COMPOSE[0].read_text())
    stack["services"]["netsonde"].update(spoilt)
    (tmp_path / "docker-compose.yml").write_text(yaml.safe_dump(stack))
    result = run("docker-compose", "-f", tmp_path / "docker-compose.yml", "--project-directory", TOP, "config")
    assert result.returncode != 0 and re.search("Unsupported config option|invalid", result.stderr), result.stderr


def test_secrets_are_made_once(tmp_path):
    folder = tmp_path / "secrets"
    for _ in range(2):
        assert run(TOP / "scripts" / "secrets", folder).returncode == 0
        made = {path.name: path.read_text() for path in folder.iterdir()}
        assert folder.stat().st_mode & 0o777 == 0o700
    wanted = set()
    for path in COMPOSE:
        wanted |= {Path(secret["file"]).name for secret in yaml.safe_load(path.read_text())["secrets"].values()}
    assert wanted == set(made)
    random = [text for text in made.values() if text]
    assert len(set(random)) == len(random) >= 5 and all(re.fullmatch(r"[A-Za-z0-9]{40}", text) for text in random)
    assert run(TOP / "scripts" / "secrets", folder).returncode == 0
    assert made == {path.name: path.read_text() for path in folder.iterdir()}


@pytest.mark.parametrize("path", sorted(DEPLOY.rglob("netsonde.conf")), ids=lambda path: path.parent.name)
def test_configurations_are_accepted(binary, path, tmp_path):
    (tmp_path / "token").write_text("t")
    (tmp_path / "targets.d").mkdir()
    text = re.sub(r'/run/(?:tokens|secrets)/\w+', str(tmp_path / "token"), path.read_text())
    text = re.sub(r'user = "netsonde";', "", text).replace("/var/lib/netsonde", str(tmp_path))
    (tmp_path / "netsonde.conf").write_text(text)
    result = run(binary, "check", tmp_path / "netsonde.conf", env={"PATH": "/usr/bin"})
    assert result.returncode == 0, result.stdout + result.stderr


def test_haproxy_accepts():
    result = run("haproxy", "-c", "-f", DEPLOY / "ha" / "haproxy.cfg")
    said = [line for line in result.stderr.splitlines() if "could not resolve" not in line and "[NOTICE]" not in line]
    assert result.returncode == 0, result.stderr
    assert not any("ALERT" in line for line in said), said


def test_prometheus_accepts_the_configuration_of_two():
    result = run("promtool", "check", "config", "--syntax-only", DEPLOY / "ha" / "prometheus.yml")
    assert result.returncode == 0, result.stdout + result.stderr


# --- Kubernetes ----------------------------------------------------------------------------------------------------


def test_kustomization_names_every_file():
    listed = yaml.safe_load((BASE / "kustomization.yaml").read_text())
    files = {path.name for path in BASE.iterdir()} - {"kustomization.yaml"}
    assert set(listed["resources"]) | set(listed["configMapGenerator"][0]["files"]) == files


def test_rules_for_the_operator_are_those_of_prometheus(tmp_path):
    subprocess.run([DEPLOY / "kubernetes" / "generate", tmp_path / "rule.yaml"], check=True)
    assert (tmp_path / "rule.yaml").read_text() == (BASE / "prometheusrule.yaml").read_text(), "run deploy/kubernetes/generate"
    groups = yaml.safe_load((tmp_path / "rule.yaml").read_text())["spec"]["groups"]
    names = [group["name"] for group in groups]
    assert len(set(names)) == len(names)
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": groups}))
    assert run("promtool", "check", "rules", tmp_path / "rules.yml").returncode == 0


def test_the_base_keeps_to_the_strictest_standard():
    pod = yaml.safe_load((BASE / "deployment.yaml").read_text())["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True and not pod.get("hostNetwork")
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in pod["containers"]:
        rights = container["securityContext"]
        assert rights["allowPrivilegeEscalation"] is False and rights["readOnlyRootFilesystem"] is True
        assert rights["capabilities"] == {"drop": ["ALL"]}
    labels = yaml.safe_load((BASE / "namespace.yaml").read_text())["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


# --- Zabbix --------------------------------------------------------------------------------------------------------


def test_keys_of_zabbix_are_its_own():
    template = yaml.safe_load((DEPLOY / "zabbix" / "netsonde.yaml").read_text())["zabbix_export"]["templates"][0]
    keys = [item["key"] for item in template["items"]]
    uuids = re.findall(r"uuid: ([0-9a-f]+)", (DEPLOY / "zabbix" / "netsonde.yaml").read_text())
    assert len(set(keys)) == len(keys) and len(set(uuids)) == len(uuids)
    assert all(re.fullmatch(r"[0-9a-f]{12}4[0-9a-f]{3}8[0-9a-f]{15}", uuid) for uuid in uuids)
