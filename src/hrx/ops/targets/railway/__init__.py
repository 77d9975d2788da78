"""Railway as a release target."""
