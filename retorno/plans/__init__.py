"""Stage 3: from groups that may travel to movements with seats: gathering, solving, drafts by hand, acceptance."""
