"""Recovery drills: what a database can lose, done for real to a scratch one, and brought back."""
