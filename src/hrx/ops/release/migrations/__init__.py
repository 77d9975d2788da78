"""The gate that every migration passes: read, rehearsed under traffic, run with patience, filled in batches.

Reading finds what the words promise; executing finds what really happens; either alone misses some. This
room knows databases and Alembic revisions; it knows nothing of backups but that somebody verified one."""
