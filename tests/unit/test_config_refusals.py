"""A configuration that cannot be used is refused in one clear sentence; slips are answered with the nearest name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from helpdesk.errors import ConfigError
from tests.unit.config_world import Machine, write

CANARY = "hunter2-canary"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "machine")


def refused(machine: Machine, environ: dict[str, str] | None = None) -> str:
    """The one sentence of the refusal; its hint is there, and nothing else is."""
    with pytest.raises(ConfigError) as caught:
        machine.load(environ)
    assert caught.value.hint
    assert "\n" not in caught.value.message
    assert caught.value.exit == 2
    return caught.value.message


WRONG = {
    "[directory]\nurl = 3": '[directory] url must be an address such as "ldaps://ldap.example.com", not a number.',
    "[directory]\nkind = 'ad'": "[directory] kind must be one of ldap, embedded, not 'ad'.",
    "[directory]\nurl = 'ldap://a'\nstart_tls = 'yes'": "[directory] start_tls must be true or false, not a text.",
    "[directory]\nurl = 'ldaps://a'\nca_file = ''": "[directory] ca_file must be the path of a file, not empty.",
    "[directory]\nbase = 'dc=example'": "[directory] does not say where the directory is.",
    "[roles]\nhelpdesk = 7": (
        '[roles] helpdesk must be a group or a list of groups, such as ["service-desk"], not a number.'
    ),
    "[roles]\nhelpdesk = ['a', 7]": "not a list with a number in it.",
    "[roles]\nhelpdesk = ['a', ' ']": "not a list with an empty text in it.",
    "[authorization]\npolicies = ['a']": "[authorization] policies must be the path of a file, not a list.",
    "[policy]\nsources = {a = 1}": "[policy] sources must be a list of folders, not a table.",
    "[llm]\nkind = 'openai'\nmodel = 'm'": "[llm] url is missing for a model of the kind openai.",
    "[llm]\nurl = 'https://a/v1'": "[llm] model is missing for a model of the kind openai.",
    "[llm]\nurl = 'ftp://a/v1'\nmodel = 'm'": "[llm] url must be an address such as",
    "[llm]\nmay_see = ['words', 'everything']": "not one with 'everything' in it.",
    "[session]\nidle = 'soon'": '[session] idle must be a time such as "15m", "8h" or 900 (seconds), not \'soon\'.',
    "[session]\nidle = true": '[session] idle must be a time such as "15m", "8h" or 900 (seconds), not true or false.',
    "[session]\nidle = 1.5": '[session] idle must be a time such as "15m", "8h" or 900 (seconds), not a number.',
    "[session]\nidle = 0": "[session] idle must be more than 0 seconds and at most 30 days.",
    "[session]\nidle = -5": "[session] idle must be more than 0 seconds and at most 30 days.",
    "[session]\nabsolute = '31d'": "[session] absolute must be more than 0 seconds and at most 30 days.",
    "[session]\nidle = '9h'": "[session] idle is longer than [session] absolute.",
    "[session]\nidle = 2026-01-01": "not a date or time.",
    "[network]\nproxy = 'proxy'": '[network] proxy must be "", "environment", or an address',
    "[network]\ntrust = 'all'": "[network] trust must be one of system, bundled, not 'all'.",
    "[requests]\nshared = 1": "[requests] shared must be true or false, not a number.",
    "[limits]\nwrong_passwords = 0": "[limits] wrong_passwords must be a whole number from 1 to 1,000,000.",
    "[limits]\nwrong_passwords = 2.5": "[limits] wrong_passwords must be a whole number, not another number.",
    "[limits]\nchanges_per_actor = 'many'": "[limits] changes_per_actor must be a whole number, not a text.",
    "[limits]\nchanges_per_actor = true": "[limits] changes_per_actor must be a whole number, not true or false.",
    "[services]\nlogin = 'svc'": "[services] login must be a table of its own, such as [services.nightly], not a text.",
    "[services.n]\nactions = ['a.b']": "[services.n] does not say the login name that it signs in with.",
    "[services.n]\nlogin = 'svc'": "[services.n] does not say the actions that it may run.",
    "[services.n]\nlogin = 'svc'\nactions = []": "[services.n] does not say the actions that it may run.",
    "[services.n]\nlogin = 'svc'\nactions = ['a.b']\ngroup = 'x'": (
        "nobody knows the key [services.n] group; did you mean groups?"
    ),
    "[services.n]\nlogin = 'svc'\nactions = ['a.b']\nper_hour = -1": (
        "[services.n] per_hour must be a whole number from 1 to 1,000,000."
    ),
    "[services.n]\nlogin = 'svc'\nactions = ['a']\n[services.m]\nlogin = ' SVC'\nactions = ['b']": (
        "[services] n and m are one account, SVC."
    ),
    "[mail]\nurl = 'http://a'\nsender = 'a@b.c'": "[mail] url must begin with smtp:// or smtps://.",
    "[mail]\nurl = 'smtp://a:p@b'\nsender = 'a@b.c'": "[mail] url holds a name or password, which would stand readable",
    "[mail]\nurl = 'smtp://a'": "[mail] sender must be a mail address.",
    "[mail]\nurl = 'smtp://a'\nsender = 'a@b.c'\nstart_tls = false": "[mail] start_tls = false would send mail in the clear",
    "[mail]\nurl = 'smtp://a'\nsender = 'a@b.c'\nuser = 'u'": "[mail] user and password belong together.",
    "[notices]\nwebhook = 'http://a.example.com/'": "[notices] webhook has an address that is not encrypted",
    "[notices]\nwebhook = 'https://a.example.com/'": "[notices] webhook has no webhook_key",
    "[notices]\noperator = 'ops'": "[notices] operator must be a mail address.",
    "[store]\nurl = 'mysql://a/b'": "[store] url has an address that must begin with postgresql://.",
    "[store]\nurl = 'postgresql://a'": "must name a host and a database, such as postgresql://db.example.com/helpdesk.",
    "[store]\npassword = 'file:db'": "a reference, keyring:NAME, env:NAME, credential:NAME or file:/PATH",
    "[store]\npassword = 'credential:../db'": "a reference, keyring:NAME, env:NAME, credential:NAME or file:/PATH",
    "[worker]\nservice = 'w'\npassword = 'env:W'": "[worker] service is 'w', and there is no such service identity.",
    "[services.w]\nlogin = 'w'\nactions = ['a.b']\n[worker]\nservice = 'w'": "[worker] service has no password",
    "[worker]\ntakeover_seconds = 10": "[worker] takeover_seconds must be at least three times heartbeat_seconds (5).",
    "[worker]\nmetrics = 'here'": "[worker] metrics must be a host and a port.",
    "[worker]\ntrusted_hosts = ['me']": "[worker] trusted_hosts holds 'me', which is no public key of a host.",
    "directory = 1": "directory must be a section.",
}


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_value_names_file_key_and_what_is_expected(machine: Machine, text: str) -> None:
    file = machine.user(text)
    message = refused(machine)
    assert message.startswith(f"{file}: ")
    assert message.endswith(WRONG[text]) or WRONG[text] in message


def test_a_wrong_variable_is_named(machine: Machine) -> None:
    message = refused(machine, {"HELPDESK_SESSION_STORE": "file"})
    assert message == "HELPDESK_SESSION_STORE must be one of keyring, none, not 'file'."
    assert refused(machine, {"HELPDESK_ROLES_HELPDESK": "['a'"}).startswith("HELPDESK_ROLES_HELPDESK must be")


def test_a_relative_path_in_a_variable_is_refused(machine: Machine) -> None:
    message = refused(machine, {"HELPDESK_AUTHORIZATION_POLICIES": "rules.cedar"})
    assert message == (
        "HELPDESK_AUTHORIZATION_POLICIES must be an absolute path, because nothing is read from the working folder."
    )


@pytest.mark.req("S1")
@pytest.mark.parametrize("key", ["[directory]\nurl = 'ldaps://a'\nbind_password", "[llm]\napi_key"])
@pytest.mark.parametrize(
    "value", [CANARY, f"plain:{CANARY}", "keyring:", "env: ", f"KEYRING:{CANARY}", f"a\\n{CANARY}"]
)
def test_a_secret_itself_is_refused_and_not_repeated(machine: Machine, key: str, value: str) -> None:
    machine.user(f'{key} = "{value}"')
    message = refused(machine)
    assert "must be a reference, keyring:NAME, env:NAME" in message
    assert CANARY not in message


@pytest.mark.req("S1")
def test_a_secret_in_a_variable_or_an_address_is_refused_and_not_repeated(machine: Machine) -> None:
    assert CANARY not in refused(machine, {"HELPDESK_LLM_API_KEY": CANARY})
    assert CANARY not in refused(machine, {"HELPDESK_STORE_URL": f"postgresql://desk:{CANARY}@db/helpdesk"})
    machine.user(f"[llm]\nurl = 'https://me:{CANARY}@llm.example.com/v1'\nmodel = 'm'")
    assert CANARY not in refused(machine)
    machine.user(f"[network]\nproxy = 'http://me:{CANARY}@proxy.example.com:3128'")
    message = refused(machine)
    assert "[network] proxy holds a name or password" in message
    assert CANARY not in message


def test_malformed_toml_names_the_line(machine: Machine) -> None:
    file = machine.user("[llm]\nmodel = 'm'\nurl = https://a\n")
    assert refused(machine) == f"{file} is not valid TOML: Invalid value (at line 3, column 7)."


def test_what_does_not_end_names_the_last_line(machine: Machine) -> None:
    file = machine.user('[llm]\nmodel = "m')
    assert refused(machine) == f"{file} is not valid TOML: Unterminated string (at line 2, the last one)."


def test_endless_nesting_is_malformed(machine: Machine) -> None:
    machine.user("a = " + "[" * 100_000)
    assert "is not valid TOML" in refused(machine)


def test_what_is_not_utf8_names_the_line(machine: Machine) -> None:
    file = machine.user(b"[llm]\nmodel = 'gr\xfcn'\n")
    assert refused(machine) == f"{file} is not UTF-8 text (line 2)."


def test_a_byte_order_mark_is_no_problem(machine: Machine) -> None:
    machine.user(b"\xef\xbb\xbf[llm]\nmodel = 'm'\n")
    assert machine.load().llm.model == "m"


def test_a_folder_or_a_pipe_is_no_file_and_never_waited_for(machine: Machine) -> None:
    file = machine.places().config_file
    file.mkdir(parents=True)
    assert refused(machine) == f"{file} is not a file, so it cannot hold the configuration."
    file.rmdir()
    os.mkfifo(file)
    assert refused(machine) == f"{file} is not a file, so it cannot hold the configuration."


def test_an_unreadable_file_is_refused(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    file = machine.user("[llm]\nmodel = 'm'")
    file.chmod(0)
    if os.geteuid() == 0:  # root reads everything, so the system's answer is given by hand
        real = Path.read_bytes

        def denied(path: Path) -> bytes:
            if path == file:
                raise PermissionError(13, "Permission denied")
            return real(path)

        monkeypatch.setattr(Path, "read_bytes", denied)
    assert refused(machine) == f"{file} cannot be read: Permission denied."


def test_a_file_that_others_may_write_is_warned_about(machine: Machine) -> None:
    file = machine.user("[llm]\nmodel = 'm'")
    file.chmod(0o664)
    assert machine.load().warnings == (
        f"{file} can be written by others; take that right away with: chmod go-w {file}",
    )


@pytest.mark.req("S7")
def test_a_file_that_everybody_may_write_is_refused(machine: Machine) -> None:
    machine.user("[llm]\nmodel = 'm'").chmod(0o666)
    assert "can be written by everybody" in refused(machine)


def test_a_huge_file_is_refused(machine: Machine) -> None:
    machine.user(b"#" * 1_000_001)
    assert "too big" in refused(machine)


def test_helpdesk_config_must_name_a_file_that_is_there(machine: Machine) -> None:
    missing = str(machine.root / "missing.toml")
    assert (
        refused(machine, {"HELPDESK_CONFIG": missing})
        == f"HELPDESK_CONFIG names {missing}, which does not exist."
    )
    write(machine.home / "mine.toml", "[llm]\nmodel = 'mine'")
    assert machine.load({"HELPDESK_CONFIG": "~/mine.toml"}).llm.model == "mine"


SLIPS = {
    "[netwrk]\nproxy = ''": "nobody knows the section [netwrk]; did you mean network?",
    "[polcy]\nsources = []": "nobody knows the section [polcy]; did you mean policy?",
    "[network]\nproxxy = ''": "nobody knows the key [network] proxxy; did you mean proxy?",
    "[policy]\nsource = []": "nobody knows the key [policy] source; did you mean sources?",
    "[requests]\nzzz = 1": "nobody knows the key [requests] zzz.",
    "netwrok = 1": "netwrok stands outside any section and is not used; did you mean network?",
    "[roles]\nhelpdsk = 'a'": "[roles] helpdsk is a role of its own; did you mean helpdesk?",
}


@pytest.mark.parametrize("text", SLIPS)
def test_an_unknown_name_warns_with_the_nearest(machine: Machine, text: str) -> None:
    file = machine.user(text)
    assert machine.load().warnings == (f"{file}: {SLIPS[text]}",)


@pytest.mark.parametrize(
    ("text", "ending"),
    [
        ("[directory]\nurll = 'ldaps://a'", "nobody knows the key [directory] urll; did you mean url?"),
        ("[llm]\nmaysee = ['words']", "nobody knows the key [llm] maysee; did you mean may_see?"),
        ("[session]\nidel = '1m'", "nobody knows the key [session] idel; did you mean idle?"),
        (
            "[authorization]\npolicy = 'a'",
            "nobody knows the key [authorization] policy; did you mean policies?",
        ),
        ("[roles]\n'not a role' = 'a'", "nobody knows the key [roles] not a role."),
    ],
)
def test_an_unknown_key_of_a_managed_section_is_an_error_in_any_file(
    machine: Machine, text: str, ending: str
) -> None:
    file = machine.user(text)
    assert refused(machine) == f"{file}: {ending}"
    machine.user("")
    system = machine.system(text)
    assert refused(machine) == f"{system}: {ending}"


def test_an_unknown_variable_warns_or_is_an_error_like_a_key(machine: Machine) -> None:
    assert machine.load({"HELPDESK_NETWORK_PROXXY": "a"}).warnings == (
        "The variable HELPDESK_NETWORK_PROXXY names no key of [network]; did you mean proxy?",
    )
    (warning,) = machine.load({"HELPDESK_DIRECTROY_URL": "a"}).warnings
    assert warning.startswith("The variable HELPDESK_DIRECTROY_URL sets no key of the configuration")
    assert "HELPDESK_DIRECTORY_" in warning
    assert "did you mean idle?" in refused(machine, {"HELPDESK_SESSION_IDEL": "1m"})


def test_an_address_beside_the_embedded_directory_is_warned_about(machine: Machine) -> None:
    machine.user("[directory]\nkind = 'embedded'\nurl = 'ldaps://a'")
    assert machine.load().warnings == ('[directory] url is not used, because kind is "embedded": ldaps://a',)


def test_a_variable_that_is_none_of_ours_is_warned_about(machine: Machine) -> None:
    (warning,) = machine.load({"HELPDESK_PROFILE": "demo"}).warnings
    assert warning.startswith("The variable HELPDESK_PROFILE sets no key of the configuration")


def test_control_characters_in_names_are_shown_and_not_obeyed(machine: Machine) -> None:
    machine.user('["\\u001b]0;x\\u0007"]\na = 1')
    (warning,) = machine.load().warnings
    assert "\x1b" not in warning
    assert "\x07" not in warning
