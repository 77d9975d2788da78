"""Who operates: people with a role and a password of their own, kept in the ledger's store.

They are not users of the product: signing in here works while the product and its database are gone."""
