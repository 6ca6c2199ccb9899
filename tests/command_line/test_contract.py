"""What holds for every subcommand: where it writes, how, and with which code it ends."""

import io
import re
import subprocess
import sys

import pytest
from rich.text import Text

from api.command_line.arguments import bounded, endpoint_id, override, rate, short_span
from api.command_line.output import Column, Output
from tests.command_line.running import on_a_terminal, webhooks, within
from tests.processes import ROOT, command_environment

UNREACHABLE = "postgresql://nobody@127.0.0.1:1/none"


@pytest.mark.django_db(transaction=True)
def test_data_is_json_lines_in_a_pipe_and_lines_for_people_on_a_terminal(account):
    piped = webhooks("status", "--min-dispatchers", "0")
    assert piped.code == 0, piped.talk
    assert piped.record["well"] is True
    assert piped.talk == ""
    shown = on_a_terminal("status", "--min-dispatchers", "0")
    assert shown.code == 0
    assert "\x1b[32mNo endpoints yet: nothing is sent before there is one.\x1b[0m" in shown.data
    plain = on_a_terminal("status", "--min-dispatchers", "0", NO_COLOR="1")
    assert "No endpoints yet" in plain.data
    assert "\x1b" not in plain.data


@pytest.mark.django_db
def test_the_shape_can_be_asked_for(account, monkeypatch):
    assert within("keys", "create", "--json").record["api_key"].startswith("sk_test_")
    text = within("keys", "list", "--text").data
    assert "\x1b" not in text
    assert "good" in text
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[32mgood" in within("keys", "list", "--text").data
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in within("keys", "list", "--text").data


def test_a_wrong_argument_ends_with_2_and_names_the_argument():
    ended = webhooks("rotate-secret", "evt_0355TFrH8aMHaGq6BF9BOk")
    assert ended.code == 2
    first, second = ended.talk.splitlines()
    assert first.startswith("error: argument we_…: 'evt_0355TFrH8aMHaGq6BF9BOk' is the id of an event")
    assert second == "Its arguments: manage.py webhooks rotate-secret --help"
    assert ended.data == ""


@pytest.mark.parametrize(("words", "among"), [([], "doctor"), (["keys"], "revoke")])
def test_without_a_subcommand_they_are_listed(words, among):
    ended = within(*words)
    assert (ended.code, ended.data) == (2, "")
    assert re.search(rf"(?m)^    {among} ", ended.talk)
    assert "--settings" not in ended.talk


@pytest.mark.django_db
def test_a_database_out_of_reach_ends_with_3_in_one_sentence():
    ended = webhooks("status", DATABASE_URL=UNREACHABLE)
    assert ended.code == 3
    assert ended.talk.startswith("error: cannot reach PostgreSQL: ")
    assert ended.talk.count("\n") == 1


def test_a_reader_that_has_seen_enough_makes_no_noise():
    # A pipe takes 64 KiB; the rest finds it closed.
    command = f"{sys.executable} -W error manage.py webhooks completion bash; echo $? >&2"
    done = subprocess.run(
        ["/bin/sh", "-c", f"({command}) | head -c 1"],
        cwd=ROOT, env=command_environment(), capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stderr in ("0\n", "141\n")


@pytest.mark.parametrize(
    ("end", "code", "words"),
    [
        (">&-", 0, ""),
        (">/dev/full", 1, "error: standard output cannot be written: No space left on device\n"),
    ],
)
def test_an_output_that_takes_nothing_is_no_fault_of_ours(end, code, words):
    command = f"{sys.executable} -W error manage.py webhooks completion bash {end}"
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=ROOT, env=command_environment(), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (code, words)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "line", ["a\x1b]0;owned\x07b\x9b2J\x7f", Text("a\x1b]0;owned\x07b\x9b2J\x7f", style="red")]
)
def test_a_terminal_obeys_nothing_that_a_stranger_wrote(line):
    stdout, stderr = io.StringIO(), io.StringIO()
    output = Output(stdout=stdout, stderr=stderr, as_json=False, coloured=False)
    output.record({}, line)
    output.table([Column("path")], [({}, [line])], nothing="none")
    output.error(str(line))
    for shown in (*stdout.getvalue().splitlines(), *stderr.getvalue().splitlines()):
        assert shown.isprintable(), shown
    # A coloured text drops the bell by itself.
    assert stdout.getvalue().replace("␇", "").count("a␛]0;ownedb\ufffd2J␡") == 2


def test_a_table_that_is_too_wide_becomes_a_list(endpoint, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    wide = within("endpoints", "list", "--text").data.splitlines()
    monkeypatch.setenv("COLUMNS", "40")
    narrow = within("endpoints", "list", "--text").data.splitlines()
    assert (len(wide), len(narrow)) == (3, 5)
    assert narrow[0].split() == ["id", endpoint.public_id]
    assert narrow[-1].split() == ["url", endpoint.url]


@pytest.mark.django_db
def test_several_accounts_have_to_be_told_apart(account):
    within("keys", "create")
    from core.accounts import create_account

    other = create_account(name="Other")
    ended = within("keys", "list")
    assert ended.code == 2
    assert "argument --account" in ended.talk
    assert other.public_id in ended.talk
    assert within("keys", "list", "--account", account.public_id).code == 0


@pytest.mark.django_db
def test_without_an_account_the_way_to_one_is_told():
    ended = within("keys", "list")
    assert ended.code == 1
    assert "create_api_key" in ended.talk


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (rate, "0"), (rate, "0/s"), (rate, "-1"), (rate, "20/d"), (rate, "fast"), (rate, "1e400"),
        (bounded(1, 9), "0"), (bounded(1, 9), "10"), (bounded(1, 9), "1.5"), (bounded(1, 9), "٣"),
        (override, "amount"), (override, "=5"), (override, "Amount=5"), (override, "a[b=5"),
        (endpoint_id, ""), (endpoint_id, "we_"), (endpoint_id, "we_!355TFrH8aMHaGq6BF9BOk"),
        (endpoint_id, "we_" + "z" * 22),
        (short_span, "2h"), (short_span, "soon"),
    ],
)  # fmt: skip
def test_what_no_argument_can_be_is_refused_in_words(read, text):
    import argparse

    with pytest.raises(argparse.ArgumentTypeError) as refused:
        read(text)
    assert str(refused.value)


def test_rates_and_overrides_are_read():
    assert (rate("20/s"), rate("1200/m"), rate("0.5")) == (20.0, 20.0, 0.5)
    assert override("metadata[order]=a=b") == ("metadata[order]", "a=b")
    assert override("description=") == ("description", "")
