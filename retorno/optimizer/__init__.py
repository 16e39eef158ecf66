"""The mathematics: problems, plans, the judge and the solver; it never meets a person."""
