"""The keeper of the backups: one process of small duties, each of which may fail alone and is tried again."""
