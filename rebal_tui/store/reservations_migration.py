"""The migration to reservations with owners (R-2, R-9). Released: it is never edited."""

from __future__ import annotations

RESERVATIONS = """
CREATE TABLE reservations (
  key INTEGER PRIMARY KEY, account INTEGER NOT NULL REFERENCES accounts,
  owner_kind TEXT NOT NULL CHECK (owner_kind IN ('run', 'withdrawal', 'journal', 'person')), owner TEXT NOT NULL,
  origin_kind TEXT NOT NULL DEFAULT '' CHECK (origin_kind IN ('', 'run', 'withdrawal', 'person')),
  origin TEXT NOT NULL DEFAULT '', amount INTEGER NOT NULL CHECK (amount > 0), created_at INTEGER NOT NULL,
  UNIQUE (account, owner_kind, owner, origin_kind, origin), CHECK (origin_kind = '' OR owner_kind = 'journal')
) STRICT;

INSERT INTO reservations (account, owner_kind, owner, amount, created_at)
SELECT a.key, 'withdrawal', w.id, min(a.set_aside, w.amount), w.created_at FROM accounts a
JOIN withdrawals w ON w.account = a.key AND w.stage NOT IN ('completed', 'canceled') WHERE a.set_aside > 0;

INSERT INTO reservations (account, owner_kind, owner, amount, created_at)
SELECT account, 'run', id, min(amount, total - newer), created_at FROM (
  SELECT r.account, r.id, r.amount, r.created_at,
         a.set_aside - (SELECT coalesce(sum(amount), 0) FROM reservations x WHERE x.account = a.key) AS total,
         sum(r.amount) OVER (PARTITION BY r.account ORDER BY r.key DESC) - r.amount AS newer
  FROM accounts a JOIN runs r ON r.account = a.key
  WHERE a.set_aside > 0 AND r.type = 'partial_liquidation' AND r.status IN ('COMPLETED_SUCCESS', 'COMPLETED_ADJUSTED')
    AND NOT EXISTS (SELECT 1 FROM withdrawals w WHERE w.run = r.id)
) WHERE newer < total;

INSERT INTO reservations (account, owner_kind, owner, amount, created_at)
SELECT key, 'person', 'advisor', rest, created_at FROM (
  SELECT a.key, a.created_at,
         a.set_aside - (SELECT coalesce(sum(amount), 0) FROM reservations x WHERE x.account = a.key) AS rest
  FROM accounts a WHERE a.set_aside > 0
) WHERE rest > 0;

CREATE TABLE journal_parts AS
WITH j AS (
  SELECT journals.account, journals.id, journals.amount, journals.created_at,
         coalesce((SELECT w.id FROM withdrawals w WHERE w.account = journals.account AND w.stage = 'journaling'
                   AND w.amount = journals.amount AND journals.description = 'withdrawal'), '') AS withdrawal
  FROM journals JOIN accounts ON accounts.id = journals.from_account
  WHERE journals.status IN ('queued', 'sent_to_clearing', 'pending')
), wants AS (
  SELECT *, sum(amount) OVER (PARTITION BY account, withdrawal ORDER BY created_at, id) AS upto FROM j
), has AS (
  SELECT key, account, owner_kind, owner, amount, created_at,
         CASE owner_kind WHEN 'withdrawal' THEN owner ELSE '' END AS withdrawal,
         sum(amount) OVER (PARTITION BY account, owner_kind ORDER BY created_at, key) AS upto
  FROM reservations WHERE owner_kind IN ('run', 'withdrawal')
)
SELECT wants.account, wants.id AS journal, has.key AS source, has.owner_kind, has.owner, has.created_at,
       min(wants.upto, has.upto) - max(wants.upto - wants.amount, has.upto - has.amount) AS amount
FROM wants JOIN has ON has.account = wants.account AND has.withdrawal = wants.withdrawal
WHERE min(wants.upto, has.upto) > max(wants.upto - wants.amount, has.upto - has.amount);

DELETE FROM reservations WHERE amount = (SELECT sum(amount) FROM journal_parts WHERE source = reservations.key);
UPDATE reservations SET amount = amount - (SELECT sum(amount) FROM journal_parts WHERE source = reservations.key)
WHERE key IN (SELECT source FROM journal_parts);

INSERT INTO reservations (account, owner_kind, owner, origin_kind, origin, amount, created_at)
SELECT account, 'journal', journal, owner_kind, owner, amount, created_at FROM journal_parts;

INSERT INTO reservations (account, owner_kind, owner, amount, created_at)
SELECT account, 'journal', id, rest, created_at FROM (
  SELECT journals.account, journals.id, journals.created_at,
         journals.amount - (SELECT coalesce(sum(amount), 0) FROM journal_parts p WHERE p.journal = journals.id) AS rest
  FROM journals JOIN accounts ON accounts.id = journals.from_account
  WHERE journals.status IN ('queued', 'sent_to_clearing', 'pending')
) WHERE rest > 0;

DROP TABLE journal_parts;
ALTER TABLE accounts DROP COLUMN set_aside;
ALTER TABLE journals ADD COLUMN idempotency_key TEXT;
CREATE INDEX journals_by_key ON journals (idempotency_key) WHERE idempotency_key IS NOT NULL;
ALTER TABLE withdrawals ADD COLUMN everything INTEGER NOT NULL DEFAULT 0 CHECK (everything IN (0, 1))
"""
"""The reserved cash of an account goes to its open withdrawal, then to the newest liquidations, each up to its amount,
then to a person. Journals in progress then become owners as in R-9."""
