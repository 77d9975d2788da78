"""How operations look at the application plane: from outside, with a time limit, and never by import.

Every function gives an Observation and never raises for something that is broken: a look is an answer."""
