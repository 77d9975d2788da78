"""What was asked and answered, for as long as it is kept; a conversation belongs to its user alone."""
