"""What the pipeline asks of a release: each question a command of its own, each answer with its proof.

What could not be asked is `not_checked`, never passed, and says what would get it asked."""
