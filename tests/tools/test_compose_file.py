"""The container files: accepted by the oldest docker-compose we support, and without a secret in them."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tools.test_dependencies import DOCKER_COMPOSE

REPOSITORY = Path(__file__).resolve().parents[2]
COMPOSE_FILE = REPOSITORY / "docker-compose.yml"
EXAMPLE = REPOSITORY / ".env.example"
SECRETS = ("SECRET_KEY", "API_KEY_HASH_KEY", "WEBHOOK_SECRET_KEYS", "POSTGRES_PASSWORD")


def config(env_file: Path, *, profile: str = "") -> subprocess.CompletedProcess[str]:
    program = shutil.which("docker-compose")
    if program is None:
        pytest.skip(f"enable with: {DOCKER_COMPOSE.install}")
    return subprocess.run(
        [program, "--env-file", str(env_file), "config", "-q"],
        cwd=REPOSITORY,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "COMPOSE_PROFILES": profile},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("profile", ["", "workers"])
def test_docker_compose_accepts_the_file(profile: str) -> None:
    done = config(EXAMPLE, profile=profile)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("secret", SECRETS)
def test_docker_compose_refuses_a_missing_secret(secret: str, tmp_path: Path) -> None:
    without = tmp_path / "env"
    without.write_text(re.sub(rf"(?m)^{secret}=.*$", "", EXAMPLE.read_text()))
    done = config(without)
    assert done.returncode != 0
    assert "set it in .env" in done.stderr


def test_the_example_itself_is_refused_by_the_product() -> None:
    """Somebody who starts with the placeholders is told so before anything is migrated."""
    placeholders = dict.fromkeys(SECRETS, "replace-me")
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=REPOSITORY,
        env=os.environ | placeholders | {"LOCAL_SECRETS": "false"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "API_KEY_HASH_KEY" in done.stderr


def test_no_default_is_itself_a_variable() -> None:
    """docker-compose 1.29 takes the inner one for text."""
    assert re.search(r"\$\{[^}]*\$\{", COMPOSE_FILE.read_text()) is None


def settings_read() -> set[str]:
    settings = (REPOSITORY / "core" / "settings.py").read_text()
    return set(re.findall(r"""(?:env\.[a-z_]+|\bseconds|\bdays)\(\s*"([A-Z_]+)\"""", settings))


def test_every_setting_of_the_environment_file_reaches_the_containers() -> None:
    """What docker-compose does not name it passes on to nobody, and tells nobody."""
    services = yaml.safe_load(COMPOSE_FILE.read_text())["services"]
    for name in ("api", "settlement", "dispatcher", "cli-relay"):
        missing = settings_read() - set(services[name]["environment"])
        assert missing - {"DEBUG", "LOCAL_SECRETS"} == set(), name  # which production refuses in any case


def test_every_setting_is_documented() -> None:
    read = settings_read()
    documented = set(re.findall(r"(?m)^#?([A-Z_]+)=", EXAMPLE.read_text()))
    assert len(read) > 20
    assert read - documented == set()


def test_containers_take_secrets_from_the_environment_only() -> None:
    services = yaml.safe_load(COMPOSE_FILE.read_text())["services"]
    always = {name for name, service in services.items() if "profiles" not in service}
    assert always == {"postgres", "migrate", "api", "settlement", "dispatcher", "cli-relay", "demo-shop"}
    assert set(services) - always == {"rabbitmq", "worker"}
    for service in services.values():
        for name, value in service["environment"].items():
            if name in SECRETS:
                assert value == f"${{{name}:?set it in .env}}"
