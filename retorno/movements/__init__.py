"""One movement and its people as the database has them: facts for the rules, its page, what happened in order."""
