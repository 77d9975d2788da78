"""The assistant: finds what the asker may read, answers from it, and says where it stands."""
