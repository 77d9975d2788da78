"""The powers of the runner, by what they work on. `run.actions` lists them all."""
