"""``privacy``: what a model would be sent is exactly what it is sent."""

from __future__ import annotations

import pytest

from tests.servers.model_server import model_server, text
from tests.surfaces.company import Company

WORDS = "please unlock the account of dev"


def configure(company: Company, url: str, may_see: str = '["words", "actions"]') -> None:
    company.config.write_text(
        company.config.read_text() + f'[llm]\nurl = "{url}"\nmodel = "small"\nmay_see = {may_see}\n'
    )


@pytest.mark.req("L2")
def test_what_it_shows_is_what_the_model_then_receives(company: Company) -> None:
    with model_server(text("I cannot help with that.")) as server:
        configure(company, server.url)
        shown = company.run("privacy", WORDS, "--json")
        assert shown.code == 0, shown.err
        assert server.received == []  # nothing is sent to show it
        company.run_as("bo", "ask", WORDS)
        sent = server.received[0].document
    document = shown.document
    assert document["schema"] == "helpdesk.privacy/1"
    assert document["sends"] is True
    assert [(m["role"], m["content"]) for m in sent["messages"]] == [
        (m["role"], m["content"]) for m in document["messages"]
    ]
    assert sent["tools"] == document["tools"]
    assert any(WORDS in message["content"] for message in document["messages"])
    text_shown = company.run("privacy", WORDS).out
    assert WORDS in text_shown
    assert "password__unlock" in text_shown


def test_the_classes_are_shown_without_words(company: Company) -> None:
    configure(company, "https://llm.example.com/v1")
    ran = company.run("privacy", "--json")
    assert ran.document["may_see"] == ["words", "actions"]
    assert set(ran.document["withheld"]) == {"policies", "results", "people", "groups", "tickets"}
    assert "messages" not in ran.document
    lines = company.run("privacy", "--plain").out.splitlines()
    assert [line.split("\t")[:2] for line in lines][:2] == [
        ["words", "may be sent"],
        ["actions", "may be sent"],
    ]


@pytest.mark.parametrize("configured", [False, True])
def test_where_nothing_would_be_sent_it_says_so(company: Company, configured: bool) -> None:
    if configured:
        configure(company, "https://llm.example.com/v1", may_see='["words"]')
    ran = company.run("privacy", WORDS, "--json")
    assert ran.document["sends"] is False
    assert ran.document["messages"] == []
    assert "nothing at all would be sent" in company.run("privacy", WORDS).out


@pytest.mark.req("S1")
def test_what_looks_like_a_password_is_not_in_it(company: Company) -> None:
    configure(company, "https://llm.example.com/v1")
    ran = company.run("privacy", "my password is hunter2-canary and I am locked out of vpn", "--json")
    assert "hunter2-canary" not in ran.out


def test_control_characters_are_shown_and_not_obeyed(company: Company) -> None:
    configure(company, "https://llm.example.com/v1")
    ran = company.run("privacy", "unlock \x1b]0;owned\x07 dev")
    assert "\x1b" not in ran.out
