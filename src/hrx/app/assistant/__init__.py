"""The assistant: finds what the asker may read, answers from it, and says where it stands.

It knows documents by their passages and people by typed queries, both under the asker's own rights. It
refuses to know vendors of models: those are behind the gateway."""
