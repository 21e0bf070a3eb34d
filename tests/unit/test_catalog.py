"""The catalog (P2): a broken, doubled or dressed-up plugin is not used, and takes nothing else down with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import EntryPoint, PathDistribution
from pathlib import Path
from typing import Any

import pytest

from helpdesk.actions import catalog as catalogs
from helpdesk.actions.catalog import ENTRY_POINTS, Catalog, build, cached_specs
from helpdesk.errors import NotFound, PluginFailure

GOOD = '''
from helpdesk.plugin import Answer, Plugin, ReadContext
plugin = Plugin({name!r}, version={version!r})

@plugin.action(reads=True)
async def look(ctx: ReadContext) -> Answer:
    """Look."""
    return Answer("seen")
'''


class Wheels:
    """Installed distributions with plugins, in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def install(self, distribution: str, *plugins: tuple[str, str, str]) -> list[EntryPoint]:
        """Each plugin is its entry point's name, its module and that module's text."""
        info = self.folder / f"{distribution.replace('-', '_')}-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1\n")
        lines = [f"[{ENTRY_POINTS}]", *(f"{name} = {module}:plugin" for name, module, _ in plugins)]
        (info / "entry_points.txt").write_text("\n".join(lines) + "\n", "utf-8")
        for _, module, text in plugins:
            (self.folder / f"{module}.py").write_text(text, "utf-8")
        return list(PathDistribution(info).entry_points)


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wheels:
    wheels = Wheels(tmp_path / "site")
    monkeypatch.syspath_prepend(str(wheels.folder))
    return wheels


def good(name: str, version: str = "1") -> str:
    return GOOD.format(name=name, version=version)


def names(catalog: Catalog) -> list[str]:
    return [spec.name for spec in catalog.specs]


def refusals(catalog: Catalog) -> dict[str, str]:
    return {problem.plugin: problem.message for problem in catalog.problems}


def test_the_shipped_plugins_are_found_like_anyones_and_none_is_broken() -> None:
    catalog, watched = build()
    assert {info.name for info in catalog.plugins} >= {
        "access",
        "account",
        "password",
        "people",
        "policy",
        "ticket",
    }
    assert catalog.problems == ()
    assert {
        "password.change",
        "password.reset",
        "password.unlock",
        "password.status",
        "account.disable",
        "account.enable",
        "access.list",
        "access.show",
        "access.request",
        "access.grant",
        "access.revoke",
        "policy.search",
        "policy.show",
        "ticket.open",
        "ticket.comment",
        "ticket.status",
        "ticket.close",
        "ticket.reopen",
        "people.whoami",
        "people.find",
        "people.update",
    } <= set(names(catalog))
    assert any(path.name == "actions.py" for path in watched)


@pytest.mark.req("P2")
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("coffee", "coffee"),
        ("coffee", "Coffee"),
        ("coffee", "c0ffee"),
        ("coffee", "ｃｏｆｆｅｅ"),
        ("mail", "mai1"),
        ("mail", "mall"),
        ("modern", "modem"),
        ("my_tool", "mytool"),
        ("my_tool", "my-tool"),
    ],
)
def test_names_that_are_the_same_or_read_the_same_load_neither(wheels: Wheels, one: str, other: str) -> None:
    points = wheels.install("first", (one, "first_plugin", good(one)))
    points += wheels.install("second", (other, "second_plugin", good(other)))
    points += wheels.install("third", ("bystander", "third_plugin", good("bystander")))
    catalog, _ = build(points)
    assert names(catalog) == ["bystander.look"]
    for name in (one, other):
        assert refusals(catalog)[name] == "the name is claimed more than once (first, second); none is used."
    assert "first_plugin" not in sys.modules
    assert "second_plugin" not in sys.modules


@pytest.mark.req("P2")
def test_a_second_wheel_cannot_take_a_shipped_name(wheels: Wheels) -> None:
    from importlib.metadata import entry_points

    points = [
        *entry_points(group=ENTRY_POINTS),
        *wheels.install("evil", ("passw0rd", "evil", good("passw0rd"))),
    ]
    catalog, _ = build(points)
    assert not any(name.startswith("passw") for name in names(catalog))
    assert set(refusals(catalog)) == {"password", "passw0rd"}
    assert "access.grant" in names(catalog)


@pytest.mark.req("P2")
def test_two_wheels_that_claim_the_same_module_are_two_claimants(wheels: Wheels) -> None:
    points = wheels.install("first", ("coffee", "coffee_plugin", good("coffee")))
    points += wheels.install("second", ("coffee", "coffee_plugin", good("coffee")))
    assert names(build(points)[0]) == []


@pytest.mark.req("P2")
def test_letters_of_another_script_are_refused_and_the_real_one_stays(wheels: Wheels) -> None:
    dressed = "c\u043effee"  # a Cyrillic o
    points = wheels.install("first", ("coffee", "first_plugin", good("coffee")))
    points += wheels.install("second", (dressed, "second_plugin", good(dressed)))
    catalog, _ = build(points)
    assert names(catalog) == ["coffee.look"]
    assert refusals(catalog) == {dressed: "its name is not made of small letters, digits and underscores."}
    assert "second_plugin" not in sys.modules


BROKEN = {
    "raises": ("raise RuntimeError('boom')", "it does not load: RuntimeError: boom"),
    "exits": ("import sys; sys.exit(3)", "it does not load: SystemExit: 3"),
    "leaves": (
        "class Leave(BaseException): pass\nraise Leave('gone')",
        "it does not load: Leave: gone",
    ),
    "misses": ("import no_such_module_anywhere", "it does not load: ModuleNotFoundError"),
    "unparsable": ("def (:", "it does not load: SyntaxError"),
    "empty": ("", "has no attribute 'plugin'"),
    "nothing": ("plugin = None", "is not a helpdesk plugin."),
    "stranger": (good("other"), "it calls itself 'other' but is installed as 'stranger'."),
    "future": (
        good("future").replace("version='1'", "version='1', api=99"),
        "it was written for plugin API 99; this program has 1.",
    ),
    "session": (good("session"), "[session] of the configuration belongs to the program."),
    "untyped": (
        good("untyped").replace("ctx: ReadContext", "ctx: ReadContext, x: 'NoSuchType'"),
        "untyped.look has types that cannot be understood: name 'NoSuchType' is not defined.",
    ),
    "writer": (
        good("writer").replace("reads=True", ""),
        "writer.look writes but lacks a preview or a verify function.",
    ),
    "flags": (
        good("flags").replace("ctx: ReadContext", "ctx: ReadContext, dry_run: bool"),
        "flags.look: --dry-run is one of the program's own flags.",
    ),
    "twice": (
        good("twice") + good("twice").split("plugin = ")[1].split("\n", 1)[1],
        "it does not load: ValueError: twice.look is defined twice",
    ),
    "thief": (
        good("thief") + "plugin.actions['password.reset'] = plugin.actions.pop('thief.look')\n"
        "plugin.actions['password.reset'].name = 'password.reset'\n",
        "'password.reset' is no name for an action of the plugin thief.",
    ),
    "hidden": (
        good("hidden") + "plugin.actions['password.reset'] = plugin.actions['hidden.look']\n",
        "the action password.reset calls itself hidden.look.",
    ),
    "unreal": (
        good("unreal") + "plugin.actions['unreal.look'].function = 7\n",
        "unreal.look has types that cannot be understood",
    ),
    "odd": (
        good("odd") + "plugin.actions = 7\n",
        "it cannot be understood: AttributeError",
    ),
}


@pytest.mark.req("P2")
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_plugin_is_reported_and_takes_nothing_down(wheels: Wheels, name: str) -> None:
    text, reason = BROKEN[name]
    points = wheels.install("broken", (name, f"plugin_{name}", text))
    points += wheels.install("whole", ("whole", f"whole_beside_{name}", good("whole")))
    catalog, _ = build(points)
    assert names(catalog) == ["whole.look"]
    assert list(refusals(catalog)) == [name]
    assert reason in refusals(catalog)[name]
    with pytest.raises(PluginFailure, match=f"The plugin {name} is not used"):
        catalog.action(f"{name}.look")


def test_a_plugin_that_prints_while_it_loads_leaves_standard_output_alone(
    wheels: Wheels, capsys: pytest.CaptureFixture[str]
) -> None:
    points = wheels.install("loud", ("loud", "loud_plugin", "print('hello')\n" + good("loud")))
    assert names(build(points)[0]) == ["loud.look"]
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "hello\n")


def test_an_unknown_action_is_answered_with_the_nearest() -> None:
    with pytest.raises(NotFound) as caught:
        build()[0].action("password.rest")
    assert caught.value.code == "unknown-action"
    assert "password.reset" in caught.value.hint


# ── the manifest ──────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows with every time the plugins are imported to make a manifest."""
    made: list[int] = []
    real = catalogs.build

    def counting(processes: Any = None) -> tuple[Catalog, list[Path]]:
        made.append(1)
        return real(processes=processes)

    monkeypatch.setattr(catalogs, "build", counting)
    return made


def test_the_manifest_says_what_the_code_says(tmp_path: Path, builds: list[int]) -> None:
    made, read = cached_specs(tmp_path / "cache"), cached_specs(tmp_path / "cache")
    assert len(builds) == 1
    assert (read.specs, read.plugins, read.problems) == (made.specs, made.plugins, made.problems)
    spec, action = read.action("password.reset")
    assert spec == read.spec("password.reset")
    assert action.name == "password.reset"


@pytest.mark.req("S7")
def test_the_manifest_is_private(tmp_path: Path) -> None:
    cached_specs(tmp_path / "cache")
    assert (tmp_path / "cache" / "manifest.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "spoil",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"program": "0"}',
        b"\xff\xfe",
    ],
)
def test_a_manifest_that_makes_no_sense_is_made_anew(tmp_path: Path, builds: list[int], spoil: bytes) -> None:
    cached_specs(tmp_path / "cache")
    (tmp_path / "cache" / "manifest.json").write_bytes(spoil)
    assert cached_specs(tmp_path / "cache").spec("password.reset")
    assert len(builds) == 2


def test_an_installation_beside_it_makes_the_manifest_anew(
    tmp_path: Path, wheels: Wheels, builds: list[int]
) -> None:
    assert "coffee.look" not in names(cached_specs(tmp_path / "cache"))
    os.utime(wheels.folder, ns=(1, 1))
    cached_specs(tmp_path / "cache")
    wheels.install("coffee", ("coffee", "coffee_installed", good("coffee")))
    assert "coffee.look" in names(cached_specs(tmp_path / "cache"))


def test_an_edited_plugin_makes_the_manifest_anew_a_broken_one_too(tmp_path: Path, wheels: Wheels) -> None:
    """Each look is a process of its own, as it is for a person who repairs their plugin."""

    def look() -> tuple[list[str], dict[str, str]]:
        program = (
            "import json, pathlib\n"
            "from helpdesk.actions.catalog import cached_specs\n"
            f"c = cached_specs(pathlib.Path({str(tmp_path / 'cache')!r}))\n"
            "print(json.dumps([[s.name for s in c.specs if s.plugin == 'mine'],"
            " {p.plugin: p.message for p in c.problems}]))"
        )
        environ = {**os.environ, "PYTHONPATH": str(wheels.folder), "PYTHONDONTWRITEBYTECODE": "1"}
        ran = subprocess.run(
            [sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=True
        )
        found, problems = json.loads(ran.stdout)
        return found, problems

    def edit(text: str, at: int) -> None:
        """Write in place, so that only the file's own time tells."""
        file = wheels.folder / "mine_plugin.py"
        before = wheels.folder.stat()
        file.write_text(text, "utf-8")
        os.utime(file, ns=(at, at))
        os.utime(wheels.folder, ns=(before.st_atime_ns, before.st_mtime_ns))

    wheels.install("mine", ("mine", "mine_plugin", "raise RuntimeError('half written')"))
    edit("raise RuntimeError('half written')", 10**18)
    assert look() == ([], {"mine": "it does not load: RuntimeError: half written"})
    edit(good("mine"), 10**18 + 10**9)
    assert look() == (["mine.look"], {})
    edit(good("mine").replace("def look", "def see"), 10**18 + 2 * 10**9)
    assert look() == (["mine.see"], {})


@pytest.mark.req("P2")
def test_names_are_read_without_importing_a_plugin_and_one_action_imports_one(tmp_path: Path) -> None:
    """DESIGN: three grains. Seen from outside: a process of its own tells its modules."""
    program = (
        "import json, pathlib, sys\n"
        "from helpdesk.actions.catalog import cached_specs\n"
        f"c = cached_specs(pathlib.Path({str(tmp_path / 'cache')!r}))\n"
        "def loaded(): return sorted(m for m in sys.modules if m.startswith('helpdesk_') and '.' not in m)\n"
        "before = loaded(), 'importlib.metadata' in sys.modules, 'helpdesk.plugin' in sys.modules\n"
        "c.action('account.disable')\n"
        "print(json.dumps([len(c.specs), before, loaded()]))"
    )

    def run() -> list[object]:
        ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        return list(json.loads(ran.stdout))

    count, (all_of_them, _, _), _ = run()  # type: ignore[misc]
    assert len(all_of_them) >= 6
    assert run() == [count, [[], False, False], ["helpdesk_account"]]


def test_a_cache_that_cannot_be_written_costs_time_and_nothing_else(
    tmp_path: Path, builds: list[int]
) -> None:
    (tmp_path / "cache").write_text("a file where the folder belongs")
    assert cached_specs(tmp_path / "cache").spec("password.reset")
    assert cached_specs(tmp_path / "cache").spec("password.reset")
    assert len(builds) == 2
