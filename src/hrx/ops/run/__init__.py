"""The ring: look, find, plan, approve, run, record, look again. The only place that changes the world.

It knows actions by id and plans as data; what a procedure is for is content, and who may press which button
is `operators`' affair."""
