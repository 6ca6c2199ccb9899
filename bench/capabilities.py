"""What the version at hand can do, so that the bench also runs on one that lacks a part."""

from bench.processes import ROOT


def command_has(command: str, flag: str) -> bool:
    """Whether a command of the dispatcher has a flag."""
    path = ROOT / "dispatcher" / "management" / "commands" / f"{command}.py"
    return path.exists() and f'"{flag}"' in path.read_text()


def dispatcher_has(setting: str) -> bool:
    """Whether DISPATCHER knows a setting."""
    return f"    {setting.lower()}:" in (ROOT / "dispatcher" / "config.py").read_text()
