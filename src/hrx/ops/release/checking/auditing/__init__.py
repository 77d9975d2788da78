"""Known holes in the packages of a release: asked of the registries' tools, or of advisories on this disk."""
