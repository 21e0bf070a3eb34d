"""Words that mean about the same at work: a policy says "retention period", a person "how long may I keep".

General English and nothing about any one company: a line holds words that may stand for each other, in the
forms that the stemmer does not bring together. A word from here finds less than the word that was asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from helpdesk_policy.words import Stemmer

_LINES = """
keep, kept, retain, retention, store, stored, storage, hold, save, preserve, archive
delete, deletion, erase, erasure, remove, removal, destroy, destruction, wipe, dispose, disposal, shred, throw away, get rid
customer, client
data, record, information
document, file, paper
vacation, holiday, leave, pto, time off, days off, day off, annual leave, weeks off
sick, ill, illness, sickness, unwell
baby, newborn, child, birth, maternity, paternity, parent, parental
pregnant, pregnancy, maternity
died, death, dies, dead, deceased, bereavement, funeral, passed away
family, relative, mother, father, brother, sister, sibling, grandmother, grandfather, grandparent, spouse, wife, husband
salary, wage, earn, earnings, compensation, pay
pay, paid, payment, reimburse, reimbursement, refund, cover, covered, subsidy, subsidize, fund, contribute
budget, spend, spending, expense, expenses, expenditure
bill, billing, invoice, payment
boss, manager, supervisor
colleague, coworker, co worker, teammate, team member
personnel, staff, workforce
new hire, new starter, newcomer, new joiner, new employee, onboarding
hire, hiring, recruit, recruitment
candidate, applicant, apply, application
job, position, vacancy, opening
resign, resignation, quit, leave, left, depart, departure, leaver, termination, terminate
dismiss, dismissal, fire, fired, terminate, termination, sack, laid off, lay off
punish, punishment, discipline, disciplinary, sanction, retaliate, retaliation, penalty, consequence
break, broke, broken, violate, violation, breach, infringe, non compliance
complain, complaint, grievance
harass, harassment, bully, bullying
laptop, computer, notebook, pc, machine, workstation, device
phone, smartphone, mobile, cell phone, device
lost, lose, loss, missing, misplaced, stolen, theft, stole
password, passphrase, passcode
multi factor, multifactor, mfa, 2fa, two factor, second factor, 2 factor
single sign on, sso
fingerprint, biometric, touchid, touch id, face id, faceid
log in, login, log on, logon, sign in, access
hacked, hack, breach, breached, compromise, compromised, intrusion, attacked
virus, malware, infected, ransomware
email, mail, e mail
personal, private
privacy, private, confidential
internet, web, browsing, browse, online
monitor, monitored, surveillance, watch, track, spy, read
vendor, supplier, third party, contractor
patch, update, upgrade, updated
library, dependency, package
approve, approval, permission, authorize, authorise, authorization, consent, sign off
review, check, assess, assessment, evaluate, evaluation, audit, inspect
disable, disabled, deactivate, switch off, switched off, turn off, suspend, block
incident, emergency, emergencies
outage, downtime, disruption
restore, recovery, recover
notify, notification, inform, informed, announce, announcement, warn, notice
report, raise, escalate
suspicious, strange, odd, unexpected, weird, peculiar
alcohol, beer, wine, drink
home, remote, remotely, telework, telecommute, wfh
share, shares, stock, equity
health, healthcare, medical
insurance, coverage, cover
course, courses, class, classes, training, education, learning
talk, speech, speak, speaker, speaking, presentation
recommend, recommendation, refer, referral
annual, annually, yearly, year, every year
quarter, quarterly
regular, regularly, frequency, frequently, periodic, periodically, rotate, rotated
lawsuit, litigation, court, legal, subpoena
admin, administrator, administrative
conversation, communication, chat
engineer, developer, programmer, technical
category, class, classification, classify
feature, functionality
quick, quickly, fast, promptly, immediately, timeline, deadline, as soon as possible
minimum, at least, least
length, long, characters
reason, cause
install, installed, installation, apply, applied
dial, call, phone
finish, finished, complete, completed, end
start, begin, beginning
desk, workspace
office, workplace, premises
money, funds, cost, costs
buy, purchase, procure, procurement
travel, trip, flight, flights, journey
choose, pick, select
secure, security, safe
allowance, stipend, budget
illegal, unlawful, prohibited, forbidden
forbid, forbidden, prohibit, prohibited, ban, banned, veto, disallow
permission, permissions, access, rights, privilege, privileges
move, moved, transfer, transferred, switch
department, team, unit, division, role
leaked, guessed, exposed, compromised, disclosed
in charge, responsible, responsibility, accountable, owner, looks after
outage, down, goes down, unavailable, interruption
dangerous, hazard, hazardous, unsafe
gift, present, hospitality
visitor, guest
confidential, secret, sensitive
copy, duplicate, reproduce
contract, agreement
hours, working time, schedule
"""


@cache
def stemmer() -> Stemmer:
    return Stemmer()


@cache
def _table() -> dict[str, tuple[str, ...]]:
    """From the stems of a word or phrase to everything that stands in a line with it."""
    table: dict[str, dict[str, None]] = {}
    for line in _LINES.strip().splitlines():
        phrases = [phrase.strip() for phrase in line.split(",")]
        for stem in stemmer()(phrases):
            table.setdefault(stem, {}).update(dict.fromkeys(phrases))
    return {stem: tuple(phrases) for stem, phrases in table.items()}


def ways_of_saying(word: str) -> tuple[str, ...]:
    """Other words for a word or a phrase; none that share its stem."""
    [stem] = stemmer()([word])
    others = (*_table().get(stem, ()), *_adverb(word))
    return tuple(other for other, its in zip(others, stemmer()(others), strict=True) if its != stem)


def _adverb(word: str) -> tuple[str, ...]:
    """ "randomly" for "random" and the other way round, which the stemmer keeps apart."""
    if " " in word or len(word) < 5:
        return ()
    return (word.removesuffix("ly"),) if word.endswith("ly") else (word + "ly",)


def phrases_in(words: Sequence[str]) -> list[tuple[int, str]]:
    """Where two words of a text make a phrase that the table knows, as positions and phrases."""
    pairs = [" ".join(words[i : i + 2]) for i in range(len(words) - 1)]
    return [
        (i, pair)
        for i, (pair, stem) in enumerate(zip(pairs, stemmer()(pairs), strict=True))
        if stem in _table()
    ]
