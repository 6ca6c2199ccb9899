"""`webhooks completion`."""

import shutil
import subprocess

import pytest

from api.command_line.parser import SUBCOMMANDS
from tests.command_line.running import webhooks


def test_bash_completes_every_subcommand(tmp_path):
    ended = webhooks("completion", "bash")
    assert ended.code == 0, ended.talk
    script = tmp_path / "completion.bash"
    script.write_text(ended.data)
    # As readline does when somebody presses Tab after `./manage.py webhooks `.
    asked = (
        f"source {script}; COMP_WORDS=(./manage.py webhooks ''); COMP_CWORD=2; "
        "_shtab_manage_py ./manage.py '' webhooks; printf '%s\\n' \"${COMPREPLY[@]}\""
    )
    done = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, timeout=30, check=True)
    assert {one.name for one in SUBCOMMANDS} <= set(done.stdout.split())


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed: apt-get install zsh")
def test_zsh_takes_its_script(tmp_path):
    script = tmp_path / "_manage.py"
    script.write_text(webhooks("completion", "zsh").data)
    subprocess.run(["zsh", "-n", str(script)], check=True, timeout=30)
