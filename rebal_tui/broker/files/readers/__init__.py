"""Readers of custodians' positions files, one module per custodian."""
