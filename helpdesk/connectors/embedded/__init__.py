"""A directory of our own in one SQLite file: for the demo, a trial, or a small team without a server.

It keeps to the rules of a real directory with a password policy: people bind, the directory's own rights
decide, wrong passwords lock, a temporary password opens nothing but its own change.

``names`` (how names are compared), ``hashing`` (scrypt), ``rules`` (the password policy), ``tables`` (the
file), ``attempts`` (the lock), ``reader`` and ``session`` (look-ups and writes), ``admin`` (filling it),
``directory`` (the way in).
"""

from helpdesk.connectors.embedded.admin import Administration, NewGroup, NewPerson
from helpdesk.connectors.embedded.directory import EmbeddedDirectory
from helpdesk.connectors.embedded.hashing import Cost
from helpdesk.connectors.embedded.rules import Rules

__all__ = ["Administration", "Cost", "EmbeddedDirectory", "NewGroup", "NewPerson", "Rules"]
