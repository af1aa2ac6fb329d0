"""Reports for an auditor: what happened to an account, day by day, as sentences with figures."""
