"""Questions about people: a closed set of typed queries under the asker's rights, never generated SQL."""
