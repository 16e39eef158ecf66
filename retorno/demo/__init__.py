"""The demonstration office: invented people, first movements, real days, the tour."""
