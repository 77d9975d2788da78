"""Writes of people's records.

Every change is a change order. An order is planned (pure, `planning`), recorded (`recording`: close what ends
being known, insert what is known instead), audited and told to open browsers, in one transaction."""
