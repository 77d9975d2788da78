"""What every slice of the product stands on: database, tenancy, cache, jobs, live events, audit, edge."""
