"""The migration after which each cause of a pause of an account has a row of its own."""

# Earlier versions joined all causes of a pause by "; " in one text. An alert of a reversed journal or a lost run came
# with the alert of the pause, which names the same account.
HOLD_CAUSES = """
CREATE TABLE hold_causes (
  key INTEGER PRIMARY KEY, account INTEGER NOT NULL REFERENCES accounts,
  kind TEXT NOT NULL CHECK (kind IN (
    'reconciliation', 'reported', 'corporate_action', 'unknown_asset', 'files', 'difference')),
  reason TEXT NOT NULL, at INTEGER NOT NULL, baseline TEXT, waiting_until INTEGER, UNIQUE (account, kind, reason)
) STRICT;
INSERT OR IGNORE INTO hold_causes (account, kind, reason, at, baseline, waiting_until)
WITH RECURSIVE parts (account, at, ground, waiting_until, n, reason, rest) AS (
  SELECT account, at, ground, waiting_until, 0, '', reason || '; ' FROM reconciliation_holds
  UNION ALL
  SELECT account, at, ground, waiting_until, n + 1, substr(rest, 1, instr(rest, '; ') - 1),
    substr(rest, instr(rest, '; ') + 2)
  FROM parts WHERE instr(rest, '; ') > 0
), kinds AS (
  SELECT *, CASE WHEN reason LIKE 'no event explains: %' THEN 'difference'
    WHEN reason LIKE 'the book does not know the asset of %' THEN 'unknown_asset' ELSE 'reconciliation' END AS kind
  FROM parts WHERE n > 0
)
SELECT account, kind, reason, at, CASE kind WHEN 'reconciliation' THEN ground END,
  CASE kind WHEN 'difference' THEN waiting_until END
FROM kinds ORDER BY account, n;
DROP TABLE reconciliation_holds;
UPDATE alerts SET acknowledged_at = at WHERE kind IN ('journal_changed', 'lost_run') AND acknowledged_at IS NULL
"""
