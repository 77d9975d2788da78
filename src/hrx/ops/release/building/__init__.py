"""From a commit to a release on this machine's disk: sources, environment, portal, what is inside."""
