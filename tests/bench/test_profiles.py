"""Profiles as a table of functions."""

from bench.profiles import summary

RECORDED = """\
process 1:"python";thread (0x1): "MainThread";run (dispatcher/process.py:10);send (dispatcher/sender.py:20) 6
process 1:"python";thread (0x1): "MainThread";run (dispatcher/process.py:11);send (dispatcher/sender.py:21) 2
process 1:"python";thread (0x2): "sender";run (dispatcher/sender.py:30) 2
process 1:"python";<module> (manage.py:3);_find_and_load (<frozen importlib._bootstrap>:1) 90
"""


def test_lines_of_a_function_are_counted_together_and_loading_is_left_out():
    lines = summary("dispatcher", RECORDED).splitlines()
    assert "10 samples" in lines[0]
    assert lines[1].split() == ["80.0%", "80.0%", "send", "(dispatcher/sender.py)"]
    assert lines[2].split() == ["20.0%", "20.0%", "run", "(dispatcher/sender.py)"]


def test_idle_program_has_no_profile():
    assert summary("dispatcher", "") == "No profile of dispatcher: it did nothing while py-spy watched."
