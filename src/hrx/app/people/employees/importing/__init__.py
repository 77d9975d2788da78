"""People out of a file: read, guess the columns, check every cell, show what would change, commit at once.

The parts that decide (`delimited`, `workbook`, `mapping`, `dates`, `cells`, `validating`, `planning`)
are pure and know no database; `queries` reads the present state, `actions` and `writing` change it, `jobs`
runs long work."""
