"""What people do with an incident. Each is one write transaction: the row, its timers and a chained entry.

Looking is everybody's; everything here takes the role responder or above."""
