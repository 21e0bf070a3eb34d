"""``config show``, ``config path`` and ``plugin list``: what is in use, and where it comes from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from helpdesk.config.schema import KEYS
from tests.surfaces.company import Company


def origins(document: dict[str, Any]) -> dict[str, tuple[Any, str]]:
    return {setting["name"]: (setting["value"], setting["origin"]) for setting in document["settings"]}


@pytest.mark.req("CLI-27")
def test_config_show_proves_where_every_value_comes_from(company: Company, tmp_path: Path) -> None:
    system = tmp_path / "xdg" / "helpdesk" / "config.toml"
    system.parent.mkdir(parents=True)
    system.write_text("[network]\ntrust = 'bundled'\nproxy = 'environment'\n")
    named = tmp_path / "named.toml"
    named.write_text("[network]\nproxy = 'http://named.example.com'\n[llm]\nmodel = 'named'\n")
    environ = {
        "XDG_CONFIG_DIRS": str(tmp_path / "xdg"),
        "HELPDESK_CONFIG": str(named),
        "HELPDESK_LLM_MODEL": "variable",
    }
    ran = company.run("config", "show", "--origin", "--json", env=environ)
    assert ran.code == 0, ran.err
    found = origins(ran.document)
    assert ran.document["schema"] == "helpdesk.config/1"
    assert found["network.trust"] == ("bundled", str(system))
    assert found["network.proxy"] == ("http://named.example.com", str(named))
    assert found["llm.model"] == ("variable", "HELPDESK_LLM_MODEL")
    assert found["directory.kind"] == ("embedded", str(company.config))
    assert found["roles.helpdesk"] == (["service-desk"], str(company.config))
    assert found["session.idle"] == ("15m", "default")
    assert {key.full_name for key in KEYS} <= set(found)
    lines = company.run("config", "show", "--origin", "--plain", env=environ).out.splitlines()
    assert f"network.trust\t{system}\tbundled" in lines
    assert "llm.model\tHELPDESK_LLM_MODEL\tvariable" in lines


@pytest.mark.req("CLI-27")
def test_nothing_comes_from_the_working_folder(company: Company, tmp_path: Path) -> None:
    for name in ("config.toml", "helpdesk.toml", "managed.toml"):
        (tmp_path / name).write_text("[network]\ntrust = 'bundled'\n")
    here = os.getcwd()
    os.chdir(tmp_path)
    try:
        found = origins(company.run("config", "show", "--json").document)
    finally:
        os.chdir(here)
    assert found["network.trust"] == ("system", "default")


@pytest.mark.req("CLI-9")
def test_without_origin_a_line_is_a_key_and_its_value(company: Company) -> None:
    ran = company.run("config", "show", "--plain")
    assert "session.store\tnone" in ran.out.splitlines()
    assert "directory.url\t-" in ran.out.splitlines()


@pytest.mark.req("S1")
def test_a_plugins_secret_is_not_shown(company: Company) -> None:
    company.config.write_text(
        company.config.read_text()
        + '[ticket]\ntoken = "hunter2"\nnested = {password = "hunter2"}\nqueue = "q"\n'
    )
    ran = company.run("config", "show", "--json")
    found = origins(ran.document)
    assert "hunter2" not in ran.out + ran.err
    assert found["ticket.token"][0] == "(not shown)"
    assert found["ticket.nested"][0] == {"password": "(not shown)"}
    assert found["ticket.queue"][0] == "q"


def test_a_malformed_file_is_one_sentence_with_its_line_and_one_document(company: Company) -> None:
    company.config.write_text("[directory\n")
    ran = company.run("config", "show")
    assert ran.code == 2
    assert ran.out == ""
    assert ran.err.count("\n") == 1
    assert str(company.config) in ran.err
    assert "line 1" in ran.err
    assert "Traceback" not in ran.err
    as_json = company.run("config", "show", "--json")
    assert as_json.code == 2
    assert as_json.document["error"]["code"] == "config"


def test_a_slip_is_warned_about_on_standard_error(company: Company) -> None:
    company.config.write_text(company.config.read_text() + "[netwrk]\nproxy = ''\n")
    ran = company.run("config", "show", "--json")
    assert ran.code == 0
    assert "did you mean network?" in ran.err
    assert "did you mean network?" in ran.document["warnings"][0]


def test_config_path_needs_no_usable_configuration(company: Company) -> None:
    company.config.write_text("[directory\n")
    ran = company.run("config", "path", "--json")
    assert ran.code == 0, ran.err
    files = {file["what"]: file for file in ran.document["files"]}
    assert files["own"] == {"what": "own", "path": str(company.config), "exists": True}
    assert files["managed"]["path"].endswith("managed.toml")
    assert ran.document["state"] == str(company.state)
    assert str(company.config) in company.run("config", "path").out


def test_help_comes_without_a_configuration(company: Company) -> None:
    company.config.write_text("[directory\n")
    for words in (("config",), ("config", "--help"), ("config", "show", "--help"), ("doctor", "--help")):
        ran = company.run(*words)
        assert ran.code == 0, ran.err
        assert "Usage: helpdesk" in ran.out


def test_plugin_list_names_every_plugin_with_its_actions(company: Company) -> None:
    ran = company.run("plugin", "list", "--json")
    assert ran.code == 0, ran.err
    document = ran.document
    assert document["schema"] == "helpdesk.plugins/1"
    actions = {plugin["name"]: plugin["actions"] for plugin in document["plugins"]}
    assert "password.reset" in actions["password"]
    assert "ticket.open" in actions["ticket"]
    assert document["problems"] == []
    assert "access.grant" in company.run("plugin", "list").out


@pytest.mark.req("P2")
def test_a_broken_plugin_is_listed_with_its_reason_and_the_others_go_on(
    company: Company, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    info = site / "broken-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[helpdesk.plugins]\nbroken = broken_plugin:plugin\n")
    (site / "broken_plugin.py").write_text("raise RuntimeError('boom \\x1b]0;x\\x07')\n")
    environ = {"PYTHONPATH": os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])}
    ran = company.run("plugin", "list", "--json", env=environ)
    assert ran.code == 0, ran.err
    (problem,) = ran.document["problems"]
    assert problem["plugin"] == "broken"
    assert "RuntimeError: boom" in problem["message"]
    assert len(ran.document["plugins"]) >= 6
    shown = company.run("plugin", "list", env=environ)
    assert "Not used: broken." in shown.out
    assert "\x1b" not in shown.out
    examined = company.run("doctor", "--json", env=environ)
    assert examined.code == 1
    assert [c["facts"]["plugin"] for c in examined.document["checks"] if c["state"] == "problem"] == [
        "broken"
    ]
