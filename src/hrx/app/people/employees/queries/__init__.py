"""Reads of people's records, each at a day (`as_of`) and as known at a moment (`as_known`).

These statements are SQL text in the open, parameters bound: their meaning is which ranges hold the asked day
and moment, and their speed rests on the indexes that each one names. No statement filters by tenant or by
reader: row-level security does (migration 0003)."""
