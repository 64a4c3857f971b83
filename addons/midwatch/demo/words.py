"""What the demo's user writes that is nobody's business; application and report both know it."""

# Nobody's: an invented address, and the card number that payment services publish for tests.
OWN_WORDS = "Write to maria.keller@night-clinic.org and charge the card 4111 1111 1111 1111."
