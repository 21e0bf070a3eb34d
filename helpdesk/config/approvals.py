"""``[approvals.NAME]``: the words in which a site says who is asked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from helpdesk.config.model import ApprovalRule
from helpdesk.errors import ConfigError
from helpdesk.text import shorten

_WORD: Final = re.compile(r"owner|manager|manager-chain:([1-9]|10)|group:\S.*")
_KNOWN: Final = '"owner", "manager", "manager-chain:2" (up to 10) and "group:NAME"'


def approvals(values: Mapping[str, Any], origins: Mapping[str, str]) -> dict[str, ApprovalRule]:
    """The rules, in the order of the file.

    Raises:
        ConfigError: a rule asks nobody, asks somebody it cannot name, or escalates by half.
    """
    rules = {}
    for name, found in values.items():
        rule = ApprovalRule(name=name, **found)
        where = f"{origins[f'approvals.{name}']}: [approvals.{name}]"
        if not rule.any_of and not rule.all_of:
            raise ConfigError(
                f"{where} asks nobody.", hint='Add any_of or all_of, such as any_of = ["owner"].'
            )
        if (rule.escalate_after is None) != (not rule.escalate_to):
            raise ConfigError(
                f"{where} says only half of its escalation.",
                hint="Add escalate_after and escalate_to, or neither.",
            )
        for word in (*rule.any_of, *rule.all_of, *filter(None, [rule.escalate_to])):
            if not _WORD.fullmatch(word):
                raise ConfigError(
                    f"{where} asks {shorten(word, 40)!r}, which means nobody.", hint=f"It knows {_KNOWN}."
                )
        rules[name] = rule
    return rules
