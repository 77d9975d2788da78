"""Questions whose answers are known, asked every night as people ask: what is found, and what is said."""
