"""Names, addresses and places that no pattern has, told by a token classifier in a process of its own (extra `ner`)."""
