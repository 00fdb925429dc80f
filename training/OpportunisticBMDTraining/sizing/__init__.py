"""How long a whole archive takes and what it costs: a campaign simulated from measured times."""
