"""From words to an action: BM25 over what each action says of itself, plus a few plain observations.

Every part of a score can be named (:attr:`Candidate.why`), so that a wrong route can be explained and a
plugin author can mend it with an example phrase. Nothing here knows an action by its name.
"""

from __future__ import annotations

import re
import sqlite3
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from helpdesk.conversation import phrases, talk
from helpdesk.conversation.clues import Clues
from helpdesk.conversation.thesaurus import expand
from helpdesk.conversation.words import content, tokens
from helpdesk.spec import ActionSpec

ENOUGH = 3.2
"""The least score that counts as an offer; below it the words are out of scope."""
CLEAR = 0.88
"""A second action that reaches this share of the best one's score makes the route ambiguous."""
COVERED = 0.34
"""The least share of the words' weight that the action must know."""

_PROSE = re.compile(r"[._-]+")
_WHOLE = "SELECT action, -bm25(actions, 0.0, 4.0, 4.0, 2.5, 0.7, 1.6) FROM actions WHERE actions MATCH ?"
"""Column weights: action, verb, noun, summary, description, examples."""
_CLOSE = "SELECT action, -bm25(phrases) FROM phrases WHERE phrases MATCH ?"


@dataclass(frozen=True, slots=True)
class Candidate:
    """An action that the words may mean.

    Attributes:
        why: the parts of the score, by name, for ``--debug`` and for tests.
    """

    spec: ActionSpec
    score: float
    covered: float = 0.0
    why: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Route:
    """Where the words lead: one action, a few to choose from, or nowhere (both empty).

    Attributes:
        flow: what the sentence is, when a set phrase decided ("policy", "lock", "state", "self", "leave",
            "problem", "incident", "people", "supposed", "nothing", or a kind of :mod:`talk`), otherwise "".
    """

    spec: ActionSpec | None = None
    which: tuple[ActionSpec, ...] = ()
    flow: str = ""


class Router:
    """An in-memory index over the actions' names, summaries, descriptions and example phrases."""

    def __init__(self, specs: Sequence[ActionSpec]) -> None:
        self._specs = {spec.name: spec for spec in specs}
        self._habits = {spec.name: _habits(spec) for spec in specs}

    @cached_property
    def _db(self) -> sqlite3.Connection:
        db = sqlite3.connect(":memory:", check_same_thread=False)
        weakref.finalize(self, db.close)
        columns = "action UNINDEXED, verb, noun, summary, description, examples"
        db.execute(f"CREATE VIRTUAL TABLE actions USING fts5({columns}, tokenize='porter unicode61')")
        db.execute(
            "CREATE VIRTUAL TABLE phrases USING fts5(action UNINDEXED, text, tokenize='porter unicode61')"
        )
        for spec in self._specs.values():
            noun, _, verb = (_PROSE.sub(" ", part) for part in spec.name.partition("."))
            examples = " . ".join(_neutral(example) for example in spec.examples)
            parameters = " ".join(f"{_PROSE.sub(' ', p.name)} {p.help}" for p in spec.parameters)
            about = f"{spec.description} {parameters}"
            row = (spec.name, verb, noun, spec.summary, about, examples)
            db.execute("INSERT INTO actions VALUES (?,?,?,?,?,?)", row)
            for text in (spec.summary, *(_neutral(example) for example in spec.examples)):
                db.execute("INSERT INTO phrases VALUES (?,?)", (spec.name, text))
        return db

    def route(self, words: str, clues: Clues | None = None) -> Route:
        """Decide. A set phrase wins; then the best action, if it is good enough and clearly the best."""
        clues = clues or Clues.of(words)
        if kind := talk.kind(words):
            return Route(flow=kind)
        leaves = talk.is_leave(words, names_group=bool(clues.groups), names_other=bool(clues.names))
        if leaves and phrases.LEAVE in self._specs:
            return Route(self._specs[phrases.LEAVE], flow="leave")
        left = talk.left_to_do(words)
        if left is not None:
            return self.route(left) if left else Route(flow="nothing")
        if _is_group_alone(clues):
            return Route(which=tuple(spec for spec in self._specs.values() if _takes_only_a_group(spec)))
        return self._set_phrase(words, clues) or self._best(words, clues)

    def _set_phrase(self, words: str, clues: Clues) -> Route | None:
        """The route of a sentence that is known by its form."""
        spec, named = self._specs, bool(clues.names)
        if phrases.POLICY in spec and phrases.is_policy_question(words) and not clues.ticket:
            return Route(spec[phrases.POLICY], flow="policy")
        if talk.is_supposed(words):
            return Route(flow="supposed")
        if phrases.OWN_STATUS in spec:
            if phrases.is_own_lock(words) and not named:
                return Route(spec[phrases.OWN_STATUS], flow="lock")
            if phrases.is_state_question(words, names_someone=named) and not clues.ticket:
                return Route(spec[phrases.OWN_STATUS], flow="state")
        if phrases.MEMBERSHIP in spec and phrases.is_membership_question(
            words, names_someone=named, names_group=bool(clues.groups)
        ):
            return Route(spec[phrases.MEMBERSHIP], flow="state")
        if phrases.WHOAMI in spec and phrases.is_own_data(words) and not named:
            return Route(spec[phrases.WHOAMI], flow="self")
        if phrases.is_beyond(words):
            return Route()
        if phrases.HANDOFF in spec and not clues.ticket and not clues.groups:
            if phrases.is_incident(words) and not (named and clues.orders and "account" in clues.plain):
                return Route(spec[phrases.HANDOFF], flow="incident")
            if phrases.is_for_people(words) or self._is_wish(words):
                return Route(spec[phrases.HANDOFF], flow="people")
            if phrases.is_shut_out(words):
                return Route(spec[phrases.HANDOFF], flow="problem")
        return None

    def _is_wish(self, words: str) -> bool:
        """Something is wanted that only people can bring, unless an action's own examples speak of it."""
        things = phrases.wished(words)
        return bool(things) and not any(
            things & phrases.wished(example)
            for spec in self._specs.values()
            if spec.name != phrases.HANDOFF
            for example in spec.examples
        )

    def _best(self, words: str, clues: Clues) -> Route:
        spec = self._specs
        good = [c for c in self.rank(words, clues) if c.score >= ENOUGH and c.covered >= COVERED]
        if good and not _may_mean(good[0], words, clues):
            good = []
        good = [c for c in good if _may_mean(c, words, clues)]
        problem = (
            phrases.HANDOFF in spec
            and phrases.is_problem_report(words)
            and not clues.ticket
            and not clues.asks
        )
        if problem and (not good or _is_better_seen_to(good[0], words)):
            return Route(spec[phrases.HANDOFF], flow="problem")
        if not good:
            return Route()
        near = [c for c in good if c.score >= CLEAR * good[0].score][:3]
        if len(near) > 1:
            return Route(which=tuple(c.spec for c in near))
        return Route(good[0].spec)

    def rank(self, words: str, clues: Clues | None = None) -> list[Candidate]:
        """Every action that shares a word with ``words`` (or a clue), best first."""
        clues = clues or Clues.of(words)
        told = [
            word
            for word in content(clues.plain)
            if word not in clues.names and not word.isdigit() and "@" not in word
        ]
        weights = self._weights(told)
        wide = dict.fromkeys(told, 1.0) | dict.fromkeys(expand(clues.plain), 0.6)
        if not wide:
            return []
        whole = self._bm25(_WHOLE, wide)
        close = self._bm25(_CLOSE, wide)
        found = [
            self._candidate(name, whole[name], close.get(name, 0.0), clues, told, weights) for name in whole
        ]
        return sorted(found, key=lambda c: (-c.score, c.spec.name))

    def _candidate(
        self, name: str, whole: float, close: float, clues: Clues, told: list[str], weights: dict[str, float]
    ) -> Candidate:
        spec = self._specs[name]
        said = any(name in self._named(word) for word in told)
        why = {"bm25": whole, "phrase": 0.8 * close, "says its name": 2.0 if said else 0.0}
        seen = self._habits[name].agreement(clues)
        covered = self._coverage(name, told, clues.plain, weights, agreed=any(v > 1 for v in seen.values()))
        why |= seen
        return Candidate(
            spec,
            sum(why.values()) * (0.5 + 0.5 * covered),
            covered,
            {k: round(v, 2) for k, v in why.items() if v},
        )

    def _bm25(self, sql: str, words: dict[str, float]) -> dict[str, float]:
        """Best score by action. Words from the thesaurus count for less than the person's own."""
        scores: dict[str, float] = {}
        for weight in (1.0, 0.6):
            part = [word for word, w in words.items() if w == weight]
            if not part:
                continue
            best: dict[str, float] = {}
            for name, score in self._db.execute(sql, (_query(part),)):
                best[name] = max(best.get(name, 0.0), weight * score)
            for name, score in best.items():
                scores[name] = scores.get(name, 0.0) + score
        return scores

    def knows(self, word: str) -> set[str]:
        """The actions whose own texts have this word, in whatever ending."""
        rows = self._db.execute("SELECT action FROM actions WHERE actions MATCH ?", (_query([word]),))
        return {name for (name,) in rows}

    def _named(self, word: str) -> set[str]:
        """Actions whose own verb this word is."""
        rows = self._db.execute(
            "SELECT action FROM actions WHERE actions MATCH ?", (f"verb : {_query([word])}",)
        )
        return {name for (name,) in rows}

    def _weights(self, words: list[str]) -> dict[str, float]:
        """Rarer words weigh more; a word that no action knows weighs as much as the rarest."""
        total = max(len(self._specs), 1)
        return {word: 1.0 + (total - (len(self.knows(word)) or 1)) / total for word in words}

    def _coverage(
        self, name: str, told: list[str], plain: str, weights: dict[str, float], *, agreed: bool
    ) -> float:
        """The share of what was said that this action knows; a name, group or number it needs counts as a word."""
        clue = 2.0 if agreed else 0.0
        total = sum(weights.values()) + clue
        if not total:
            return 1.0
        known = clue
        for word in told:
            near = [word, *expand(word)]
            if any(name in self.knows(w) for w in near):
                known += weights[word]
        if known < total and any(name in self.knows(w) for w in expand(plain)):
            known += min(1.0, total - known)
        return known / total


def _is_group_alone(clues: Clues) -> bool:
    """Nothing was said but the name of a group: what about it has to be asked."""
    return len(clues.groups) == 1 and set(tokens(clues.plain)) <= {"the", "please", "group", "access", "to"}


def _takes_only_a_group(spec: ActionSpec) -> bool:
    kinds = {parameter.kind for parameter in spec.parameters}
    return "group" in kinds and "login" not in kinds


def _is_better_seen_to(best: Candidate, words: str) -> bool:
    """Whether people shall look at a problem: no action knows enough of it, or none mends things of that kind."""
    if best.spec.name == phrases.HANDOFF or best.covered < 0.6:
        return True
    mends = any(phrases.is_problem_report(example) for example in best.spec.examples)
    return phrases.is_thing(words) and not mends and not best.spec.reads


def _may_mean(candidate: Candidate, words: str, clues: Clues) -> bool:
    """A ticket is opened where one is spoken of; whatever nothing fits is offered one anyway."""
    if candidate.spec.name != phrases.HANDOFF:
        return True
    return phrases.hands_over(words) and not (
        clues.asks and not clues.ticket and "ticket" not in clues.plain.casefold()
    )


def _query(words: Sequence[str]) -> str:
    return " OR ".join('"' + word.replace('"', '""') + '"' for word in words)


def _neutral(example: str) -> str:
    """An example phrase without the names in it: they would route everyone who has that name."""
    return Clues.of(example).plain


@dataclass(frozen=True, slots=True)
class _Habits:
    """What an action's arguments say about the sentences that ask for it."""

    others: bool
    needs_other: bool
    group: bool
    needs_group: bool
    ticket: bool
    needs_ticket: bool
    own: bool
    reads: bool

    def agreement(self, clues: Clues) -> dict[str, float]:
        """Named parts of the score, in the unit of a BM25 score."""
        other = bool(clues.names) or clues.about_other
        return {
            "names someone": (1.2 if self.needs_other else 0.5 if self.others else -1.2) if other else 0.0,
            "own matter": (0.8 if self.own else -1.5)
            if clues.about_self and not other
            else -0.8 * (self.others and self.reads and not other),
            "names a group": (1.6 if self.needs_group else 0.3 if self.group else -1.0)
            if clues.groups
            else -0.6 * self.needs_group,
            "names a ticket": (2.5 if self.needs_ticket else 0.5 if self.ticket else -2.0)
            if clues.ticket
            else 0.0,
            "asks": (0.9 if self.reads else -0.9) if clues.asks else 0.0,
            "orders": (-0.7 if self.reads else 0.5) if clues.orders else 0.0,
        }


def is_ticket_id(name: str) -> bool:
    """Whether a parameter's name says that it holds the number of a ticket or another record."""
    return name in ("id", "ticket", "number") or name.endswith("_id")


def _habits(spec: ActionSpec) -> _Habits:
    logins = [p for p in spec.parameters if p.kind == "login"]
    groups = [p for p in spec.parameters if p.kind == "group"]
    tickets = [p for p in spec.parameters if p.kind == "text" and is_ticket_id(p.name)]
    needs_other = any(p.required for p in logins)
    searches = (
        spec.reads
        and any(p.kind == "text" and p.required for p in spec.parameters)
        and "directory" in spec.needs
    )
    return _Habits(
        others=bool(logins) or searches,
        needs_other=needs_other,
        group=bool(groups),
        needs_group=any(p.required for p in groups),
        ticket=bool(tickets),
        needs_ticket=any(p.required for p in tickets),
        own=not needs_other and not (spec.reads and groups and not logins),
        reads=spec.reads,
    )
