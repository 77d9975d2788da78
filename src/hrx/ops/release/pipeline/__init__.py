"""The way of a commit to people: stages from one definition, run, resumed, approved and held."""
