"""The one process that owns keys, teams, budgets and the ledger."""
