"""The migration to versions of portfolios. The first version of a portfolio of an earlier file is its stored form."""

from __future__ import annotations

PORTFOLIO_VERSIONS = """
CREATE TABLE portfolio_versions (
  key INTEGER PRIMARY KEY, portfolio INTEGER NOT NULL REFERENCES portfolios,
  number INTEGER NOT NULL CHECK (number > 0), at INTEGER NOT NULL, actor TEXT NOT NULL, name TEXT NOT NULL,
  description TEXT NOT NULL, cash_weight INTEGER NOT NULL, cooldown_days INTEGER NOT NULL,
  conditions TEXT NOT NULL, review INTEGER NOT NULL CHECK (review IN (0, 1)),
  rebalance_to TEXT NOT NULL, rebalance_scope TEXT NOT NULL, minimum_trade_amount INTEGER,
  minimum_trade_percent INTEGER, stagger_sessions INTEGER NOT NULL, UNIQUE (portfolio, number)
) STRICT;
CREATE TABLE portfolio_version_weights (
  version INTEGER NOT NULL REFERENCES portfolio_versions, line INTEGER NOT NULL,
  asset INTEGER NOT NULL REFERENCES assets, percent INTEGER NOT NULL, PRIMARY KEY (version, line)
) STRICT, WITHOUT ROWID;
INSERT INTO portfolio_versions
SELECT key, key, 1, updated_at, '', name, description, cash_weight, cooldown_days,
  (SELECT json_group_array(json(CASE WHEN sub_type IS NULL THEN json_array(type)
    ELSE json_array(type, sub_type, coalesce(percent, day)) END))
   FROM (SELECT * FROM portfolio_conditions WHERE portfolio = portfolios.key ORDER BY line)),
  review, rebalance_to, rebalance_scope, minimum_trade_amount, minimum_trade_percent, stagger_sessions
FROM portfolios;
INSERT INTO portfolio_version_weights SELECT portfolio, line, asset, percent FROM portfolio_weights
"""
