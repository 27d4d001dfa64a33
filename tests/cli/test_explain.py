"""``exo-bridge explain``: the catalogue at hand."""

from __future__ import annotations

import pytest

from bridge.catalogue import catalogue
from bridge.cli import main
from bridge.cli.errors_page import errors_page
from bridge.troubleshooting import sections
from tests.cli.conftest import Cli
from tests.cli.test_pages import PAGE


def test_one_code(cli: Cli) -> None:
    """Sentence, cause, remedy, retry and exit code, and what it is recognised by."""
    entry = catalogue()["shell-quota"]
    result = cli("explain", "shell-quota")
    assert result.code == 0
    for text in (entry.sentence, entry.cause, entry.remedy, "retry helps  yes", "3; 4 where", "fault 2150859173"):
        assert text in result.out


@pytest.mark.parametrize("code", catalogue())
def test_json(cli: Cli, code: str) -> None:
    """Every code is one row, with all of its entry."""
    (row,) = cli("explain", code, "--json").json["rows"]
    entry = catalogue()[code]
    assert row["id"] == row["name"] == row["code"] == code
    facts = ("sentence", "cause", "remedy", "retry", "exit_code", "answer_lost")
    assert [row[name] for name in facts] == [getattr(entry, name) for name in facts]
    assert [sign["name"] for sign in row["signs"]] == [sign.name for sign in entry.signs]


@pytest.mark.parametrize("cause", sections())
def test_what_doctor_names(cli: Cli, cause: str) -> None:
    """Each cause is explained as the page does, whether it is the code of an error or not."""
    assert sections()[cause] in cli("explain", cause).out
    (row,) = cli("explain", cause, "--json").json["rows"]
    assert (row["id"], row["more"]) == (cause, sections()[cause])


def test_all_codes(cli: Cli) -> None:
    """Without a code they are listed."""
    result = cli("explain")
    assert [line.split()[0] for line in result.out.splitlines()[1:]] == list(catalogue())
    assert [row["id"] for row in cli("explain", "--json").json["rows"]] == list(catalogue())


def test_what_exchange_said(cli: Cli) -> None:
    """A type, a fault's number or Entra ID's number leads to the entry, with the remedy for just that."""
    assert "object-not-found" in cli("explain", "Microsoft.Exchange.X.ManagementObjectNotFoundException").out
    assert "runspace-lost" in cli("explain", "0x8033805B").out
    (row,) = cli("explain", "AADSTS7000222", "--json").json["rows"]
    assert row["code"] == "exchange-logon-refused"
    assert row["remedy"].startswith("The client secret has ended")


@pytest.mark.parametrize(("word", "near"), [("objct-not-found", "object-not-found"), ("busy", "exchange-busy")])
def test_near_matches(cli: Cli, word: str, near: str) -> None:
    """A code that does not exist is answered by those that are like it, with exit code 2."""
    result = cli("explain", word)
    assert (result.code, result.out) == (2, "")
    assert near in result.err


def test_completion(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The shell completes codes."""
    monkeypatch.setenv("_EXO_BRIDGE_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "exo-bridge explain agent-t")
    monkeypatch.setenv("COMP_CWORD", "2")
    with pytest.raises(SystemExit):
        main([])
    assert capsys.readouterr().out.split() == ["agent-timeout", "agent-tls"]


def test_an_error_names_its_code(cli: Cli) -> None:
    """What ends a command says how to learn more, except for what was typed wrong."""
    assert "exo-bridge explain settings" in cli("group", "list", "--settings", "no-such-file.toml").err
    assert "exo-bridge explain" not in cli("group", "nothing").err


def test_errors_page_is_up_to_date() -> None:
    """docs/errors.md is what the catalogue makes it; ``python -m bridge.cli.pages`` writes it anew."""
    assert PAGE.with_name("errors.md").read_text("utf-8") == errors_page()
    assert all(f"\n## {code}\n" in errors_page() for code in catalogue())
