"""The crash suite: real processes under load, struck by faults, judged by three logs. `python -m tests.crash`."""
