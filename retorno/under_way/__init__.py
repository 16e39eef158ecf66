"""Stage 6: from the first boarding to the last handover, with the pages of posts, reception points and escorts."""
