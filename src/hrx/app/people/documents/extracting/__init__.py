"""From a file to text with its structure: what runs in a process of its own, because files are not trusted.

Pure but for reading the file it is given; knows no database, no settings and no network."""
