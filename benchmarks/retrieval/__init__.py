"""What people find, how fast, and that nobody finds what he may not read."""
