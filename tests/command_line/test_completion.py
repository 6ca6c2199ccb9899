"""`webhooks completion`."""

import re
import subprocess

import pytest

from api.command_line.parser import SUBCOMMANDS
from tests.command_line.running import webhooks
from tools.test_dependencies import ZSH


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
    assert sorted(done.stdout.split()) == sorted(one.name for one in SUBCOMMANDS)


@pytest.mark.skipif(ZSH.is_missing, reason=f"enable with: {ZSH.install}")
def test_zsh_loads_its_script_and_knows_every_subcommand(tmp_path):
    ended = webhooks("completion", "zsh")
    assert ended.code == 0, ended.talk
    script = tmp_path / "_manage.py"
    script.write_text(ended.data)
    # `functions` shows them as zsh has understood them.
    asked = f"autoload -Uz compinit && compinit -D && source {script}; functions _shtab_manage_py_webhooks_commands"
    done = subprocess.run(["zsh", "-f", "-c", asked], capture_output=True, text=True, timeout=30, check=True)
    listed = re.findall(r"[( ]([a-z-]+):'", done.stdout)
    assert sorted(listed) == sorted(one.name for one in SUBCOMMANDS)
