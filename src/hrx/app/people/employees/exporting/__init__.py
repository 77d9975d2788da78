"""People into a file that comes back unchanged: the columns are those of the import's catalogue."""
