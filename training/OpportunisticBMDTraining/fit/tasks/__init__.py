"""The three fits: what each network is shown, how it is drawn and changed, and how it is judged."""
