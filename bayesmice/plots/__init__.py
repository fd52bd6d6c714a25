"""Pictures of a run, all of them made from its tree."""
