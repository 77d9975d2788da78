"""What releases cost people: the real edge, small real servers, and clients that count what they lose."""
