"""Leading people to the other location by DNS: planned, two people, one step, and back by hand only."""
