"""Where HRX-AI runs. One protocol (`target.Target`); one package for each kind of place."""
