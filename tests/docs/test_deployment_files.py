"""What stands in docs/deploy fits the code, and the tools that check such files accept it.

Where a tool is not installed its test is skipped and says so.
"""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY

from bot import metrics
from bot.settings import Settings
from tests.docs.generated import ROOT

DEPLOY = ROOT / "docs" / "deploy"
DOCKERFILE = DEPLOY / "Dockerfile"
ALERTS = DEPLOY / "prometheus-alerts.yaml"
DASHBOARD = DEPLOY / "grafana-dashboard.json"
UNIT = DEPLOY / "pullcord.service"
EVERY_FILE = sorted(path for path in DEPLOY.iterdir() if path.is_file())
COMPOSE = sorted(DEPLOY.glob("compose.*.yaml"))

SELECTOR = re.compile(r"\b(pullcord_[a-z_]+)(?:\{([^}]*)\})?")
BY = re.compile(r"\b(?:by|on|group_left)\s*\(([^)]*)\)")
ALERT_LABEL = re.compile(r"\$labels\.(\w+)")
LABEL_OF_THE_SCRAPE = {"job", "instance", "le"}

each_file = pytest.mark.parametrize("path", EVERY_FILE, ids=lambda path: path.name)
each_compose_file = pytest.mark.parametrize("path", COMPOSE, ids=lambda path: path.name)


def exported() -> dict[str, frozenset[str]]:
    """Every series that ``/metrics`` can have, with its labels."""
    assert metrics.WEBHOOKS is not None  # importing it has registered them
    found: dict[str, frozenset[str]] = {}
    for collector in list(REGISTRY._collector_to_names):
        labels = frozenset(getattr(collector, "_labelnames", ()))
        for name in REGISTRY._collector_to_names[collector]:
            found[name] = labels
    found["pullcord_build_info"] = frozenset({"version"})
    return {name: labels for name, labels in found.items() if name.startswith("pullcord_")}


def expressions() -> list[str]:
    """Every PromQL expression of the alerts and the dashboard."""
    found = [target["expr"] for panel in panels() for target in panel.get("targets", ())]
    found += [part.partition("labels:")[0] for part in ALERTS.read_text().split("expr:")[1:]]
    return found


def panels() -> list[dict[str, Any]]:
    dashboard: dict[str, Any] = json.loads(DASHBOARD.read_text("utf-8"))
    return list(dashboard["panels"])


@each_file
def test_every_setting_that_is_named_exists(path: Path) -> None:
    known = {f"PULLCORD_{name.upper()}" for name in Settings.model_fields}
    named = set(re.findall(r"PULLCORD_[A-Z_]*[A-Z]", path.read_text("utf-8")))
    assert named <= known


def test_alerts_and_dashboard_ask_only_for_metrics_and_labels_that_are_there() -> None:
    known = exported()
    assert len(expressions()) > 40
    for expression in expressions():
        labels_there = set(LABEL_OF_THE_SCRAPE)
        for name, selected in SELECTOR.findall(expression):
            assert name in known, f"{name} of {expression}"
            there = known[name] | LABEL_OF_THE_SCRAPE
            labels_there |= there
            for label in re.findall(r"(\w+)\s*[=!]", selected):
                assert label in there, f"{label} of {expression}"
        for group in BY.findall(expression):
            assert {label.strip() for label in group.split(",")} <= labels_there, expression


def test_a_legend_or_a_text_names_only_labels_that_are_left() -> None:
    for panel in panels():
        for target in panel.get("targets", ()):
            grouped = {label.strip() for g in BY.findall(target["expr"]) for label in g.split(",")}
            named = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
            assert named <= grouped | {"instance"}, panel["title"]
    for rule in ALERTS.read_text().split("- alert:")[1:]:
        grouped = {label.strip() for g in BY.findall(rule) for label in g.split(",")}
        assert set(ALERT_LABEL.findall(rule)) <= grouped | {"instance"}, rule


def test_the_panels_of_the_dashboard_have_ids_of_their_own_and_do_not_overlap() -> None:
    ids = [panel["id"] for panel in panels()]
    assert len(ids) == len(set(ids))
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells


def test_every_alert_is_tried_in_both_directions() -> None:
    alerts = set(re.findall(r"- alert: (\w+)", ALERTS.read_text()))
    tried = (Path(__file__).parent / "prometheus-alerts.test.yaml").read_text()
    for alert in alerts:
        assert f"alertname: {alert} " in tried
        assert f'alertname="{alert}"' in tried


def test_the_image_takes_every_package_and_nothing_that_is_not_named() -> None:
    copied = set(re.findall(r"^COPY (?!--)(.+) \S+$", DOCKERFILE.read_text(), re.MULTILINE))
    names = {name for line in copied for name in line.split()}
    ignore = DOCKERFILE.with_name("Dockerfile.dockerignore").read_text().splitlines()
    allowed = {line[1:] for line in ignore if line.startswith("!")}
    assert names == allowed
    assert all((ROOT / name).exists() for name in names)
    assert "*" in ignore


def test_the_ports_are_the_same_in_every_file() -> None:
    image = dict(re.findall(r"(PULLCORD_\w*PORT)=(\d+)", DOCKERFILE.read_text()))
    assert image == {"PULLCORD_PORT": "3978", "PULLCORD_HEALTH_PORT": "3979"}
    assert "health_port 3979" in (DEPLOY / "Caddyfile").read_text()
    assert ":3979" in (DEPLOY / "prometheus.yaml").read_text()
    bicep = (DEPLOY / "container-app.bicep").read_text()
    assert "var port = 3978" in bicep
    assert "var healthPort = 3979" in bicep


@each_compose_file
def test_what_compose_runs_is_confined(path: Path) -> None:
    text = path.read_text()
    services = text.count("image: pullcord") + text.count("image: docker.io/library/caddy")
    assert text.count("read_only: true") == services
    assert text.count("cap_drop: [ALL]") == services
    assert text.count("no-new-privileges:true") == services
    assert "3978:3978" not in text  # only the proxy is reachable


@each_compose_file
def test_compose_names_only_variables_that_the_example_has(path: Path) -> None:
    wanted = set(re.findall(r"\$\{(\w+)", path.read_text()))
    given = set(re.findall(r"^(\w+)=", (DEPLOY / "env.example").read_text(), re.MULTILINE))
    assert wanted <= given


# --- with the tools that know these files --------------------------------------------------------


def run(tool: str, *arguments: str) -> str:
    """Run a tool beside this Python or on the PATH; skip when it is not installed."""
    beside = Path(sys.executable).with_name(tool)
    program = str(beside) if beside.exists() else shutil.which(tool)
    if program is None:
        pytest.skip(f"{tool} is not installed")
    done = subprocess.run(
        [program, *arguments], capture_output=True, text=True, check=False, timeout=50
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    assert run("hadolint", str(DOCKERFILE)) == ""


@each_compose_file
def test_the_compose_file_fits_its_schema(path: Path) -> None:
    run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", str(path))


def test_promtool_accepts_the_rules_and_the_configuration() -> None:
    run("promtool", "check", "rules", str(ALERTS))
    run("promtool", "check", "config", str(DEPLOY / "prometheus.yaml"))


def test_each_alert_fires_when_it_must_and_not_otherwise() -> None:
    run("promtool", "test", "rules", str(Path(__file__).parent / "prometheus-alerts.test.yaml"))


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "pullcord.service"
    program = "/opt/pullcord/.venv/bin/pullcord"
    assert program in UNIT.read_text()
    # It is verified that the program is there, which here it is not.
    unit.write_text(UNIT.read_text().replace(program, sys.executable))
    assert run("systemd-analyze", "verify", "--man=no", str(unit)) == ""
