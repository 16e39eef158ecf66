"""One view per stage, same name as the stage it calls; no rule, no SQL, no logic."""
