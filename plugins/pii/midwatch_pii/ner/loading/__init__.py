"""A token classifier from its files, in the process that runs it. The counterpart is `midwatch_pii.ner.asking`."""
