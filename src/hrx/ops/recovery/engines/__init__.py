"""Other ways of keeping base backups than our own: pgBackRest, and the provider of a managed database."""
