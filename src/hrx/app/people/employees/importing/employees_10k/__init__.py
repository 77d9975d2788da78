"""A real company's history as SQL scripts (the public "employees" sample) into a tenant of its own.

`python -m hrx.app.people.employees.importing.employees_10k load FOLDER --tenant SLUG` loads it,
`… verify FOLDER --tenant SLUG` compares org charts on random days with a naive replay of the files.
The mapping and its decisions are written down in examples/employees_10k/README.md."""
