"""Completing in real shells: what is offered, from which lists, how fast, and that nothing is run for it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pexpect
import pytest

from helpdesk.actions.words import Words
from helpdesk.surfaces.cli.globals import HELP, split
from helpdesk.surfaces.completions import FILES, script
from helpdesk.surfaces.completions.__main__ import COPIES
from helpdesk.surfaces.completions.render import rendered
from helpdesk.surfaces.completions.tree import Tree, tree
from tests.surfaces.company import Company

BASH = shutil.which("bash") or "/bin/bash"
DRIVER = """
source "$1"
shift
COMP_LINE=$1
COMP_POINT=${#1}
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_helpdesk
((${#COMPREPLY[@]})) && printf '%s\\n' "${COMPREPLY[@]}"
exit 0
"""


@pytest.fixture(scope="module")
def known() -> Tree:
    return tree()


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """The program's cache folder, with what it would have written there."""
    folder = tmp_path / "cache"
    words = Words(folder / "helpdesk")
    words.people(["ana", "bo", "ana@corp.test", "$(touch pwned)", "`touch pwned`"])
    words.groups(["finance-share", "Domain Users"])
    return folder


def environment(cache: Path) -> dict[str, str]:
    """No PATH at all: a shell that wanted to start something would say that it was not found."""
    return {
        "PATH": "/nonexistent",
        "HOME": str(cache.parent),
        "XDG_CACHE_HOME": str(cache),
        "XDG_CONFIG_HOME": str(cache.parent / "config"),
        "LC_ALL": "C.UTF-8",
        "TERM": "xterm",
    }


def broken(line: str) -> list[str]:
    """A line as bash breaks it into words, the one under the cursor last."""
    return [word for part in line.split(" ") for word in re.findall(r"[=:@]|[^=:@]+", part) or [""]]


def bash(line: str, cache: Path) -> list[str]:
    done = subprocess.run(
        [BASH, "--norc", "--noprofile", "-c", DRIVER, "driver", str(COPIES / FILES["bash"]), line, *broken(line)],
        env=environment(cache),
        cwd=cache.parent,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout.splitlines()


# ── the scripts themselves ────────────────────────────────────────────────────────────────────


@pytest.mark.req("CLI-32")
@pytest.mark.parametrize("shell", FILES)
def test_every_script_is_current(shell: str, known: Tree) -> None:
    made = rendered(shell, known)
    assert script(shell) == made, "run: make completions"
    assert (COPIES / FILES[shell]).read_text("utf-8") == made, "run: make completions"


@pytest.mark.req("CLI-32")
def test_every_global_flag_is_known_to_the_parser_and_to_the_tree(known: Tree) -> None:
    offered = {flag.name: flag.kind for flag in known.globals}
    assert len(offered) > len(HELP)
    for name, kind in offered.items():
        if name in ("-h", "--help"):
            continue
        value = {"--color": ["never"], "--password-file": ["f", "--as", "ana"]}.get(name, ["demo"])
        rest = split(
            [name, *value] if kind != "switch" else [name, *(["--as", "a"] * (name == "--password-stdin"))]
        )
        assert rest[1] == [], f"{name} was not taken out as a global flag"


@pytest.mark.req("CLI-32")
def test_the_command_prints_the_shipped_script_with_help_on_installing_it(company: Company) -> None:
    for shell in FILES:
        assert company.run("completions", shell).out == script(shell)
    document = company.run("completions", "bash", "--json").document
    assert (document["schema"], document["script"]) == ("helpdesk.completions/1", script("bash"))
    help = company.run("completions", "--help").out
    for part in ("bash-completion/completions/helpdesk", "fpath", "fish/completions", "Invoke-Expression"):
        assert part in help
    assert company.run("completions", "tcsh").code == 2


# ── bash ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.req("CLI-32")
def test_bash_completes_every_command_and_subcommand(known: Tree, cache: Path) -> None:
    for place in known.places:
        if place.children:
            line = f"helpdesk {place.key} ".replace("  ", " ")
            assert bash(line, cache) == list(place.children), line


@pytest.mark.req("CLI-32")
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("helpdesk lo", ["login", "logout", "log"]),
        ("helpdesk do password.r", ["password.reset"]),
        ("helpdesk --json do password.r", ["password.reset"]),
        ("helpdesk do access.grant --gr", ["--group"]),
        ("helpdesk do access.grant ana fin", ["finance-share"]),
        ("helpdesk do access.grant --person a", ["ana", "ana@corp.test"]),
        ("helpdesk do access.grant --person=b", ["bo"]),
        ("helpdesk do access.grant ana Dom", ["Domain\\ Users"]),
        ("helpdesk do access.grant bo --group ", ["finance-share", "Domain\\ Users"]),
        ("helpdesk --as ana@c", ["corp.test"]),
        ("helpdesk do password.reset ana ", []),
        ("helpdesk do password.reset -- --", []),
        ("helpdesk --color ", ["auto", "always", "never"]),
        ("helpdesk ask --yes-for access.gr", ["access.grant"]),
        ("helpdesk --profile ", ["demo"]),
        ("helpdesk why access.gr", ["access.grant"]),
        ("helpdesk why access.grant bo fin", ["finance-share"]),
        ("helpdesk why access.grant --gr", ["--group"]),
        ("helpdesk undo ", []),
        ("helpdesk do password.unlock --b", ["--batch"]),
        ("helpdesk do --b", ["--batch"]),
        ("helpdesk completions ", ["bash", "zsh", "fish", "powershell"]),
        ("helpdesk help approvals den", ["deny"]),
        ("helpdesk help do access.grant ", []),
        ("helpdesk do no.such.action --js", ["--json"]),
    ],
)
def test_bash_offers(line: str, offered: Sequence[str], cache: Path) -> None:
    assert bash(line, cache) == list(offered)


@pytest.mark.req("CLI-32")
@pytest.mark.req("T1")
def test_a_name_of_the_directory_runs_nothing(cache: Path) -> None:
    offered = bash("helpdesk do password.reset ", cache)
    assert "\\$\\(touch\\ pwned\\)" in offered
    assert "\\`touch\\ pwned\\`" in offered
    assert not (cache.parent / "pwned").exists()


@pytest.mark.req("CLI-32")
def test_lists_belong_to_their_profile_and_end_with_their_age(cache: Path) -> None:
    assert bash("helpdesk --profile demo do password.reset ", cache) == []
    Words(cache / "helpdesk/profiles/demo").people(["dora"])
    assert bash("helpdesk --profile demo do password.reset ", cache) == ["dora"]
    assert bash("helpdesk do password.reset --profile=../demo d", cache) == []
    people = cache / "helpdesk/words/people"
    people.write_text(f"# {int(time.time()) - 29 * 86400}\nana\n")
    assert bash("helpdesk do password.reset ", cache) == ["ana"]
    people.write_text(f"# {int(time.time()) - 31 * 86400}\nana\n")
    assert bash("helpdesk do password.reset ", cache) == []
    people.write_text("no date\nana\n")
    assert bash("helpdesk do password.reset ", cache) == []


@pytest.mark.req("CLI-32")
def test_a_sites_own_action_is_completed_from_its_list(cache: Path) -> None:
    folder = cache / "helpdesk/words"
    (folder / "actions").write_text("# 1\nbadge.grant\npassword.reset\n")
    (folder / "flags.badge.grant").write_text("# 1\n. people\n. choice:lab|roof\n--zone choice:lab|roof\n")
    assert bash("helpdesk do ", cache) == ["badge.grant", "password.reset"]
    assert bash("helpdesk do badge.grant bo ", cache) == ["lab", "roof"]
    assert bash("helpdesk do badge.grant --z", cache) == ["--zone"]
    assert bash("helpdesk do badge.grant --zone=r", cache) == ["roof"]


@pytest.mark.req("CLI-32")
def test_what_a_person_was_shown_is_completed_afterwards(company: Company) -> None:
    assert company.run_as("bo", "do", "people.find", "cleo").code == 0
    assert company.run_as("bo", "do").code == 0
    cache = company.home / ".cache"
    assert bash("helpdesk do password.reset ", cache) == ["cleo"]
    assert bash("helpdesk do access.request ", cache) == ["finance-share", "service-desk"]
    assert bash("helpdesk do password.re", cache) == ["password.reset"]


@pytest.mark.req("S5")
def test_a_name_that_is_erased_from_the_log_is_not_completed_any_more(company: Company) -> None:
    text = company.config.read_text()
    company.config.write_text(text.replace("[roles]", '[roles]\nauditor = ["finance-share"]'))
    assert company.run_as("bo", "do", "people.find", "dev").code == 0
    cache = company.home / ".cache"
    assert bash("helpdesk do password.reset ", cache) == ["dev"]
    erased = company.run_as("cleo", "log", "erase", "dev", "--yes")
    assert erased.code == 0, erased.err
    assert bash("helpdesk do password.reset ", cache) == []


@pytest.mark.req("CLI-32")
def test_bash_loads_the_script_in_less_than_50_ms(cache: Path) -> None:
    took = []
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run(
            [BASH, "--norc", "-c", 'source "$1"', "x", str(COPIES / FILES["bash"])],
            env=environment(cache),
            check=True,
        )
        took.append(time.perf_counter() - start)
    assert min(took) < 0.05


@pytest.mark.req("CLI-32")
def test_bash_completes_at_a_real_prompt(cache: Path) -> None:
    child = pexpect.spawn(
        BASH, ["--norc", "--noprofile"], env=environment(cache), encoding="utf-8", timeout=20, dimensions=(24, 200)
    )  # fmt: skip
    child.sendline(f"PS1='READY> '; source {COPIES / FILES['bash']}")
    child.expect("READY> .*READY> |\r\nREADY> ")
    child.send("echo helpdesk; helpdesk do password.unl\tan\t")
    child.expect("password.unlock an")
    child.sendintr()
    child.close(force=True)


# ── zsh, fish, PowerShell ─────────────────────────────────────────────────────────────────────


@pytest.mark.req("CLI-32")
@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not on this machine")
def test_zsh_completes_at_a_real_prompt(cache: Path) -> None:
    child = pexpect.spawn(
        shutil.which("zsh"), ["-f", "-i"], env=environment(cache), encoding="utf-8", timeout=20, dimensions=(60, 160)
    )  # fmt: skip
    setup = f"PROMPT='READY> '; fpath=({COPIES} $fpath); autoload -U compinit; compinit -D -u; bindkey '^X' list-choices"
    child.sendline(setup)
    child.expect("READY> .*2004h")
    for line, offered in (
        ("helpdesk approvals ", ["withdraw", "approve"]),
        ("helpdesk do access.grant --gr", ["--group", "to which group"]),
        ("helpdesk do access.grant a", ["ana@corp.test"]),
        ("helpdesk do access.grant ana ", ["finance-share", r"Domain\\ Users"]),
        ("helpdesk --color=", ["always"]),
    ):
        child.send(f"\x15{line}\x18")
        for word in sorted(offered, reverse=line.endswith("approvals ")):
            if line.endswith("approvals "):
                child.expect("approve +--.*withdraw +--")
                break
            child.expect(word)
    assert not (cache.parent / "pwned").exists()
    child.close(force=True)


@pytest.mark.req("CLI-32")
@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not on this machine")
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("helpdesk do password.r", ["password.reset"]),
        ("helpdesk do access.grant --gr", ["--group"]),
        ("helpdesk do access.grant b", ["bo"]),
        ("helpdesk -n do access.grant bo fin", ["finance-share"]),
        ("helpdesk --as=b", ["--as=bo"]),
        ("helpdesk --color ", ["always", "auto", "never"]),
        ("helpdesk help approvals den", ["deny"]),
        ("helpdesk ask --yes-for access.gr", ["access.grant"]),
        ("helpdesk do password.reset ana ", []),
    ],
)
def test_fish_offers(line: str, offered: Sequence[str], cache: Path) -> None:
    done = subprocess.run(
        [str(shutil.which("fish")), "--no-config", "-c", 'source $argv[1]; complete -C "$argv[2]"',
         str(COPIES / FILES["fish"]), line],
        env=environment(cache), cwd=cache.parent, capture_output=True, text=True, timeout=30, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    assert sorted(one.split("\t")[0] for one in done.stdout.splitlines()) == sorted(offered)
    assert not (cache.parent / "pwned").exists()


@pytest.mark.req("CLI-32")
def test_the_powershell_script_is_well_formed(known: Tree) -> None:
    """No PowerShell runs here: its strings and brackets are checked, and that it names every command."""
    text = script("powershell")
    code = re.sub(r"""'(?:[^']|'')*'|"[^"]*"|#.*""", "", text)
    assert not set("'\"") & set(code), "a string does not end"
    stack = []
    for character in code:
        if character in "([{":
            stack.append(character)
        elif character in ")]}":
            assert stack, "a bracket is closed that was not opened"
            assert "([{".index(stack.pop()) == ")]}".index(character)
    assert stack == []
    for place in known.places:
        assert f"        '{place.key}' = @{{" in text


@pytest.mark.req("CLI-32")
@pytest.mark.parametrize("shell", FILES)
def test_no_script_starts_the_program_or_evaluates_what_it_reads(shell: str) -> None:
    text = "\n".join(line for line in script(shell).splitlines() if not line.lstrip().startswith("#"))
    for bad in (
        "eval ",
        "compgen -W",
        "$(helpdesk",
        "(command helpdesk",
        "& helpdesk",
        "Invoke-",
        "curl",
        "python",
    ):
        assert bad not in text
    assert os.sep + "home" not in text
