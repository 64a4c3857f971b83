"""Quality on the labelled sets: what rules, models and the ensemble find, and how the ensemble's weights were made."""
