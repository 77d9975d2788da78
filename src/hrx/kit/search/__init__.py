"""How text becomes what is searched: words, letter groups, weights, synonyms. Knows no database."""
