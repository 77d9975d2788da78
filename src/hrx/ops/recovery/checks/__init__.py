"""Is a copy right? Looks through every row, index, reference, rule and chain, and tells what it found.

`checking.check_copy` is the door; each other module is one kind of look."""
