"""Files for hosting vendors and for Docker's watchers: as the code says, in the vendors' formats."""

from __future__ import annotations

import json
import re
import runpy
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from hrx.kit.settings import SettingDoc
from hrx.ops.release.environments.schema import ask_product
from hrx.ops.targets.fly.shapes import App, create_body
from hrx.ops.targets.railway.shapes import Place, update_variables
from hrx.ops.targets.vendors import API_HEALTH, API_PORT
from tests.conftest import ROOT

pytestmark = [pytest.mark.req("R3.2-1"), pytest.mark.req("R3.6-1")]
# The scripts of deploy/ are no package.
MAKER: Any = runpy.run_path(str(ROOT / "deploy" / "write_platforms.py"))
HEADERS, OWN, TARGET, VALUES = (MAKER[name] for name in ("HEADERS", "OWN", "TARGET", "VALUES"))
make_all, make_variables = MAKER["make_all"], MAKER["make_variables"]
DOCKER = ROOT / "deploy" / "docker"
WATCH = DOCKER / "watch"
FILES = ("railway.json", "fly.toml", "vercel.json", "wrangler.toml")


def read(path: Path) -> Any:
    text = path.read_text(encoding="utf-8")
    return json.loads(text) if path.suffix == ".json" else tomllib.loads(text)


def schema_of(name: str) -> Any:
    return json.loads((Path(__file__).parent / "schemas" / f"{name.partition('.')[0]}.json").read_text())


def test_what_is_kept_is_what_the_code_says() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "deploy" / "write_platforms.py"), "--check"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", FILES)
def test_each_file_has_its_vendors_format(name: str) -> None:
    jsonschema.validate(read(TARGET / name), schema_of(name), cls=jsonschema.Draft202012Validator)


@pytest.mark.parametrize("name", FILES)
def test_the_format_refuses_a_misspelt_field(name: str) -> None:
    wrong = {**read(TARGET / name), "helthcheck": "/"}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, schema_of(name), cls=jsonschema.Draft202012Validator)


def test_health_path_port_and_restarts_are_those_that_a_release_asks_for() -> None:
    railway, fly = read(TARGET / "railway.json")["deploy"], read(TARGET / "fly.toml")
    place = Place(project="p", environment="e", service="s", health_path=API_HEALTH)
    asked = update_variables(place, "x:1")["input"]
    assert isinstance(asked, dict)
    assert {name: asked[name] for name in railway} == railway
    app = App(name="a", region="nrt", machines=1, port=API_PORT, health_path=API_HEALTH)
    body: Any = create_body(app, image="x:1", key="k", version="1", number=1, secrets_version=None)
    check = body["config"]["services"][0]["checks"][0]
    assert {**fly["http_service"]["checks"][0], "type": "http"} == check
    assert fly["http_service"]["internal_port"] == body["config"]["services"][0]["internal_port"]
    assert fly["restart"][0]["policy"] == body["config"]["restart"]["policy"]
    assert fly["kill_timeout"] == body["config"]["stop_config"]["timeout"]


def test_the_health_path_and_port_are_those_of_the_image() -> None:
    image = (DOCKER / "python.Dockerfile").read_text()
    assert f"EXPOSE {API_PORT}" in image
    answers = (ROOT / "src" / "hrx" / "app" / "api.py").read_text() + "".join(
        path.read_text() for path in (ROOT / "src" / "hrx" / "app").glob("health*/**/*.py")
    )
    answers += "".join(path.read_text() for path in (ROOT / "src" / "hrx" / "app").glob("health*.py"))
    assert f'"{API_HEALTH}"' in answers


def test_values_are_plain_settings_and_every_secret_is_named_without_its_value() -> None:
    kept = read(TARGET / "variables.json")
    rows = {row.variable: row for row in ask_product()}
    assert all(not rows[name].is_secret for name in (*kept["values"], *kept["own"]))
    secret = {name for name, row in rows.items() if row.is_secret}
    assert {*kept["required_secrets"], *kept["optional_secrets"]} == secret
    everything = "".join(path.read_text() for path in TARGET.iterdir() if path.suffix != ".md")
    assert not re.search(r"://[^/\s\"]+:[^/\s\"]+@", everything)


def test_a_value_that_became_a_secret_or_vanished_stops_the_making() -> None:
    rows = ask_product()
    gone = [row for row in rows if row.variable != "HRX_API_PORT"]
    with pytest.raises(SystemExit):
        make_variables(gone)

    def as_secret(row: SettingDoc) -> SettingDoc:
        fields = {name: getattr(row, name) for name in SettingDoc.__dataclass_fields__}
        return SettingDoc(**{**fields, "is_secret": row.variable in VALUES or row.is_secret})

    with pytest.raises(SystemExit):
        make_variables([as_secret(row) for row in rows])
    assert OWN


def test_the_portals_api_is_the_one_that_was_named() -> None:
    made = json.loads(make_all(api_url="https://api.minato-seiki.example")[TARGET / "vercel.json"])
    assert {
        one["destination"].partition("/api/")[0] for one in made["rewrites"] if "/api/" in one["source"]
    } == {"https://api.minato-seiki.example"}


def test_the_portal_without_an_edge_sends_the_edges_headers() -> None:
    edge = (ROOT / "deploy" / "edge" / "haproxy.cfg").read_text()
    sent = dict(re.findall(r'^\s*http-after-response set-header (\S+) "?([^"\n]+)"?$', edge, re.M))
    assert {name: sent[name] for name in HEADERS} == HEADERS


@pytest.mark.parametrize("name", ["python.Dockerfile", "web.Dockerfile"])
def test_images_run_as_a_number_that_is_not_root_and_copy_no_secret(name: str) -> None:
    text = (DOCKER / name).read_text()
    last_stage = text.rpartition("\nFROM ")[2]
    user = re.findall(r"^USER (\d+):(\d+)$", last_stage, re.M)
    assert user
    assert user[-1][0] != "0"
    assert not re.search(r"^(ADD|COPY) .*\.env", text, re.M)
    assert not re.search(r"^(ARG|ENV) \S*(PASSWORD|SECRET|TOKEN|KEY)", text, re.M)
    assert re.search(r'^CMD \["', last_stage, re.M)
    assert "**/.env" in (ROOT / ".dockerignore").read_text()


@pytest.mark.parametrize("name", ["python.Dockerfile", "web.Dockerfile"])
def test_hadolint_has_nothing_to_say(name: str) -> None:
    tool = shutil.which("hadolint")
    if tool is None:
        pytest.skip("hadolint is not installed; it is no dependency")
    done = subprocess.run([tool, str(DOCKER / name)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout
    assert done.stdout == ""


def test_watchers_are_pinned_bounded_and_only_grafana_is_published_on_loopback() -> None:
    services = yaml.safe_load((DOCKER / "compose.watch.yaml").read_text())["services"]
    made = {name: one for name, one in services.items() if "image" in one}
    assert set(made) == {"prometheus", "alertmanager", "loki", "alloy", "grafana"}
    for name, one in made.items():
        assert re.search(r":v?\d+\.\d+\.\d+$", one["image"]), name
        assert one["cap_drop"] == ["ALL"], name
        assert one["restart"] == "unless-stopped", name
        for volume in one["volumes"]:
            source = volume.partition(":")[0]
            if source.startswith("."):
                assert (DOCKER / source).exists(), volume
                assert volume.endswith(":ro"), volume
    published = [port for one in made.values() for port in one.get("ports", ())]
    assert [port.partition(":")[0] for port in published] == ["127.0.0.1"]


def test_prometheus_in_containers_scrapes_and_judges_what_is_there() -> None:
    config = yaml.safe_load((WATCH / "prometheus.yml").read_text())
    ports = {row.variable: row.default for row in ask_product()}
    targets = {
        one["labels"]["part"]: one["targets"][0] for one in config["scrape_configs"][0]["static_configs"]
    }
    assert targets == {
        "api-blue": f"api:{ports['HRX_API_METRICS_PORT']}",
        "worker": f"worker:{ports['HRX_WORKER_PORT']}",
        "scoring": f"scoring:{ports['HRX_SCORING_PORT']}",
    }
    for path in config["rule_files"]:
        assert (ROOT / "monitoring" / "rules" / Path(path).name).exists()
    services = yaml.safe_load((DOCKER / "compose.watch.yaml").read_text())["services"]
    for name in ("api", "worker", "scoring"):
        assert services[name]["environment"] == {"HRX_METRICS_BIND": "0.0.0.0"}  # noqa: S104 - its own network


def test_the_watchers_configurations_name_each_other_and_keep_no_secret() -> None:
    alerts = yaml.safe_load((WATCH / "alertmanager.yml").read_text())
    names = {one["name"] for one in alerts["receivers"]}
    used = {alerts["route"]["receiver"], *(one["receiver"] for one in alerts["route"]["routes"])}
    assert used == names
    loki = yaml.safe_load((WATCH / "loki.yml").read_text())
    source = yaml.safe_load((WATCH / "loki-datasource.yaml").read_text())["datasources"][0]
    port = loki["server"]["http_listen_port"]
    assert source["url"] == f"http://loki:{port}"
    assert f"{source['url']}/loki/api/v1/push" in (WATCH / "logs.alloy").read_text()
    assert loki["limits_config"]["retention_period"]
    assert [path.name for path in (WATCH / "secrets").iterdir() if path.name != "webhook-url"] == [
        ".gitignore"
    ]
