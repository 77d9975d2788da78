"""Search indexes in generations: built beside the live one, switched in one transaction, kept to go back."""
