"""People of a tenant: who they are, where they work, who decides."""
