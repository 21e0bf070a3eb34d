"""The configuration: defaults, precedence, types, and where every value comes from."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from helpdesk import platform
from helpdesk.config import ApprovalRule, LimitSettings, LogSettings, ServiceSettings
from helpdesk.config.model import NoticeSettings, UiSettings, WorkerSettings
from helpdesk.config.schema import DATA_CLASSES, KEYS, MANAGED
from helpdesk.config.shown import settings_of
from helpdesk.conversation.privacy import CLASSES, DEFAULT_MAY_SEE
from helpdesk.errors import ConfigError
from tests.unit.config_world import Machine, write


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    if os.geteuid() != 0:  # whose file is trusted is proven in test_config_managed.py
        monkeypatch.setattr(platform, "trusted_owner", lambda path: "")
    return Machine(tmp_path / "machine")


def test_without_any_file_nothing_is_configured_and_everything_has_a_default(machine: Machine) -> None:
    config = machine.load()
    assert not config.directory.configured
    assert config.llm.kind == "guided"
    assert set(config.llm.may_see) == DEFAULT_MAY_SEE
    assert (config.session.store, config.session.idle, config.session.absolute) == (
        "keyring",
        timedelta(minutes=15),
        timedelta(hours=8),
    )
    assert (config.network.proxy, config.network.trust, config.network.ca_file) == ("", "system", None)
    assert (config.roles, config.authorization.policies, config.policy.sources) == ({}, None, ())
    assert (config.warnings, config.files, config.origins) == ((), (), {})
    assert config.origin("session.idle") == "default"


def test_every_key_arrives_in_its_own_type(machine: Machine) -> None:
    file = machine.user(
        """
        [directory]
        kind = "ldap"
        url = "ldap://ldap.example.com"
        base = "dc=example,dc=com"
        ca_file = "ca.pem"
        start_tls = true
        people_base = "ou=people,dc=example,dc=com"
        groups_base = "ou=groups,dc=example,dc=com"
        login_attribute = "uid"
        login_dn = "uid={login},ou=people,dc=example,dc=com"
        bind_dn = "cn=look-ups,dc=example,dc=com"
        bind_password = "keyring:look-ups"
        server_hashes = true
        new_people_base = "ou=new,dc=example,dc=com"
        new_person_name = "uid={login}"
        new_person_classes = ["inetOrgPerson"]
        new_person_attributes = ["loginShell=/bin/bash"]
        [roles]
        helpdesk = ["service-desk", "cn=second,ou=groups,dc=example,dc=com"]
        privileged = "admins"
        [authorization]
        policies = "rules.cedar"
        [policy]
        sources = ["~/policies", "more", "/srv/policies"]
        [llm]
        kind = "openai"
        url = "https://llm.example.com/v1"
        model = "small"
        api_key = "env:LLM_KEY"
        may_see = ["words", "actions"]
        [session]
        store = "none"
        idle = 900
        absolute = "12h"
        [network]
        proxy = "http://proxy.example.com:3128"
        ca_file = "/etc/ca.pem"
        trust = "bundled"
        [requests]
        shared = true

        [ui]
        linear = true
        theme = "high-contrast"
        animation = false
        [limits]
        wrong_passwords = 4
        wrong_passwords_machine = 50
        wrong_password_window = "20m"
        changes_per_actor = 10
        changes_per_target = 11
        changes_per_machine = 12
        high_risk_per_actor = 13
        high_risk_per_target = 14
        high_risk_per_machine = 15
        [services.nightly]
        login = "svc-nightly"
        actions = ["password.unlock"]
        groups = ["interns"]
        per_hour = 200
        interactive = true
        [services.small-one]
        login = "svc-small"
        actions = "people.find"
        [log]
        checkpoints = ["file:///mnt/kept", "https://log.example.com/notes"]
        stream = "syslog+tls://log.example.com"
        stream_personal = true
        ca_file = "log-ca.pem"
        rotate_entries = 250000
        rotate_days = 90
        keep_days = 730
        """
    )
    config = machine.load()
    folder = file.parent
    assert config.directory.configured
    assert config.directory.ca_file == str(folder / "ca.pem")
    assert config.directory.start_tls is True
    assert config.directory.server_hashes is True
    assert config.directory.bind_password == "keyring:look-ups"
    assert config.roles == {
        "helpdesk": ("service-desk", "cn=second,ou=groups,dc=example,dc=com"),
        "privileged": ("admins",),
    }
    assert config.authorization.policies == folder / "rules.cedar"
    assert config.policy.sources == (machine.home / "policies", folder / "more", Path("/srv/policies"))
    assert config.plugin_settings("policy") == {"sources": tuple(str(path) for path in config.policy.sources)}
    assert (config.llm.api_key, config.llm.may_see) == ("env:LLM_KEY", ("words", "actions"))
    assert (config.session.idle, config.session.absolute) == (timedelta(minutes=15), timedelta(hours=12))
    assert config.network.ca_file == "/etc/ca.pem"
    assert config.requests.shared is True
    assert config.ui == UiSettings(linear=True, theme="high-contrast", animation=False)
    assert config.limits == LimitSettings(4, 50, timedelta(minutes=20), 10, 11, 12, 13, 14, 15)
    assert config.services == {
        "nightly": ServiceSettings(
            "nightly", "svc-nightly", ("password.unlock",), ("interns",), per_hour=200, interactive=True
        ),
        "small-one": ServiceSettings("small-one", "svc-small", ("people.find",)),
    }
    assert config.log == LogSettings(
        ("file:///mnt/kept", "https://log.example.com/notes"),
        "syslog+tls://log.example.com",
        stream_personal=True,
        ca_file=str(folder / "log-ca.pem"),
        rotate_entries=250_000,
        rotate_days=90,
        keep_days=730,
    )
    assert config.warnings == ()
    assert config.files == (file,)
    named = {"roles.helpdesk", "roles.privileged", "services.nightly", "services.small-one"}
    assert (
        set(config.origins)
        == {key.full_name for key in KEYS if key.section not in ("store", "worker", "mail", "notices")}
        | named
    )
    assert set(config.origins.values()) == {str(file)}


@pytest.mark.parametrize(
    ("written", "seconds"), [('"90s"', 90), ('"15m"', 900), ('"8h"', 28800), ('"1d"', 86400), ("900", 900)]
)
def test_durations(machine: Machine, written: str, seconds: int) -> None:
    machine.user(f"[session]\nidle = {written}\nabsolute = '30d'")
    assert machine.load().session.idle == timedelta(seconds=seconds)


def test_a_short_absolute_time_shortens_the_default_idle_time(machine: Machine) -> None:
    machine.user("[session]\nabsolute = '5m'")
    assert machine.load().session.idle == timedelta(minutes=5)


def test_precedence_of_every_source_with_its_origin(machine: Machine) -> None:
    """cli.md 27: managed > flags > environment > HELPDESK_CONFIG > own file > system files, best first."""

    def now(**given: str) -> tuple[str, str]:
        flags = {"llm.model": given.pop("flag")} if "flag" in given else {}
        config = machine.load(given, flags)
        return config.llm.model, config.origin("llm.model")

    second = machine.system("[llm]\nmodel = 'second'", "second")
    assert now() == ("second", str(second))
    first = machine.system("[llm]\nmodel = 'first'")
    assert now() == ("first", str(first))
    own = machine.user("[llm]\nmodel = 'own'")
    assert now() == ("own", str(own))
    named = write(machine.root / "named.toml", "[llm]\nmodel = 'named'")
    environ = {"HELPDESK_CONFIG": str(named)}
    assert now(**environ) == ("named", str(named))
    environ["HELPDESK_LLM_MODEL"] = "variable"
    assert now(**environ) == ("variable", "HELPDESK_LLM_MODEL")
    assert now(**environ, flag="flag") == ("flag", "the command line")
    managed = machine.manage("[llm]\nmodel = 'managed'")
    assert now(**environ, flag="flag") == ("managed", str(managed))


def test_sources_are_joined_key_by_key(machine: Machine) -> None:
    machine.system("[network]\nproxy = 'environment'\ntrust = 'bundled'")
    machine.user("[network]\nproxy = ''")
    network = machine.load().network
    assert (network.proxy, network.trust) == ("", "bundled")


def test_variables_set_values_of_every_kind(machine: Machine) -> None:
    config = machine.load(
        {
            "HELPDESK_DIRECTORY_URL": "ldap://ldap.example.com",
            "HELPDESK_DIRECTORY_START_TLS": "yes",
            "HELPDESK_ROLES_HELPDESK": '["one", "cn=two,dc=example"]',
            "HELPDESK_ROLES_PRIVILEGED": "cn=admins,dc=example",
            "HELPDESK_POLICY_SOURCES": os.pathsep.join(["/srv/a", "/srv/b"]),
            "HELPDESK_LLM_MAY_SEE": "words, actions,results",
            "HELPDESK_SESSION_IDLE": "60",
            "HELPDESK_REQUESTS_SHARED": "1",
            "HELPDESK_UI_LINEAR": "1",
            "HELPDESK_NETWORK_PROXY": "",
            "HELPDESK_LIMITS_WRONG_PASSWORDS": "4",
            "HELPDESK_SERVICES_NIGHTLY": '{login = "svc", actions = ["password.unlock"]}',
        }
    )
    assert config.directory.start_tls is True
    assert config.roles == {"helpdesk": ("one", "cn=two,dc=example"), "privileged": ("cn=admins,dc=example",)}
    assert config.policy.sources == (Path("/srv/a"), Path("/srv/b"))
    assert config.llm.may_see == ("words", "actions", "results")
    assert config.session.idle == timedelta(seconds=60)
    assert config.requests.shared is True
    assert config.ui.linear is True
    assert config.limits.wrong_passwords == 4
    assert config.services == {"nightly": ServiceSettings("nightly", "svc", ("password.unlock",))}
    assert config.origin("network.proxy") == "default"


def test_a_flag_that_was_not_given_decides_nothing(machine: Machine) -> None:
    machine.user("[llm]\nmodel = 'own'")
    assert machine.load(flags={"llm.model": None}).llm.model == "own"


def test_nothing_is_read_from_the_working_folder(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """cli.md 27: a hostile folder cannot configure the program, not even through a relative name."""
    trap = machine.root / "trap"
    for name in ("config.toml", "helpdesk.toml", "managed.toml", ".helpdesk.toml", "helpdesk/config.toml"):
        write(trap / name, "[llm]\nmodel = 'trap'")
    write(trap / ".env", "HELPDESK_LLM_MODEL=trap")
    monkeypatch.chdir(trap)
    relative = {"XDG_CONFIG_HOME": ".", "XDG_CONFIG_DIRS": "."}
    assert machine.load(relative).llm.model == ""
    with pytest.raises(Exception, match="HELPDESK_CONFIG must be an absolute path"):
        machine.load({"HELPDESK_CONFIG": "config.toml"})


def test_profiles_do_not_share_their_own_file(machine: Machine) -> None:
    machine.user("[llm]\nmodel = 'default'")
    machine.user("[llm]\nmodel = 'other'", profile="other")
    assert machine.load().llm.model == "default"
    assert machine.load(profile="other").llm.model == "other"


def test_a_plugin_gets_its_own_section_from_all_sources(machine: Machine) -> None:
    machine.system("[ticket]\nqueue = 'system'\nlimit = 3")
    machine.user("[ticket]\nqueue = 'own'\nnested = {a = 1}")
    config = machine.load({"HELPDESK_TICKET_COLOUR": "blue"})
    assert config.plugin_settings("ticket") == {
        "queue": "own",
        "limit": 3,
        "nested": {"a": 1},
        "colour": "blue",
    }
    assert config.origin("ticket.colour") == "HELPDESK_TICKET_COLOUR"
    assert config.plugin_settings("people") == {}
    assert config.warnings == ()


def test_the_embedded_directory_shares_its_requests_unless_told_otherwise(machine: Machine) -> None:
    machine.user("[directory]\nkind = 'embedded'")
    assert machine.load().requests.shared is True
    assert machine.load({"HELPDESK_REQUESTS_SHARED": "false"}).requests.shared is False
    machine.user("[directory]\nurl = 'ldaps://ldap.example.com'")
    assert machine.load().requests.shared is False


@pytest.mark.req("S9")
def test_the_proxy_of_the_environment_counts_only_when_configured(machine: Machine) -> None:
    environ = {"HTTPS_PROXY": "http://hostile:1", "no_proxy": "inside.example.com"}
    url = "https://llm.example.com/v1"
    assert machine.load(environ).network.proxy_for(url, environ) is None
    machine.user("[network]\nproxy = 'environment'")
    network = machine.load(environ).network
    assert network.proxy_for(url, environ) == "http://hostile:1"
    assert network.proxy_for("https://inside.example.com/v1", environ) is None
    assert network.proxy_for("http://llm.example.com/v1", environ) is None
    machine.user("[network]\nproxy = 'http://proxy.example.com:3128'")
    assert machine.load(environ).network.proxy_for(url, environ) == "http://proxy.example.com:3128"


def test_the_data_classes_are_those_of_the_conversation() -> None:
    assert set(DATA_CLASSES) == set(CLASSES)


def test_loading_imports_nothing_slow(machine: Machine) -> None:
    """Every command loads the configuration, so it may not cost what only some of them need."""
    machine.user("[directory]\nkind = 'embedded'\n[policy]\nsources = ['/srv']")
    program = (
        "import os, sys\n"
        "from helpdesk.config import load\n"
        "from helpdesk.platform import paths\n"
        "load('', os.environ, {}, paths('', os.environ))\n"
        "print([m for m in ('importlib.metadata', 'difflib', 'urllib.request', 'asyncio', 'typer',"
        " 'helpdesk.plugin', 'helpdesk.actions') if m in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], env=machine.environ, capture_output=True, text=True, check=False
    )
    assert (ran.stdout.strip(), ran.stderr) == ("[]", "")


def test_the_defaults_of_the_limits_are_those_of_the_page() -> None:
    written = {key.name: key.default for key in KEYS if key.section == "limits"}
    window = timedelta(minutes=int(written.pop("wrong_password_window").removesuffix("m")))
    assert LimitSettings(**written, wrong_password_window=window) == LimitSettings()


def test_the_managed_sections_are_those_of_the_contract() -> None:
    assert MANAGED == (
        "directory",
        "roles",
        "authorization",
        "llm",
        "session",
        "limits",
        "services",
        "log",
        "store",
        "worker",
        "mail",
        "notices",
        "approvals",
    )


def test_store_and_worker(machine: Machine) -> None:
    key = "helpdesk.local/0123456789abcdef+01020304+AQ=="
    machine.user(
        f"""
        [services.worker]
        login = "svc-worker"
        actions = ["access.grant"]
        [store]
        url = "postgresql://db.example.com:5433/helpdesk"
        user = "desk"
        password = "file:/etc/helpdesk/db"
        ca_file = "ca.pem"
        [worker]
        service = "worker"
        password = "credential:worker"
        start = "manual"
        trusted_hosts = ["{key}"]
        heartbeat_seconds = 1
        takeover_seconds = 3
        metrics = "9464"
        """
    )
    config = machine.load()
    assert config.store.url == "postgresql://db.example.com:5433/helpdesk"
    assert config.store.password == "file:/etc/helpdesk/db"
    assert config.store.ca_file is not None
    assert config.store.ca_file.endswith("/ca.pem")
    assert config.worker == WorkerSettings(
        "worker",
        "credential:worker",
        "manual",
        (key,),
        heartbeat_seconds=1,
        takeover_seconds=3,
        metrics="9464",
    )
    written = {key.name: key.default for key in KEYS if key.section == "worker" and key.default is not None}
    assert WorkerSettings(**written) == WorkerSettings()
    assert not WorkerSettings().configured


def test_mail_and_notices(machine: Machine) -> None:
    machine.user(
        """
        [mail]
        url = "smtp://mail.example.com"
        sender = "helpdesk@example.com"
        sender_name = "Help"
        user = "helpdesk"
        password = "keyring:helpdesk-mail"
        ca_file = "ca.pem"
        [notices]
        mail = false
        webhook = "https://chat.example.com/hook"
        webhook_key = "env:HOOK"
        operator = "ops@example.com"
        """
    )
    config = machine.load()
    assert (config.mail.kind, config.mail.url, config.mail.start_tls) == (
        "smtp",
        "smtp://mail.example.com",
        True,
    )
    assert (config.mail.sender, config.mail.sender_name) == ("helpdesk@example.com", "Help")
    assert (config.mail.user, config.mail.password) == ("helpdesk", "keyring:helpdesk-mail")
    assert config.mail.ca_file is not None
    assert config.mail.ca_file.endswith("/ca.pem")
    assert config.notices == NoticeSettings(
        mail=False,
        webhook="https://chat.example.com/hook",
        webhook_key="env:HOOK",
        operator="ops@example.com",
    )


@pytest.mark.parametrize(
    ("kind", "mail"), [("kind = 'embedded'", "embedded"), ("url = 'ldaps://ldap.example.com'", "none")]
)
def test_an_embedded_directory_has_an_outbox_beside_it(machine: Machine, kind: str, mail: str) -> None:
    machine.user(f"[directory]\n{kind}")
    assert machine.load().mail.kind == mail


# ── who is asked ──────────────────────────────────────────────────────────────────────────────


def test_rules_about_approvals_arrive_in_their_order(machine: Machine) -> None:
    machine.user(
        """
        [approvals.money]
        actions = ["access.*"]
        groups = "finance-*"
        all_of = ["owner", "group:security"]
        escalate_after = "3d"
        escalate_to = "manager-chain:2"
        [approvals.rest]
        actions = "*"
        any_of = ["manager"]
        """
    )
    config = machine.load()
    assert list(config.approvals.values()) == [
        ApprovalRule(
            "money",
            ("access.*",),
            ("finance-*",),
            all_of=("owner", "group:security"),
            escalate_after=timedelta(days=3),
            escalate_to="manager-chain:2",
        ),
        ApprovalRule("rest", ("*",), any_of=("manager",)),
    ]
    assert settings_of(config)["approvals.money"]["escalate_after"] == "3d"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('any_of = ["owner"]', "does not say the actions"),
        ('actions = ["a.b"]', "asks nobody"),
        ('actions = ["a.b"]\nany_of = ["the boss"]', "'the boss', which means nobody"),
        ('actions = ["a.b"]\nany_of = ["manager-chain:11"]', "means nobody"),
        ('actions = ["a.b"]\nall_of = ["group:"]', "means nobody"),
        ('actions = ["a.b"]\nany_of = ["owner"]\nescalate_to = "manager"', "only half of its escalation"),
        ('actions = ["a.b"]\nany_of = ["owner"]\nescalate_after = "1d"', "only half of its escalation"),
        ('actions = ["a.b"]\nany_off = ["owner"]', "nobody knows the key [approvals.n] any_off"),
    ],
)
def test_a_rule_that_asks_nobody_it_can_name_is_refused(machine: Machine, text: str, told: str) -> None:
    machine.user(f"[approvals.n]\n{text}")
    with pytest.raises(ConfigError) as refused:
        machine.load()
    assert told in refused.value.message
    assert refused.value.hint
