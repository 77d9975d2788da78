-- label: dangerous
-- hazard: protection-removed
-- why: What triggers guard is unguarded, keys among it.
ALTER TABLE app.review DISABLE TRIGGER ALL;
