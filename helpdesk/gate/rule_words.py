"""Conditions of rules in plain words. What has no words here is shown as the policy has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from helpdesk.gate.explanation import Tree, cedar

_PRINCIPAL: Tree = {"Var": "principal"}


def _dot(left: Tree, attribute: str) -> Tree:
    return {".": {"left": left, "attr": attribute}}


_CONTEXT: Tree = {"Var": "context"}
_RESOURCE: Tree = {"Var": "resource"}
_PERSON, _APPROVER = _dot(_CONTEXT, "person"), _dot(_CONTEXT, "approver")


@dataclass(frozen=True, slots=True)
class Names:
    """How the things in a condition are called.

    Attributes:
        actor: who asks: "you", or a login. person, group: what it is about, or "".
        groups_of_role: role → the groups that give it.
    """

    actor: str = "you"
    person: str = ""
    group: str = ""
    groups_of_role: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def words(self, tree: Tree) -> str:
        """A condition as a clause: "you have the role helpdesk (a member of service-desk)"."""
        ((operator, parts),) = tree.items()
        match operator:
            case "!":
                return f"it is not so that {self.words(parts['arg'])}"
            case "||" | "&&":
                joint = " or " if operator == "||" else " and "
                return joint.join((self.words(parts["left"]), self.words(parts["right"])))
            case "contains":
                found = self._contains(parts["left"], parts["right"])
            case "==" | "!=":
                found = self._same(parts["left"], parts["right"], operator == "==")
            case "has":
                found = self._has(parts["left"], parts["attr"])
            case ".":
                found = self._attribute(tree)
            case _:
                found = ""
        return found or cedar(tree)

    def role_in(self, tree: Tree) -> str:
        """The role that a condition asks the actor to have, or ""."""
        parts = tree.get("contains")
        if isinstance(parts, Mapping) and parts["left"] == _dot(_PRINCIPAL, "roles"):
            return str(parts["right"].get("Value", ""))
        return ""

    # ── shapes ────────────────────────────────────────────────────────────────────────────────

    def _contains(self, left: Tree, right: Mapping[str, Any]) -> str:
        verb = "have" if self.actor == "you" else "has"
        if left == _dot(_PRINCIPAL, "roles") and isinstance(right.get("Value"), str):
            role = right["Value"]
            groups = " or ".join(self.groups_of_role.get(role, ()))
            gives = f"a member of {groups}" if groups else "no group gives it here"
            return f"{self.actor} {verb} the role {role} ({gives})"
        if left == _dot(_RESOURCE, "owners"):
            if right == _PRINCIPAL:
                return f"{self.actor} {self._be()} an owner of {self._group()}"
            if right == _APPROVER:
                return f"whoever approves it is an owner of {self._group()}"
            if right == _PERSON:
                return f"{self._person()} is an owner of {self._group()}"
        return ""

    def _same(self, left: Tree, right: Tree, same: bool) -> str:
        for one, other in ((left, right), (right, left)):
            if other != _PRINCIPAL:
                continue
            whose = "your" if self.actor == "you" else f"{self.actor}'s"
            if one == _PERSON:
                return f"it is about {whose} own account" if same else f"it is not about {whose} own account"
            if one == _APPROVER:
                return f"{self.actor} approve it" if same else f"somebody other than {self.actor} approves it"
        return ""

    def _has(self, left: Tree, attribute: str) -> str:
        if left == _CONTEXT:
            return {
                "person": "it is about a person",
                "approver": "somebody approves it",
                "time_bound": "it takes back what would end by itself",
            }.get(attribute, "")
        return ""

    def _attribute(self, tree: Tree) -> str:
        known = {
            "privileged person": (_dot(_PERSON, "privileged"), f"{self._person()} is a privileged account"),
            "enabled person": (_dot(_PERSON, "enabled"), f"{self._person()} is enabled"),
            "enabled approver": (_dot(_APPROVER, "enabled"), "the approver's account is enabled"),
            "privileged group": (_dot(_RESOURCE, "privileged"), f"{self._group()} is a privileged group"),
            "privileged actor": (
                _dot(_PRINCIPAL, "privileged"),
                f"{self.actor} {self._be()} a privileged account",
            ),
        }
        return next((words for shape, words in known.values() if shape == tree), "")

    def _be(self) -> str:
        return "are" if self.actor == "you" else "is"

    def _group(self) -> str:
        return self.group or "the group"

    def _person(self) -> str:
        return self.person or "the person it is about"
