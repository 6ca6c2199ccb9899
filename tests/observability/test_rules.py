"""Alert rules and the dashboard: Prometheus reads them, each alert is on when it should be, and names what exists."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import generate_latest

import api.cli_relay.metrics
import api.metrics
import core.metrics
import dispatcher.metrics
from api.cli_relay.switchboard import Switchboard
from dispatcher.failures import EXPLANATIONS
from tests.catalogues import CATALOGUES, DESCRIBED
from tools import dashboard
from tools.check_links import anchors
from tools.test_dependencies import PROMTOOL

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "docs" / "observability" / "alerts.yml"
SCENES = Path(__file__).parent / "alerts_test.yml"
RUNBOOKS = ROOT / "docs" / "how-to" / "alert.md"
JOBS = {"dispatcher", "api", "settlement"}
# What Prometheus itself and prometheus-client's ProcessCollector add.
GIVEN = {
    "up",
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
    "process_open_fds",
    "process_max_fds",
}
GIVEN_LABELS = {"le", "job", "instance"}
NAME = re.compile(r"\b(?:up|(?:dispatcher|outbox|api|settlement|cli_relay|process)_[a-z_]+)\b")

needs_promtool = pytest.mark.skipif(PROMTOOL.is_missing, reason=f"enable with: {PROMTOOL.install}")


def alerts() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def expressions() -> Iterator[str]:
    yield from (rule["expr"] for rule in alerts())
    for panel in json.loads(dashboard.FILE.read_text())["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))


def series() -> set[str]:
    """What a process really serves: the parts of a histogram, and the names of all others."""
    return {
        f"{one.name}{part}"
        for one in DESCRIBED.values()
        for part in (("_bucket", "_count", "_sum") if one.type == "histogram" else ("",))
    }


def promtool(*arguments: str) -> None:
    done = subprocess.run(
        [PROMTOOL.path or "", *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
def test_prometheus_reads_the_rules_and_each_alert_is_on_in_its_scene() -> None:
    promtool("check", "rules", str(RULES))
    promtool("test", "rules", str(SCENES))


def test_every_alert_has_a_scene_in_which_it_is_on_and_one_in_which_it_is_not() -> None:
    quiet: set[str] = set()
    loud: set[str] = set()
    for scene in yaml.safe_load(SCENES.read_text())["tests"]:
        for moment in scene["alert_rule_test"]:
            (loud if moment.get("exp_alerts") else quiet).add(moment["alertname"])
    assert quiet == loud == {rule["alert"] for rule in alerts()}


@needs_promtool
def test_prometheus_reads_every_expression_of_the_dashboard(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{number}", "expr": expression.replace("$__rate_interval", "5m")}
        for number, expression in enumerate(expressions())
    ]
    assert len(rules) > 60
    file = tmp_path / "panels.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    promtool("check", "rules", str(file))


def test_rules_and_dashboard_name_only_metrics_and_labels_that_exist() -> None:
    known = series() | GIVEN
    labels = {label for one in DESCRIBED.values() for label in one.labels} | GIVEN_LABELS
    for expression in expressions():
        # What stands in braces or parentheses after `by` are labels and their values.
        bare = re.sub(r"\{[^}]*\}|\b(?:by|on) \([^)]*\)", "", expression)
        assert set(NAME.findall(bare)) <= known, expression
        for group in re.findall(r"\b(?:by|on) \(([^)]*)\)", expression):
            assert {name.strip() for name in group.split(",")} <= labels, expression
        for metric, selector in re.findall(r"(\w+)\{([^}]*)\}", expression):
            own = re.sub(r"_(bucket|count|sum)$", "", metric)
            has = set(DESCRIBED[own].labels) if own in DESCRIBED else GIVEN_LABELS
            assert set(re.findall(r"(\w+)=", selector)) <= has, expression


def test_selectors_of_rules_name_values_that_exist() -> None:
    text = RULES.read_text()
    assert set(re.findall(r'job="(\w+)"', text)) == JOBS
    (codes,) = re.findall(r'failure_code=~"([^"]+)"', text)
    assert set(codes.split("|")) <= {str(code) for code in EXPLANATIONS}


def test_every_metric_is_on_the_dashboard() -> None:
    shown = {
        re.sub(r"_(bucket|count|sum)$", "", name)
        for panel in json.loads(dashboard.FILE.read_text())["panels"]
        for target in panel.get("targets", ())
        for name in NAME.findall(target["expr"])
    }
    assert set(DESCRIBED) <= shown
    assert set(CATALOGUES) >= JOBS


def test_the_dashboard_is_what_its_panels_write_and_no_two_panels_overlap() -> None:
    assert dashboard.FILE.read_text() == dashboard.text(), "run: python -m tools.dashboard"
    taken: set[tuple[int, int]] = set()
    for panel in json.loads(dashboard.text())["panels"]:
        grid = panel["gridPos"]
        assert grid["x"] + grid["w"] <= 24
        cells = {
            (grid["x"] + column, grid["y"] + line) for column in range(grid["w"]) for line in range(grid["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_every_alert_leads_to_a_runbook_that_says_what_to_do(rule: dict[str, Any]) -> None:
    page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
    assert (ROOT / page) == RUNBOOKS
    assert anchor == rule["alert"].lower()
    assert anchor in anchors(RUNBOOKS)
    assert rule["labels"]["severity"] in {"page", "ticket"}
    text = RUNBOOKS.read_text().partition(f"### {rule['alert']}\n")[2].partition("\n### ")[0]
    assert len(text.split()) > 15


def test_every_runbook_is_of_an_alert() -> None:
    assert re.findall(r"(?m)^### (\w+)$", RUNBOOKS.read_text()) == [rule["alert"] for rule in alerts()]


def test_failure_codes_that_runbooks_name_exist() -> None:
    named = re.findall(r"`((?:dns|timeout|tls|http|connection)_\w+)`", RUNBOOKS.read_text())
    assert named
    assert set(named) <= {str(code) for code in EXPLANATIONS}


@needs_promtool
def test_prometheus_takes_the_configuration_of_the_page(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "how-to" / "observe.md").read_text()
    (scrapes,) = re.findall(r"(?s)```yaml\n(scrape_configs:.*?)```", page)
    config = yaml.safe_load(scrapes) | {"rule_files": [str(RULES)]}
    assert {one["job_name"] for one in config["scrape_configs"]} == JOBS
    file = tmp_path / "prometheus.yml"
    file.write_text(yaml.safe_dump(config))
    promtool("check", "config", str(file))


@needs_promtool
def test_prometheus_has_nothing_to_say_of_what_a_process_serves() -> None:
    switchboard = Switchboard(poll_interval=1, max_sessions=1)
    switchboard._wakeup.close()
    served = [
        dispatcher.metrics.Metrics(standing=lambda: None),
        core.metrics.Metrics(due=lambda: None),
        api.metrics.Metrics(),
        api.cli_relay.metrics.Metrics(switchboard),
    ]
    for metrics in served:
        done = subprocess.run(
            [PROMTOOL.path or "", "check", "metrics"],
            input=generate_latest(metrics.registry),
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stdout + done.stderr) == (0, b"")
