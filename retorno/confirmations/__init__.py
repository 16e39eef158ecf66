"""Stage 4: who is asked, who answers, and what a consulate sees."""
