"""The tables of requests, step by step. What is sealed is never changed; the rest only narrows a search.

``last``, ``made``, ``ends``, ``requester`` and the whole table ``request_waits`` say in plain columns where a list may
look. Nobody can win anything by altering them: whatever a list finds is opened and proven before it is shown, so a
column that lies can hide a request and never open one. A trigger keeps them, so that an older program keeps them too;
what such a program stores has ``indexed`` 0 until a newer one lists requests.
"""

from __future__ import annotations

from helpdesk.database.schema import Family, Step

RELEASED = "released"
"""What stands in ``last`` while a request is open: it was never claimed, or it was let go again."""

_FIRST = (
    """CREATE TABLE requests (
      id TEXT PRIMARY KEY,
      nonce TEXT NOT NULL UNIQUE,
      document TEXT NOT NULL,
      seal BLOB NOT NULL,
      steps INTEGER NOT NULL DEFAULT 0
    )""",
    """CREATE TABLE decisions (
      nonce TEXT NOT NULL,
      step INTEGER NOT NULL,
      what TEXT NOT NULL,
      document TEXT NOT NULL,
      seal BLOB NOT NULL,
      UNIQUE (nonce, step)
    )""",
)
_FIRST_SQLITE = (
    *_FIRST,
    """CREATE TRIGGER requests_stay BEFORE DELETE ON requests
      BEGIN SELECT RAISE(ABORT, 'requests are never deleted'); END""",
    """CREATE TRIGGER requests_sealed BEFORE UPDATE OF id, nonce, document, seal ON requests
      BEGIN SELECT RAISE(ABORT, 'requests are sealed'); END""",
    """CREATE TRIGGER decisions_stay BEFORE DELETE ON decisions
      BEGIN SELECT RAISE(ABORT, 'decisions are never deleted'); END""",
    """CREATE TRIGGER decisions_sealed BEFORE UPDATE ON decisions
      BEGIN SELECT RAISE(ABORT, 'decisions are sealed'); END""",
)
_FIRST_POSTGRES = (
    *(table.replace(" BLOB ", " BYTEA ").replace("id TEXT ", 'id TEXT COLLATE "C" ') for table in _FIRST),
    """CREATE FUNCTION kept_as_it_is() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN RAISE EXCEPTION '% is sealed and never deleted', TG_TABLE_NAME USING ERRCODE = 'check_violation'; END $$""",
    """CREATE TRIGGER requests_stay BEFORE DELETE OR TRUNCATE ON requests
      FOR EACH STATEMENT EXECUTE FUNCTION kept_as_it_is()""",
    """CREATE TRIGGER requests_sealed BEFORE UPDATE OF id, nonce, document, seal ON requests
      FOR EACH STATEMENT EXECUTE FUNCTION kept_as_it_is()""",
    """CREATE TRIGGER decisions_stay BEFORE DELETE OR UPDATE OR TRUNCATE ON decisions
      FOR EACH STATEMENT EXECUTE FUNCTION kept_as_it_is()""",
)

_COLUMNS = (
    "ALTER TABLE requests ADD COLUMN last TEXT NOT NULL DEFAULT 'released'",
    "ALTER TABLE requests ADD COLUMN requester TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE requests ADD COLUMN made BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE requests ADD COLUMN ends BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE requests ADD COLUMN indexed INTEGER NOT NULL DEFAULT 0",
    """CREATE TABLE request_waits (
      id TEXT NOT NULL,
      person TEXT NOT NULL,
      waits INTEGER NOT NULL,
      ends BIGINT NOT NULL,
      PRIMARY KEY (id, person)
    )""",
    "CREATE INDEX requests_unindexed ON requests (id) WHERE indexed = 0",
    "CREATE INDEX requests_by_requester ON requests (requester, made, id)",
    "CREATE INDEX requests_open_by ON requests (requester, ends, id) WHERE last IN ('released', 'claimed', 'approved')",
    "CREATE INDEX requests_unended ON requests (last, ends, id) WHERE last IN ('released', 'claimed')",
    "CREATE INDEX request_waits_for ON request_waits (person, ends, id) WHERE waits = 1",
)
_FILL = """UPDATE requests SET last = coalesce(
  (SELECT what FROM decisions d WHERE d.nonce = requests.nonce ORDER BY step DESC LIMIT 1), 'released')"""
_SECOND_SQLITE = (
    *_COLUMNS,
    _FILL,
    """CREATE TRIGGER decisions_noted AFTER INSERT ON decisions BEGIN
      UPDATE requests SET last = NEW.what WHERE nonce = NEW.nonce;
      UPDATE request_waits SET waits = (NEW.what = 'released')
        WHERE id = (SELECT id FROM requests WHERE nonce = NEW.nonce);
    END""",
)
_SECOND_POSTGRES = (
    *(column.replace("id TEXT NOT", 'id TEXT COLLATE "C" NOT') for column in _COLUMNS),
    """CREATE FUNCTION note_decision() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      UPDATE requests SET last = NEW.what WHERE nonce = NEW.nonce;
      UPDATE request_waits SET waits = CASE WHEN NEW.what = 'released' THEN 1 ELSE 0 END
        WHERE id = (SELECT id FROM requests WHERE nonce = NEW.nonce);
      RETURN NULL;
    END $$""",
    """CREATE TRIGGER decisions_noted AFTER INSERT ON decisions
      FOR EACH ROW EXECUTE FUNCTION note_decision()""",
    """CREATE FUNCTION tell_of_change() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN PERFORM pg_notify('helpdesk_store', ''); RETURN NULL; END $$""",
    """CREATE TRIGGER requests_told AFTER INSERT ON requests
      FOR EACH STATEMENT EXECUTE FUNCTION tell_of_change()""",
    """CREATE TRIGGER decisions_told AFTER INSERT ON decisions
      FOR EACH STATEMENT EXECUTE FUNCTION tell_of_change()""",
)

_THIRD = ("CREATE INDEX requests_approved ON requests (ends, id) WHERE last = 'approved'",)

REQUESTS = Family(
    name="requests",
    tables=("requests", "decisions", "request_waits"),
    steps=(
        Step(sqlite=_FIRST_SQLITE, postgres=_FIRST_POSTGRES),
        Step(sqlite=_SECOND_SQLITE, postgres=_SECOND_POSTGRES),
        Step(sqlite=_THIRD, postgres=_THIRD),
    ),
    changing={
        "requests": ("steps", "last", "requester", "made", "ends", "indexed"),
        "request_waits": ("waits", "ends"),
    },
    adopted="SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'requests'",
)
