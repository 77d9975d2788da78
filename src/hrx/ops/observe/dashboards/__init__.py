"""Dashboards: what panels ask, the lines across them, the answers of Prometheus, marks of the ledger."""
