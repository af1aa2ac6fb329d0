"""Reports for an auditor: what happened to an account, day by day, in sentences with their figures."""
